"""The 68 landmarks of a face (dlib), and how far to trust them.

The predictor snaps three-quarter faces to a frontal shape unless its starting box sits on the
visible half of the face. So the box comes from the detector's five points: the head is turned
upright by its roll, and the box is laid around a point between the eyes' middle and the five
points' middle. Trust is measured against the same five points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from eyeline.carried import package_file
from eyeline.people.pose import FIVE_MM, fit
from eyeline.results import Floats, Image

CHIP_PX = 160
"""Side of the square, upright chip in which landmarks are looked for; the face box is its middle
half."""
_FINER = 4
"""The predictor gives whole pixels, so it sees the chip enlarged by this factor."""
_STARTS_PX = ((6, -6), (-6, 6))
"""Shifts of the starting box, in enlarged pixels: a rounding of the image can send one start down
another branch of the predictor's trees, and the mean of two moves half as far."""
BOX_MM = 120.0
"""Side of the face box that the predictor is given, on the metric face."""
_FORWARD, _DOWN_MM = 0.6, 15.0
"""Where the box lies: this share of the way from the eyes' middle to the five points' middle, and
this far down."""
FACE_MM = 185.0
"""Height of an adult's face as the detector boxes it, forehead to chin."""
_TRUSTED = 0.16
"""Distance between the two sets of points, in eye distances, at which trust has fallen to 1/e."""


@dataclass(frozen=True)
class Chip:
    """A face cut out upright."""

    image: Image
    """`(CHIP_PX, CHIP_PX)` grey."""
    matrix: Floats
    """`(2, 3)` affine map from frame pixels to chip pixels."""

    def to_frame(self, points: Floats) -> Floats:
        """Frame pixels `(..., 2)` of chip pixels `(..., 2)`."""
        return np.asarray((points - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T)

    def of_frame(self, points: Floats) -> Floats:
        """Chip pixels `(..., 2)` of frame pixels `(..., 2)`."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])


def cut_chip(gray: Image, five_px: Floats, roll_rad: float, scale_px: float) -> Chip:
    """Cut the chip around a face.

    Args:
        gray: `(h, w)` frame.
        five_px: `(5, 2)` the detector's points.
        roll_rad: roll of the head.
        scale_px: pixels a millimetre.
    """
    import cv2

    eyes = five_px[:2].mean(0)
    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    centre = (
        eyes + _FORWARD * (five_px.mean(0) - eyes) + scale_px * _DOWN_MM * np.array([-sin, cos])
    )
    zoom = CHIP_PX / (2 * BOX_MM * scale_px)
    turn = zoom * np.array([[cos, sin], [-sin, cos]])
    matrix = np.concatenate([turn, (CHIP_PX / 2 - turn @ centre)[:, None]], axis=1)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    image = cv2.warpAffine(
        gray, matrix, (CHIP_PX, CHIP_PX), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return Chip(np.asarray(image, np.uint8), matrix)


@cache
def _predictor() -> Any:
    """The model, read once a process: 100 MB take longer to read than a short video takes."""
    import dlib

    path = package_file(
        "face_recognition_models", "models", "shape_predictor_68_face_landmarks.dat"
    )
    return dlib.shape_predictor(str(path))


class Landmarker:
    """dlib's 68-point predictor, from the file inside `face_recognition_models`.

    It was trained on iBUG 300-W: research use.
    """

    def __init__(self) -> None:
        """Load the model file; CheckpointError if it is missing."""
        import dlib

        self._predict = _predictor()
        quarter = _FINER * CHIP_PX // 4
        self._boxes = [
            dlib.rectangle(quarter + x, quarter + y, 3 * quarter + x, 3 * quarter + y)
            for x, y in _STARTS_PX
        ]

    def find(self, chip: Chip) -> Floats:
        """The `(68, 2)` landmarks in chip pixels, the mean of those that each start gives."""
        import cv2

        side = _FINER * CHIP_PX
        image = cv2.resize(chip.image, (side, side), interpolation=cv2.INTER_LINEAR)
        shapes = [self._predict(image, box).parts() for box in self._boxes]
        points = np.mean([[(p.x, p.y) for p in shape] for shape in shapes], axis=0)
        return np.asarray((points + 0.5) / _FINER - 0.5)


def five_of_68(points: Floats) -> Floats:
    """The five points `(..., 5, 2)` that correspond to the detector's, from 68 `(..., 68, 2)`."""
    eyes = [points[..., 36:42, :].mean(-2), points[..., 42:48, :].mean(-2)]
    return np.stack([*eyes, points[..., 30, :], points[..., 48, :], points[..., 54, :]], axis=-2)


def agreement(points_px: Floats, five_px: Floats, scale_px: float) -> float:
    """Trust in 68 landmarks, [0, 1], from their distance to the detector's five points."""
    off = (five_of_68(points_px) - five_px) / (63.0 * scale_px)
    return float(np.exp(-(off**2).sum(-1).mean() / _TRUSTED**2))


def mouth_opening(points: Floats, scale: float) -> float:
    """Mean distance of the inner lips (points 61-63 to 67-65) in eye distances.

    Args:
        points: `(68, 2)` landmarks in pixels.
        scale: pixels a millimetre.
    """
    gaps = np.linalg.norm(points[[61, 62, 63]] - points[[67, 66, 65]], axis=1)
    return float(gaps.mean() / (63.0 * scale))


def placing(five_px: Floats) -> Floats:
    """Yaw, roll and pixels a millimetre `(n, 3)` of faces `(n, 5, 2)`, enough to place chips."""
    if not len(five_px):
        return np.zeros((0, 3))
    pose = fit(five_px, FIVE_MM, np.ones(five_px.shape[:2]), steps=5)
    return np.stack([pose.yaw_rad, pose.roll_rad, pose.scale_px], axis=1)
