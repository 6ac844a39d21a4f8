"""A synthetic person: joints, and ellipsoids whose paint shows where chest, face and eyes point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.geometry.directions import normalise
from eyeline.results import Floats
from eyeline.synthetic.solids import Paint, Part, plain
from eyeline.systems.gaze_3d.inputs import JOINTS
from eyeline.systems.gaze_3d.motion import Motion, axes, directions

EYES = normalise(np.array([[0.85, -0.40, 0.10], [0.85, 0.40, 0.10]]))
"""Middles of the right and the left eye on the head's unit sphere: forward, left, up."""

_HEAD_RADII = np.array([0.125, 0.115, 0.145])
_EYE, _IRIS, _IRIS_TRAVEL = 0.30, 0.15, 0.38
"""Of the head's unit sphere; larger than life, so that eyes are seen from afar."""
_SMALL, _DARK = np.array([0.05, 0.05, 0.05]), np.array([0.12, 0.1, 0.1])
_SHOWS = np.full(JOINTS, -1.0)
_SHOWS[[0, 15, 16]], _SHOWS[[17, 18]] = 0.1, -0.4  # ears stick out, so they show from behind
_BONES = (
    (2, 3, 0.05, "shirt"),
    (3, 4, 0.04, "skin"),
    (5, 6, 0.05, "shirt"),
    (6, 7, 0.04, "skin"),
    (9, 10, 0.08, "trousers"),
    (10, 11, 0.06, "trousers"),
    (12, 13, 0.08, "trousers"),
    (13, 14, 0.06, "trousers"),
    (24, 22, 0.045, "shoes"),
    (21, 19, 0.045, "shoes"),
)


@dataclass(frozen=True)
class Look:
    """What a person is like; colours `(3,)` in [0, 1]."""

    height_m: float
    skin: Floats
    hair: Floats
    shirt: Floats
    stripe: Floats
    """Down the front of the shirt."""
    trousers: Floats
    shoes: Floats

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Look:
        """Somebody."""
        skin = np.array([0.95, 0.76, 0.62]) * rng.uniform(0.45, 1)
        hair = np.array([0.35, 0.22, 0.12]) * rng.uniform(0.2, 1.2)
        shirt = rng.uniform(0.1, 0.9, 3)
        stripe = np.where(shirt.mean() > 0.5, 0.1, 0.95) * np.ones(3)
        trousers = rng.uniform(0.1, 0.6, 3)
        return cls(rng.uniform(1.55, 1.9), skin, hair, shirt, stripe, trousers, _DARK)


@dataclass(frozen=True)
class Figure:
    """A person in one frame, in the world."""

    joints: Floats
    """`(25, 3)` BODY_25."""
    normals: Floats
    """`(25, 3)` outward where a joint lies on the head's surface, else 0."""
    shows: Floats
    """`(25,)` least cosine of the normal with the way to the camera at which a joint is seen."""
    parts: tuple[Part, ...]
    head: Floats
    """`(3,)` middle of the head."""
    chest: Floats
    """`(3,)` middle of the chest."""


def pose(look: Look, motion: Motion, frame: int) -> Figure:
    """The person in one frame of a motion."""
    scale = look.height_m / 1.75
    body, head = axes(motion.body[frame]), axes(motion.head[frame])
    hip = np.array([*motion.place[frame], 0.93 * scale])
    upright = axes(motion.body[frame] * [1, 0])
    joints = np.zeros((JOINTS, 3))
    joints[8], joints[1] = hip, hip + scale * (body @ [0.0, 0.0, 0.56])
    _arms(joints, body, scale, float(motion.walk[frame]))
    _legs(joints, upright, scale, float(motion.walk[frame]))
    centre = joints[1] + scale * (body @ [0.01, 0, 0.1]) + scale * (head @ [0.02, 0, 0.11])
    on_head = np.zeros((JOINTS, 3))
    on_head[[0, 15, 16, 17, 18]] = [[1, 0, -0.1], *EYES, [-0.05, -1, 0], [-0.05, 1, 0]]
    face = on_head.any(axis=1)
    joints[face] = centre + (on_head[face] * _HEAD_RADII * scale) @ head.T
    chest = hip + scale * (body @ [0.0, 0.0, 0.38])
    eyes = directions(motion.gaze[frame]) @ head
    parts = (
        *_limbs(look, joints, scale),
        Part(chest, body, scale * np.array([0.13, 0.21, 0.28]), _shirt(look)),
        Part(hip, body, scale * np.array([0.12, 0.18, 0.15]), plain(look.trousers)),
        *_head(look, centre, head, scale, eyes),
    )
    return Figure(joints, normalise(on_head) @ head.T, _SHOWS, parts, centre, chest)


def _arms(joints: Floats, body: Floats, scale: float, walk: float) -> None:
    for shoulder, side, swing in ((2, -1, 1), (5, 1, -1)):
        turn = 0.5 * swing * np.sin(walk)
        joints[shoulder] = joints[1] + scale * (body @ [0, 0.2 * side, -0.05])
        upper = body @ [np.sin(turn), 0.12 * side, -np.cos(turn)]
        lower = body @ [np.sin(turn + 0.5), 0.05 * side, -np.cos(turn + 0.5)]
        joints[shoulder + 1] = joints[shoulder] + 0.29 * scale * normalise(upper)
        joints[shoulder + 2] = joints[shoulder + 1] + 0.25 * scale * normalise(lower)


def _legs(joints: Floats, upright: Floats, scale: float, walk: float) -> None:
    """Legs that swing; the feet do not hold to the floor."""
    feet = {9: (22, 23, 24), 12: (19, 20, 21)}
    for hip, side, swing in ((9, -1, -1), (12, 1, 1)):
        turn = 0.45 * swing * np.sin(walk)
        bend = 0.35 * (1 + swing * np.cos(walk))
        joints[hip] = joints[8] + scale * (upright @ [0, 0.1 * side, -0.02])
        thigh = upright @ [np.sin(turn), 0, -np.cos(turn)]
        shin = upright @ [np.sin(turn - bend), 0, -np.cos(turn - bend)]
        joints[hip + 1] = joints[hip] + 0.44 * scale * thigh
        joints[hip + 2] = joints[hip + 1] + 0.42 * scale * shin
        places = ([0.17, 0.02 * side, -0.06], [0.14, 0.06 * side, -0.06], [-0.06, 0, -0.06])
        for joint, place in zip(feet[hip], places, strict=True):
            joints[joint] = joints[hip + 2] + scale * (upright @ place)


def _limbs(look: Look, joints: Floats, scale: float) -> list[Part]:
    parts = []
    for a, b, radius, what in (
        *_BONES,
        (1, 1, 0.06, "skin"),
        (4, 4, 0.05, "skin"),
        (7, 7, 0.05, "skin"),
    ):
        along = joints[b] - joints[a]
        length = float(np.linalg.norm(along))
        radii = scale * np.array([length / 2 / scale + 0.6 * radius, radius, radius])
        turned = _along(along / length) if length else np.eye(3)
        colour = getattr(look, what)
        parts.append(Part((joints[a] + joints[b]) / 2, turned, radii, plain(colour)))
    return parts


def _along(direction: Floats) -> Floats:
    """Axes `(3, 3)` whose first column is the direction."""
    other = np.eye(3)[np.abs(direction).argmin()]
    second = normalise(np.cross(direction, other))
    return np.stack([direction, second, np.cross(direction, second)], axis=1)


def _head(look: Look, centre: Floats, head: Floats, scale: float, eyes: Floats) -> list[Part]:
    nose = centre + scale * (head @ (np.array([1.02, 0, -0.15]) * _HEAD_RADII))
    return [
        Part(centre, head, scale * _HEAD_RADII, _face(look, eyes)),
        Part(nose, head, scale * np.array([0.035, 0.02, 0.03]), plain(look.skin * 0.9)),
    ]


def _shirt(look: Look) -> Paint:
    def paint(points: Floats) -> Floats:
        colour = np.where(points[:, :1] > 0, look.shirt, look.shirt * 0.75)
        stripe = (points[:, 0] > 0) & (np.abs(points[:, 1]) < 0.22)
        return np.where(stripe[:, None], look.stripe, colour)

    return paint


def _face(look: Look, eyes: Floats) -> Paint:
    """Hair behind and above, mouth, and eyes whose irises lie where the look goes.

    Args:
        look: of the person.
        eyes: `(3,)` unit vector of the gaze along the head's axes.
    """
    away = _IRIS_TRAVEL * np.array([0, eyes[1], eyes[2]])
    irises = normalise(EYES + away)

    def paint(points: Floats) -> Floats:
        bare = (points[:, 0] > 0.1) & (points[:, 2] < 0.62)
        colour = np.where(bare[:, None], look.skin, look.hair)
        mouth = np.abs(points - [0.83, 0, -0.55]) < [0.3, 0.3, 0.07]
        colour = np.where(np.all(mouth, axis=1)[:, None], look.skin * [0.75, 0.35, 0.35], colour)
        for centre, iris in zip(EYES, irises, strict=True):
            white = np.linalg.norm(points - centre, axis=1) < _EYE
            dark = white & (np.linalg.norm(points - iris, axis=1) < _IRIS)
            colour = np.where(white[:, None], 0.97, colour)
            colour = np.where(dark[:, None], _SMALL, colour)
        return colour

    return paint
