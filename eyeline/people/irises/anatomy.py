"""The shape of a random eye: eyeball, gaze, lids and corners of a turned head, in millimetres.

It is always the eye on the image's left: its outer corner lies left, the nose right. The frame
is the image's, upright, with its origin midway between the projected eye corners: x right, y
down, z away from the camera; orthographic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.geometry import directions
from eyeline.results import Floats

BALL_MM = 12.0
IRIS_MM = 5.85
IRIS_DEPTH_MM = 10.5
"""From the eyeball's middle to the plane of the iris."""
_STEPS = 33


@dataclass(frozen=True)
class Eye:
    """One eye's shape as projected into the image."""

    ball: Floats
    """`(2,)` middle of the eyeball."""
    gaze: Floats
    """`(3,)` unit vector."""
    iris_radius: float
    corners: Floats
    """`(2, 2)` outer, inner."""
    upper: Floats
    """`(k, 2)` margin of the upper lid, outer to inner corner."""
    lower: Floats
    """`(k, 2)` the same of the lower lid."""
    crease: Floats
    """`(k, 2)` fold of the upper lid."""
    yaw_rad: float
    """Turn of the head; positive shows this eye from the side of the nose."""
    opening: float
    """Lid distance over eye width on the face itself."""

    @property
    def iris(self) -> Floats:
        """`(2,)` middle of the iris."""
        return np.asarray(self.ball + IRIS_DEPTH_MM * self.gaze[:2])


def draw(rng: np.random.Generator) -> Eye:
    """A random eye: every head turn, every gaze, lids from wide open to closed."""
    yaw = float(np.clip(rng.normal(0, 0.55), -1.25, 1.25))
    pitch = float(np.clip(rng.normal(-0.05, 0.25), -0.7, 0.6))
    head = directions.rotation_from_angles(np.array(yaw), np.array(pitch), np.array(0.0))
    look, down = _look(rng, head)
    outer = np.array([-15.0, rng.normal(-0.5, 1.2), rng.normal(1.0, 1.5)])
    inner = np.array([15.0, rng.normal(1.0, 0.8), rng.normal(-5.0, 1.5)])
    outer[0] *= rng.uniform(0.9, 1.08)
    above, below = _lids(rng, down)
    margin = _Margin(rng, outer, inner, BALL_MM + rng.uniform(0.3, 1.2))
    curves = [margin.at(-above), margin.at(below), margin.at(-above - rng.uniform(2.0, 7.0))]
    flat = [(points @ head.T)[:, :2] for points in (np.stack([outer, inner]), *curves)]
    centre = flat[0].mean(0)
    corners, upper, lower, crease = (points - centre for points in flat)
    aim = head @ look
    return Eye(
        ball=-centre, gaze=aim, iris_radius=IRIS_MM * rng.uniform(0.92, 1.1), corners=corners,
        upper=upper, lower=lower, crease=crease, yaw_rad=yaw,
        opening=max(0.0, above + below) / 30.0,
    )  # fmt: skip


def _look(rng: np.random.Generator, head: Floats) -> tuple[Floats, float]:
    """Gaze `(3,)` in the head's frame and its angle down; often near the camera."""
    yaw, pitch = rng.normal(0, 0.33), rng.normal(-0.08, 0.2)
    if rng.random() < 0.35:
        to_yaw, to_pitch = directions.to_yaw_pitch(head.T @ np.array([0.0, 0.0, -1.0]))
        yaw, pitch = float(to_yaw) + rng.normal(0, 0.1), float(to_pitch) + rng.normal(0, 0.08)
    yaw, pitch = float(np.clip(yaw, -0.8, 0.8)), float(np.clip(pitch, -0.65, 0.45))
    return directions.from_yaw_pitch(np.array(yaw), np.array(pitch)), -pitch


def _lids(rng: np.random.Generator, down: float) -> tuple[float, float]:
    """How far the lids' margins lie above and below the line of the corners; they follow gaze."""
    kind = rng.random()
    fraction = rng.uniform(0.7, 1.2)
    if kind < 0.18:
        fraction = rng.uniform(0.25, 0.7)
    above = fraction * rng.uniform(5.5, 8.5) - 9.0 * np.sin(down)
    below = rng.uniform(2.0, 4.5) - 2.5 * np.sin(down) * (down < 0)
    below += 1.5 * np.sin(down) * (down > 0)
    if kind > 0.72:
        below = rng.uniform(0.5, 5.5)
        above = rng.uniform(-0.2, 0.8) - below
    return float(max(above, -below + 0.1)), float(below)


class _Margin:
    """Curves from corner to corner that lie on the eyeball between."""

    def __init__(
        self, rng: np.random.Generator, outer: Floats, inner: Floats, radius: float
    ) -> None:
        """The corners `(3,)` in the head's frame, and the radius the lids lie at."""
        t = np.linspace(0, 1, _STEPS)
        skew, sharp = rng.uniform(0.8, 1.25), rng.uniform(0.6, 1.0)
        self._arch = np.sin(np.pi * t**skew) ** sharp
        self._base = (1 - t)[:, None] * outer + t[:, None] * inner
        self._radius = radius

    def at(self, down: float) -> Floats:
        """The curve `(k, 3)` whose middle lies `down` below the line of the corners."""
        points = self._base.copy()
        points[:, 1] += down * self._arch
        room = self._radius**2 - (points[:, :2] ** 2).sum(1)
        front = -np.sqrt(np.maximum(room, 0.0))
        fraction = np.sqrt(np.sin(np.pi * np.linspace(0, 1, _STEPS)))
        points[:, 2] += fraction * (np.minimum(front, points[:, 2]) - points[:, 2])
        return points
