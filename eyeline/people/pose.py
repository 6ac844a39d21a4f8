"""Head pose: a metric face model fitted to image points, a whole track at a time.

The model is seen under scaled orthography about the ray through the face (a face is shallow
against its distance), so the fit needs no camera; the camera only turns the result from "relative
to the ray" into the camera frame. Yaw 0, pitch 0 is a head that faces the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.results import Floats

FIVE_MM = np.array(
    [
        [-31.5, 0.0, 0.0],
        [31.5, 0.0, 0.0],
        [0.0, 36.0, -33.0],
        [-25.0, 68.0, -4.0],
        [25.0, 68.0, -4.0],
    ]
)
"""Middle of the eyes, nose tip, corners of the mouth of an average adult: x right in the image,
y down, z away from the camera, millimetres from the point between the eyes. Interpupillary
distance 63 mm, nose and mouth after Farkas (1994)."""

_FRAMES_AT_ONCE = 2048  # derivatives of all frames of a long track at once would fill the memory
_MOST_RAD = np.array([np.radians(95.0), np.radians(80.0), np.pi])
"""Largest yaw, pitch and roll: of a face turned further no detector sees five points."""
_TURN_PRIOR_RAD = np.radians([70.0, 25.0, 30.0])
"""Spread of yaw, pitch and roll over people in videos; keeps the fit from flipping where points
are few."""


@dataclass(frozen=True)
class Pose:
    """Head poses of `n` frames relative to the ray through the face."""

    yaw_rad: Floats
    pitch_rad: Floats
    roll_rad: Floats
    scale_px: Floats
    """`(n,)` pixels a millimetre."""
    residual: Floats
    """`(n,)` root mean square distance of the points from the model, in eye distances of 63 mm."""


@dataclass(frozen=True)
class Prior:
    """What is known of `n` poses before their points are looked at."""

    angle_rad: Floats
    """`(n, 3)` yaw, pitch, roll."""
    spread_rad: Floats
    """`(n,)` standard deviation of each angle."""

    def part(self, rows: slice) -> Prior:
        """Some of them."""
        return Prior(self.angle_rad[rows], self.spread_rad[rows])


def fit(
    points_px: Floats,
    model_mm: Floats,
    weight: Floats,
    noise: float = 0.03,
    steps: int = 12,
    prior: Prior | None = None,
) -> Pose:
    """Fit a face model to points by Gauss-Newton, all frames at once.

    With a prior the fit starts from the points and from the prior, and the better end counts:
    the five points of a full profile fit both sides.

    Args:
        points_px: `(n, points, 2)`.
        model_mm: `(points, 3)` in the head's frame, see `FIVE_MM`.
        weight: `(n, points)` trust, 0 leaves a point out.
        noise: standard deviation of a point of weight 1, in eye distances.
        steps: iterations.
        prior: what is known beside the points; heads that mostly face the camera by default.
    """
    parts = []
    for i in range(0, max(len(points_px), 1), _FRAMES_AT_ONCE):
        rows = slice(i, i + _FRAMES_AT_ONCE)
        known = prior.part(rows) if prior else None
        parts.append(_fit(points_px[rows], model_mm, weight[rows], noise, steps, known))
    return Pose(*(np.concatenate(c) for c in zip(*(vars(p).values() for p in parts), strict=True)))


def _fit(
    points_px: Floats,
    model_mm: Floats,
    weight: Floats,
    noise: float,
    steps: int,
    prior: Prior | None,
) -> Pose:
    roll = _first_roll(points_px)
    first = np.stack([_first_yaw(points_px, roll), np.zeros(len(roll)), roll], axis=1)
    points = points_px - points_px.mean(axis=1, keepdims=True)
    model = model_mm / 63.0
    root = np.sqrt(weight)[..., None] / noise
    mean: Floats = np.zeros((len(first), 3))
    precision = np.tile(1 / _TURN_PRIOR_RAD**2, (len(first), 1))
    angle, _ = _descend(first, points, model, root, (mean, precision), steps)
    if prior is not None:
        mean = np.clip(prior.angle_rad, -_MOST_RAD, _MOST_RAD)
        precision = np.repeat(1 / prior.spread_rad[:, None] ** 2, 3, axis=1)
        ends = [
            _descend(start, points, model, root, (mean, precision), steps)
            for start in (angle, mean)
        ]
        better = ends[1][1] < ends[0][1]
        angle = np.where(better[:, None], ends[1][0], ends[0][0])
    shape, scale, shift = _project(angle, points, model, weight)
    off = (scale[:, None, None] * shape + shift - points) / np.maximum(scale, 1e-9)[:, None, None]
    rms = np.sqrt((weight[..., None] * off**2).sum((1, 2)) / np.maximum(weight.sum(1), 1e-9))
    return Pose(angle[:, 0], angle[:, 1], angle[:, 2], scale / 63.0, rms)


def _descend(
    angle: Floats,
    points: Floats,
    model: Floats,
    root: Floats,
    pull: tuple[Floats, Floats],
    steps: int,
) -> tuple[Floats, Floats]:
    """Angles `(n, 3)` after some steps of Gauss-Newton from a start, and their cost `(n,)`.

    `pull` is the mean and the inverse variance of each angle.
    """
    mean, precision = pull
    for _ in range(steps):
        residual, jacobian = _linearise(angle, points, model, root)
        normal = jacobian.transpose(0, 2, 1) @ jacobian + precision[:, None] * np.eye(3)
        gradient = np.einsum("nij,ni->nj", jacobian, residual) + precision * _apart(angle, mean)
        step = np.linalg.solve(normal, gradient[..., None])[..., 0]
        angle = np.clip(angle - np.clip(step, -0.35, 0.35), -_MOST_RAD, _MOST_RAD)
    residual = _residual(angle, points, model, root)
    cost = (residual**2).sum(1) + (precision * _apart(angle, mean) ** 2).sum(1)
    return angle, np.asarray(cost)


def _apart(a: Floats, b: Floats) -> Floats:
    """Differences of angles, within half a turn."""
    return np.asarray((a - b + np.pi) % (2 * np.pi) - np.pi)


def to_camera(pose: Pose, points_px: Floats, camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Yaw, pitch and roll `(n,)` in the camera frame of poses seen at pixels `(n, 2)`."""
    local = directions.rotation_from_angles(pose.yaw_rad, pose.pitch_rad, pose.roll_rad)
    ray_yaw, ray_pitch = directions.to_yaw_pitch(-camera.rays(points_px))
    towards = directions.rotation_from_angles(ray_yaw, ray_pitch, np.zeros_like(ray_yaw))
    return directions.angles_from_rotation(towards @ local)


def _first_roll(points_px: Floats) -> Floats:
    """Roll from the eyes' and mouth's lines and from the way down from the eyes to the mouth.

    In profile the lines shrink to nothing and point either way; the way down does not.
    """
    eyes, mouth = points_px[:, :2], points_px[:, -2:]
    line = eyes[:, 1] - eyes[:, 0] + mouth[:, 1] - mouth[:, 0]
    down = mouth.mean(axis=1) - eyes.mean(axis=1)
    return np.asarray(np.arctan2(line[:, 1] - down[:, 0], line[:, 0] + down[:, 1]))


def _first_yaw(points_px: Floats, roll_rad: Floats) -> Floats:
    """Yaw from how far the nose lies off the eyes' middle, across the upright head."""
    across = np.stack([np.cos(roll_rad), np.sin(roll_rad)], axis=1)
    eyes = points_px[:, :2]
    width = np.maximum(((eyes[:, 1] - eyes[:, 0]) * across).sum(1), 1e-6)
    nose = points_px[:, 2] - eyes.mean(axis=1)
    return np.asarray(np.arctan2((nose * across).sum(1), 0.52 * width))


def _project(
    angle: Floats, points: Floats, model: Floats, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """The turned model `(n, p, 2)`, and best scale `(n,)` and shift `(n, 1, 2)` onto the points."""
    turned = np.einsum("nij,pj->npi", directions.rotation_from_angles(*angle.T), model)[..., :2]
    total = np.maximum(weight.sum(1), 1e-9)[:, None]
    a = turned - ((weight[..., None] * turned).sum(1) / total)[:, None]
    b = points - ((weight[..., None] * points).sum(1) / total)[:, None]
    scale = (weight[..., None] * a * b).sum((1, 2)) / np.maximum(
        (weight[..., None] * a**2).sum((1, 2)), 1e-9
    )
    scale = np.maximum(scale, 1e-6)
    shift = (weight[..., None] * (points - scale[:, None, None] * turned)).sum(1) / total
    return turned, scale, shift[:, None]


def _residual(angle: Floats, points: Floats, model: Floats, root: Floats) -> Floats:
    turned, scale, shift = _project(angle, points, model, root[..., 0] ** 2)
    off = (turned + (shift - points) / scale[:, None, None]) * root
    return np.asarray(off.reshape(len(off), 2 * len(model)))


def _linearise(angle: Floats, points: Floats, model: Floats, root: Floats) -> tuple[Floats, Floats]:
    """Residuals `(n, 2 points)` and their derivatives by the three angles."""
    here = _residual(angle, points, model, root)
    columns = []
    for k in range(3):
        nudged = angle.copy()
        nudged[:, k] += 1e-4
        columns.append((_residual(nudged, points, model, root) - here) / 1e-4)
    return here, np.stack(columns, axis=-1)
