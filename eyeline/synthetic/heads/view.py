"""How a head is held, lit and seen: poses over the whole sphere, gaze, camera, light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.geometry.directions import normalise
from eyeline.results import Floats
from eyeline.synthetic.heads.faces import Face
from eyeline.synthetic.heads.identity import HEIGHT_MM, Identity


@dataclass(frozen=True)
class Shot:
    """One image's head, camera and light."""

    rotation: Floats
    """`(3, 3)` head to camera frame; a head that is not turned faces the camera."""
    position: Floats
    """`(3,)` of the head's origin in the camera frame, millimetres."""
    matrix: Floats
    """`(3, 3)` intrinsics of the square image."""
    size_px: int
    face: Face
    lights: Floats
    """`(3, 6)` unit vector towards each in the camera frame, and its colour."""
    ambient: Floats
    """`(6, 3)` from right, left, below, above, behind the head, the camera."""
    exposure: float
    shadow: float
    window: Floats
    """`(4,)` unit vector towards what eyes and glasses mirror, and its strength."""


def draw(rng: np.random.Generator, person: Identity, size_px: int) -> Shot:
    """A random one of a person."""
    tilt = _about("x", -np.radians(np.clip(rng.normal(6, 13), -35, 55)))
    yaw = _yaw(rng)
    bowed = rng.random()
    pitch = rng.normal(0, 13) + (rng.uniform(15, 50) if bowed < 0.22 else 0.0)
    pitch -= rng.uniform(10, 35) if bowed > 0.93 else 0.0
    roll = rng.normal(0, 9) + (rng.normal(0, 25) if rng.random() < 0.15 else 0)
    held = _about("y", yaw) @ _about("x", -np.radians(pitch)) @ _about("z", np.radians(roll))
    trunk = _about("y", yaw + np.radians(rng.normal(0, 22))) @ _about(
        "x", -np.radians(rng.normal(4, 8))
    )
    rotation = tilt @ held
    distance = float(np.exp(rng.uniform(np.log(380), np.log(6000))))
    aside = np.clip(rng.normal(0, 0.16, 2), -0.45, 0.45)
    centre = np.array([*aside, 1.0]) * distance
    # the middle of the skull, not the eyes, stands in the middle of the image
    position = centre - rotation @ np.array([0.0, 8.0, 72.0]) * person.height / HEIGHT_MM
    fills = size_px * float(np.exp(rng.normal(np.log(0.60), 0.08)))
    focal = fills * distance / person.height
    principal = size_px * (0.5 + rng.normal(0, 0.02, 2)) - focal * aside
    matrix = np.array([[focal, 0, principal[0]], [0, focal, principal[1]], [0, 0, 1.0]])
    face = _face(rng, rotation, position, held, trunk)
    return Shot(rotation, position, matrix, size_px, face, *_light(rng))


def _yaw(rng: np.random.Generator) -> float:
    """Radians; more from before than from behind, more than enough in profile."""
    kind = rng.random()
    if kind < 0.45:
        return float(np.radians(rng.normal(0, 28)))
    if kind < 0.70:
        return float(np.radians(rng.choice([-1, 1]) * rng.uniform(45, 115)))
    return float(rng.uniform(-np.pi, np.pi))


def _face(
    rng: np.random.Generator, rotation: Floats, position: Floats, held: Floats, trunk: Floats
) -> Face:
    gaze = _gaze(rng, rotation, position)
    opening = np.full(2, float(np.clip(rng.normal(1.0, 0.16), 0.5, 1.4)))
    kind = rng.random()
    if kind < 0.10:
        opening[:] = 0
    elif kind < 0.20:
        opening *= rng.uniform(0.05, 0.7)
    opening *= rng.uniform(0.92, 1.08, 2)
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_matrix(held.T @ trunk).as_rotvec()
    turn *= min(1.0, np.radians(52) / max(float(np.linalg.norm(turn)), 1e-6))
    return Face(gaze, opening, _actions(rng), turn)


def _gaze(rng: np.random.Generator, rotation: Floats, position: Floats) -> Floats:
    """`(2, 3)` of both eyes towards one point; often near the camera where it can be seen."""
    to_camera = -rotation.T @ (position / np.linalg.norm(position))
    yaw, pitch = np.radians(rng.normal(0, 17)), np.radians(rng.normal(3, 11))
    if rng.random() < 0.3 and to_camera[2] < -0.75:
        yaw = np.arctan2(to_camera[0], -to_camera[2]) + np.radians(rng.normal(0, 4))
        pitch = np.arcsin(np.clip(to_camera[1], -1, 1)) + np.radians(rng.normal(0, 4))
    elif rng.random() < 0.2:
        yaw, pitch = np.radians(rng.uniform(-40, 40)), np.radians(rng.uniform(-25, 38))
    yaw, pitch = np.clip(yaw, -0.75, 0.75), np.clip(pitch, -0.5, 0.7)
    target = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), -np.cos(yaw) * np.cos(pitch)])
    away = float(np.exp(rng.uniform(np.log(280), np.log(5000))))
    return normalise(target * away - np.array([[-31.0, 0, 0], [31.0, 0, 0]]))


def _actions(rng: np.random.Generator) -> dict[str, float]:
    """Some of the face's actions, mostly alike on both sides."""
    actions: dict[str, float] = {}

    def both(name: str, much: float) -> None:
        for side in ("Left", "Right"):
            actions[name + side] = much * rng.uniform(0.85, 1.15)

    if rng.random() < 0.4:
        both("mouthSmile", rng.uniform(0.1, 0.9))
        both("cheekSquint", actions["mouthSmileLeft"] * rng.uniform(0, 0.6))
    if rng.random() < 0.4:
        actions["jawOpen"] = float(rng.beta(1.2, 3.2))
    if rng.random() < 0.3:
        both("browDown", rng.uniform(0, 0.8))
    elif rng.random() < 0.35:
        actions["browInnerUp"] = rng.uniform(0, 0.8)
        both("browOuterUp", rng.uniform(0, 0.7))
    for name in (
        "mouthPucker",
        "mouthFunnel",
        "mouthLeft",
        "mouthRight",
        "jawLeft",
        "jawForward",
        "mouthShrugLower",
        "cheekPuff",
        "mouthRollLower",
    ):
        if rng.random() < 0.07:
            actions[name] = rng.uniform(0.1, 0.7)
    for name in ("mouthFrown", "mouthStretch", "mouthUpperUp", "mouthLowerDown", "noseSneer"):
        if rng.random() < 0.08:
            both(name, rng.uniform(0.1, 0.6))
    return actions


def _light(rng: np.random.Generator) -> tuple[Floats, Floats, float, float, Floats]:
    """Lights, ambient light, exposure, depth of shadows, window."""
    key = normalise(
        np.array([rng.normal(0, 0.8), rng.normal(-0.75, 0.45), rng.normal(-0.75, 0.55)])
    )
    fill = normalise(rng.normal([0, -0.3, -0.8], [1.0, 0.4, 0.5]))
    rim = normalise(rng.normal([0, -0.5, 0.9], [1.0, 0.4, 0.4]))
    warm = rng.normal(0, 0.10, 3)[:, None] * [1.0, 0.1, -1.3]
    power = np.array(
        [rng.uniform(0.5, 2.6), rng.uniform(0, 0.7), rng.choice([0, rng.uniform(0, 1.3)])]
    )
    lights = np.concatenate([[key, fill, rim], power[:, None] * np.exp(warm)], 1)
    base = rng.uniform(0.22, 0.75)
    ambient = base * np.exp(rng.normal(0, 0.28, (6, 1)) + rng.normal(0, 0.06, (6, 3)))
    ambient[3] *= rng.uniform(1.0, 1.7)
    ambient[2] *= rng.uniform(0.45, 0.95)
    # what a camera does: a bright side of the face is exposed alike in any light
    bright = ambient.mean() + 0.45 * power[0] * max(0.25, float(-key[2])) + 0.2 * power[1]
    exposure = 0.62 / bright * float(np.exp(rng.normal(0, 0.3)))
    window = normalise(rng.normal([0, -0.5, -0.9], [0.7, 0.3, 0.4]))
    strength = rng.choice([0.0, rng.uniform(2, 18)], p=[0.35, 0.65])
    return lights, ambient, exposure, float(rng.uniform(0.45, 1.0)), np.array([*window, strength])


def _about(axis: str, angle: float) -> Floats:
    """`(3, 3)` rotation about an axis of the head's frame."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_euler(axis, angle).as_matrix())
