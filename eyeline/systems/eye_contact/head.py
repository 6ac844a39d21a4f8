"""Head pose and face shape from six landmarks, by the rule of the published code.

Lengths are millimetres, the frame is the camera's: x right, y down, z forward. The six points are
`people.tracks.SIX_OF_68`: outer and inner corner of the eye on the image's left, inner and outer
corner of the other, outer points of the nostrils.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.errors import check_shape
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.results import Floats
from eyeline.systems.eye_contact.refine import solve_poses

FACE_POINTS_MM = np.array(
    [
        [-46.509498596191406, -38.32709503173828, 36.4160041809082],
        [-17.76072120666504, -32.58519744873047, 29.076156616210938],
        [18.04391098022461, -30.956823348999023, 29.06296730041504],
        [44.737586975097656, -34.107872009277344, 36.73243713378906],
        [-10.611664772033691, 12.958349227905273, 21.622764587402344],
        [11.289629936218262, 13.86424446105957, 21.837900161743164],
    ]
)
"""`(6, 3)` the points on a mean head that faces the camera."""

_CAMERAS = {
    480: Camera(336.92506603904354, 336.92506603904354, 426.0, 240.0),
    720: Camera(640.0072178130328, 639.9250660390435, 640.0, 360.0),
    1080: Camera(756.0072178130328, 756.0072178130328, 960.0, 540.0),
}
_HEIGHT_TOLERANCE_PX = 20


def assumed_camera(width_px: int, height_px: int) -> Camera:
    """The camera that the published code assumes for an image of this size.

    Images within 20 px of 480, 720 or 1080 rows have a fixed camera, whatever their width; all
    others one whose focal length is half the width.
    """
    for height, camera in _CAMERAS.items():
        if abs(height_px - height) < _HEIGHT_TOLERANCE_PX:
            return camera
    half = float(width_px // 2)
    return Camera(half, half, half, float(height_px // 2))


@dataclass(frozen=True)
class Heads:
    """Poses of the mean head, one a frame; NaN where none could be found."""

    rotation: Floats
    """`(n, 3, 3)` head to camera; the identity faces the camera."""
    translation_mm: Floats
    """`(n, 3)` origin of the head's frame in the camera's."""

    @property
    def points_mm(self) -> Floats:
        """`(n, 6, 3)` the six points in the camera frame."""
        turned = np.einsum("nij,pj->npi", self.rotation, FACE_POINTS_MM)
        return np.asarray(turned + self.translation_mm[:, None])

    @property
    def centre_mm(self) -> Floats:
        """`(n, 3)` face centre: midway between the eyes' and the nostrils' middles."""
        points = self.points_mm
        return np.asarray((points[:, :4].mean(axis=1) + points[:, 4:].mean(axis=1)) / 2)

    def angles_deg(self) -> Floats:
        """`(n, 3)` yaw (to the image's right), pitch (up) and roll (clockwise)."""
        angles = directions.angles_from_rotation(self.rotation)
        return np.asarray(np.degrees(np.stack(angles, axis=1)))


def solve_heads(six_px: Floats, camera: Camera) -> Heads:
    """Pose of the mean head for frames `(n, 6, 2)`; NaN for those with NaN or behind the camera."""
    check_shape(six_px, "frame 6 2", "six_px")
    rotation, translation = solve_poses(six_px, FACE_POINTS_MM, camera)
    valid = np.isfinite(rotation).all(axis=(1, 2)) & np.isfinite(translation).all(axis=1)
    valid &= translation[:, 2] > 0
    rotation[~valid], translation[~valid] = np.nan, np.nan
    return Heads(rotation, translation)


def shape_residuals_mm(six_px: Floats, heads: Heads, camera: Camera) -> Floats:
    """How the face departs from the posed mean head, in the image plane at the face's distance.

    The eye corners that a landmark detector finds move with the lids and with the eye's turn: these
    few millimetres are what six points hold of the gaze. Only the parts that a mirrored image
    leaves unchanged are kept: the others follow errors of the pose and made the scores worse.

    Returns:
        `(n, 6)` half distances of the outer eye corners, inner eye corners and nostrils, then
        heights of the same pairs (down), less those of the mean head.
    """
    per_px = heads.centre_mm[:, None, 2:] / np.array([camera.fx_px, camera.fy_px])
    apart = (six_px - camera.project(heads.points_mm)) * per_px
    left, right = apart[:, [0, 1, 4]], apart[:, [3, 2, 5]]
    return np.concatenate(
        [(left[..., 0] - right[..., 0]) / -2, (left[..., 1] + right[..., 1]) / 2], axis=1
    )
