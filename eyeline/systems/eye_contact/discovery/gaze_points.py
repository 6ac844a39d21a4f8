"""Where a gaze meets a cylinder about the person's body, and that cylinder unrolled.

Lengths are millimetres. The camera's frame is x right, y down, z forward; the body's has its origin
at the neck, x towards the shoulder on the image's right, y down the spine, z away from the camera
for a body that faces it. Gaze vectors have the sign of the published network: they point away from
what is looked at, the physical direction in the camera's frame is their negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.geometry.camera import Camera
from eyeline.results import Floats
from eyeline.systems.eye_contact.refine import refine

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
    """Poses of bodies, NaN where none could be found."""

    rotation: Floats
    """`(n, 3, 3)` body to camera; the identity faces the camera."""
    translation_mm: Floats
    """`(n, 3)` the neck in the camera's frame."""

    def to_body(self, points_mm: Floats) -> Floats:
        """Points `(n, 3)` of the camera's frame, each in the frame of its body."""
        turned = np.einsum("nij,ni->nj", self.rotation, points_mm - self.translation_mm)
        return np.asarray(turned)


def image_points_px(parts_norm: Floats, width_px: int, height_px: int) -> Floats:
    """The six pixels that a body's pose is computed from, by the published rule.

    Args:
        parts_norm: `(n, 3, 2)` neck, part 2 and part 5 as fractions of the image's size.
        width_px: of the image.
        height_px: of the image.

    Returns:
        `(n, 6, 2)` whole pixels in the order of `BODY_POINTS_MM`.
    """
    check_shape(parts_norm, "body 3 2", "parts_norm")
    parts = np.trunc(parts_norm * [width_px, height_px] + 0.5)
    neck, left, right = (parts[:, i] for i in range(3))
    span = np.linalg.norm(left - right, axis=1)
    down = np.stack([np.zeros_like(span), span], axis=1)
    nose = np.trunc(neck - down / 2 * _NOSE_RISE)
    return np.stack([nose, neck, left, right, np.trunc(left + down), np.trunc(right + down)], 1)


def solve_bodies(parts_norm: Floats, width_px: int, height_px: int, camera: Camera) -> BodyPoses:
    """Pose of each body: EPnP, then iterative refinement from there.

    Args:
        parts_norm: `(n, 3, 2)` neck, part 2 and part 5 as fractions of the image's size.
        width_px: of the image.
        height_px: of the image.
        camera: of the image, `head.assumed_camera` as published.
    """
    from scipy.spatial.transform import Rotation

    points = image_points_px(parts_norm, width_px, height_px)
    first = np.array([_first(six, camera.matrix) for six in points]).reshape(-1, 2, 3)
    known = np.flatnonzero(np.isfinite(first).all(axis=(1, 2)))
    rotation, translation = np.full((len(first), 3, 3), np.nan), np.full((len(first), 3), np.nan)
    if len(known):
        turn = Rotation.from_rotvec(first[known, 0]).as_matrix()
        rotation[known], translation[known] = refine(
            turn, first[known, 1], points[known], BODY_POINTS_MM, camera
        )
    return BodyPoses(rotation, translation)


def rays(centre_mm: Floats, gaze: Floats, bodies: BodyPoses) -> tuple[Floats, Floats]:
    """Origins and directions `(n, 3)` of gazes in the frames of their bodies.

    Args:
        centre_mm: `(n, 3)` face centres in the camera's frame.
        gaze: `(n, 3)` gaze vectors in the camera's frame, in the network's sign.
        bodies: `n` poses.
    """
    origin = bodies.to_body(centre_mm)
    along = bodies.to_body(centre_mm - RAY_MM * gaze) - origin
    return origin, along / np.linalg.norm(along, axis=1, keepdims=True)


def on_cylinder(origin_mm: Floats, direction: Floats) -> Floats:
    """Where lines meet the cylinder of `RADIUS_MM` about the y axis, `(n, 3)`.

    Of the two points the one towards which the direction's z goes; behind the origin counts too, as
    published. A line that misses the cylinder, or that runs along it, gives (0, 0, 0).

    Args:
        origin_mm: `(n, 3)` points on the lines.
        direction: `(n, 3)`.
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

    Args:
        points_mm: `(n, 3)` of `on_cylinder`.

    Returns:
        Which points are kept `(n,)`, those with x other than 0, and for these `(kept, 2)`: the way
        about the cylinder, 0 to 6283 mm with 3141.6 straight towards the camera, and the height
        below the neck.
    """
    kept = points_mm[:, 0] != 0
    x, y, z = points_mm[kept].T
    angle = np.arctan2(-x, z)
    angle = np.where(angle < 0, angle + 2 * np.pi, angle)
    return kept, np.stack([RADIUS_MM * angle, y], axis=1)


def _first(points_px: Floats, matrix: Floats) -> Floats:
    """Rotation vector and translation `(2, 3)` of one body by EPnP; NaN where there is none."""
    import cv2

    nowhere = np.full((2, 3), np.nan)
    if not np.isfinite(points_px).all():
        return nowhere
    image, model = points_px.reshape(6, 1, 2), BODY_POINTS_MM.reshape(6, 1, 3)
    try:
        _, turn, shift = cv2.solvePnP(model, image, matrix, np.zeros(5), flags=cv2.SOLVEPNP_EPNP)
    except cv2.error:
        return nowhere
    return np.asarray(np.stack([turn[:, 0], shift[:, 0]]), np.float64)
