"""Where a gaze meets a cylinder about the person's body, and that cylinder unrolled.

Lengths are millimetres. The camera's frame is x right, y down, z forward; the body's has its origin
at the neck, x towards the shoulder on the image's right, y down the spine, z away from the camera
for a body that faces it. Gaze vectors have the sign of the published network: they point away from
what is looked at, the physical direction in the camera's frame is their negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column
from eyeline.geometry.camera import Camera
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.refine import solve_poses

BODY_POINTS_MM = np.array(
    [
        [0.0, -151.0, -40.0],
        [0.0, 0.0, 0.0],
        [-185.0, -15.0, 0.0],
        [185.0, 0.0, 0.0],
        [-185.0, 368.0, 0.0],
        [185.0, 383.0, 0.0],
    ]
)
"""`(6, 3)` nose, neck, shoulder on the image's left (part 2), other shoulder (part 5), and a
point below each shoulder. One side is 15 mm higher, as published."""

RADIUS_MM = 1000.0
RAY_MM = 112.0
_NOSE_RISE = 0.816
"""Height of the nose above the neck, in half shoulder widths."""


@dataclass(frozen=True)
class BodyPoses:
    """Poses of bodies, NaN where there is none."""

    rotation: Floats
    """`(n, 3, 3)` body to camera; the identity faces the camera."""
    translation_mm: Floats
    """`(n, 3)` the neck in the camera's frame."""

    def to_body(self, points_mm: Floats) -> Floats:
        """Points `(n, 3)` of the camera's frame, each in the frame of its body."""
        turned = np.einsum("nij,ni->nj", self.rotation, points_mm - self.translation_mm)
        return np.asarray(turned)


def image_points_px(parts_norm: Floats, width_px: int, height_px: int) -> Floats:
    """The six whole pixels `(n, 6, 2)` that a body's pose is computed from, by the published rule.

    `parts_norm` `(n, 3, 2)` are neck, part 2 and part 5 as fractions of the image's size; the
    result is in the order of `BODY_POINTS_MM`.
    """
    check_shape(parts_norm, "body 3 2", "parts_norm")
    parts = np.trunc(parts_norm * [width_px, height_px] + 0.5)
    neck, left, right = (parts[:, i] for i in range(3))
    span = np.linalg.norm(left - right, axis=1)
    down = np.stack([np.zeros_like(span), span], axis=1)
    nose = np.trunc(neck - down / 2 * _NOSE_RISE)
    return np.stack([nose, neck, left, right, np.trunc(left + down), np.trunc(right + down)], 1)


def solve_bodies(parts_norm: Floats, width_px: int, height_px: int, camera: Camera) -> BodyPoses:
    """Pose of each body, from `parts_norm` as `image_points_px` takes them."""
    points_px = image_points_px(parts_norm, width_px, height_px)
    return BodyPoses(*solve_poses(points_px, BODY_POINTS_MM, camera))


def rays(centre_mm: Floats, gaze: Floats, bodies: BodyPoses) -> tuple[Floats, Floats]:
    """Origins and directions `(n, 3)` of gazes in the frames of their bodies.

    `centre_mm` `(n, 3)` are face centres and `gaze` `(n, 3)` gaze vectors in the camera's frame, in
    the network's sign.
    """
    origin = bodies.to_body(centre_mm)
    along = bodies.to_body(centre_mm - RAY_MM * gaze) - origin
    return origin, along / np.linalg.norm(along, axis=1, keepdims=True)


def on_cylinder(origin_mm: Floats, direction: Floats) -> Floats:
    """Where lines meet the cylinder of `RADIUS_MM` about the y axis, `(n, 3)`.

    Of the two points the one towards which the direction's z goes; behind the origin counts too, as
    published. A line that misses the cylinder, or that runs along it, gives (0, 0, 0).
    """
    check_shape(direction, "line 3", "direction", {"line": len(origin_mm)})
    flat_origin, flat = origin_mm[:, [0, 2]], direction[:, [0, 2]]
    a = (flat**2).sum(1)
    b = 2 * (flat_origin * flat).sum(1)
    under_root = b**2 - 4 * a * ((flat_origin**2).sum(1) - RADIUS_MM**2)
    meets = (a > 0) & (under_root >= 0)
    root = np.sqrt(np.where(meets, under_root, 0.0))
    # The point towards which z goes is the later one, whichever sign the direction's z has.
    t = (-b + root) / np.where(meets, 2 * a, 1.0)
    return np.where(meets[:, None], origin_mm + t[:, None] * direction, 0.0)


def unrolled(points_mm: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
    """The cylinder's surface laid flat.

    Returns:
        Which points of `on_cylinder` are kept `(n,)`, those with x other than 0, and for these
        `(kept, 2)`: the way about the cylinder, 0 to 6283 mm with 3141.6 straight towards the
        camera, and the height below the neck.
    """
    kept = points_mm[:, 0] != 0
    x, y, z = points_mm[kept].T
    angle = np.arctan2(-x, z)
    angle = np.where(angle < 0, angle + 2 * np.pi, angle)
    return kept, np.stack([RADIUS_MM * angle, y], axis=1)


FIXATIONS, TRAINING = "fixations.csv", "training.csv"


def _on_plane(cell: str) -> float:
    """Any number: a look along the camera's plane meets it nowhere, and is not used."""
    try:
        return float(cell)
    except ValueError:
        raise ValueError("a number") from None


_POINT = ("x", "y", "z", "camera_x", "camera_y")
_FIXATIONS = [
    Column("frame", tables.whole, np.int64),
    *(Column(name, tables.number) for name in _POINT[:3]),
    *(Column(name, _on_plane) for name in _POINT[3:]),
]


@dataclass(frozen=True)
class GazePoints:
    """Gaze points of the person of a video, in order of time."""

    frame: Ints
    """`(n,)` frames at 25 Hz."""
    cylinder_mm: Floats
    """`(n, 3)` on the cylinder in the body's frame; (0, 0, 0) where it is missed."""
    camera_mm: Floats
    """`(n, 2)` on the plane through the camera."""

    def __post_init__(self) -> None:
        sizes = check_shape(self.frame, "point", "frame")
        check_shape(self.cylinder_mm, "point 3", "cylinder_mm", sizes)
        check_shape(self.camera_mm, "point 2", "camera_mm", sizes)

    def __len__(self) -> int:
        return len(self.frame)


def read_fixations(path: Path) -> GazePoints:
    """The gaze points of a `fixations.csv`; columns besides its own are passed over.

    DataError for no such file, a column that is missing, or a cell that is no number, with its
    line.
    """
    columns, _ = tables.read(path, _FIXATIONS)
    points = np.stack([columns[name] for name in _POINT], axis=1)
    return GazePoints(columns["frame"], points[:, :3], points[:, 3:])


def write_fixations(path: Path, points: GazePoints) -> None:
    """Write `fixations.csv`, whole or not at all, numbers to their last digit."""
    tables.write(path, _columns(points, np.ones(len(points), bool)))


def write_training(path: Path, points: GazePoints, optics: Ints) -> None:
    """Write `training.csv`: the points that can be laid flat, with their place there and cluster.

    `optics` `(kept,)` is the cluster of each of the video's gaze points that `unrolled` keeps.
    """
    kept, flat = unrolled(points.cylinder_mm)
    check_shape(optics, "point", "optics", {"point": len(flat)})
    placed = dict(zip(("virtual_x", "virtual_y"), flat.T.tolist(), strict=True))
    tables.write(path, _columns(points, kept) | placed | {"optics": optics.tolist()})


def read_training(path: Path) -> tuple[Ints, Ints]:
    """Frames `(n,)` and clusters `(n,)` of a `training.csv`; DataError as `read_fixations`."""
    columns, _ = tables.read(path, [Column(n, tables.whole, np.int64) for n in ("frame", "optics")])
    return columns["frame"], columns["optics"]


def _columns(points: GazePoints, rows: npt.NDArray[np.bool_]) -> dict[str, list[Any]]:
    values = np.concatenate([points.cylinder_mm, points.camera_mm], axis=1)[rows]
    frames = {"frame": points.frame[rows].tolist()}
    return frames | dict(zip(_POINT, values.T.tolist(), strict=True))
