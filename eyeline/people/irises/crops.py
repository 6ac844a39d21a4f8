"""The small upright image that is cut about an eye, the same for drawn and for real eyes."""

from __future__ import annotations

import numpy as np

from eyeline.results import Floats, Image

CROP_W, CROP_H = 48, 32
PX_PER_MM = 0.8
"""Scale of the crop on the metric face: an adult's eye is some 24 of its pixels wide."""
EYE_MM = 30.0
"""Width of an adult's eye on the metric face, the unit of all distances told in eye widths."""
_SHRUNK = 0.6
"""Below this zoom pixels are averaged before they are picked, lest fine ones be skipped."""


def placing(centre_px: Floats, turn: Floats, mirrored: bool) -> Floats:
    """The affine map `(2, 3)` from an image's pixels to the crop's.

    Args:
        centre_px: `(2,)` middle of the eye corners in the image.
        turn: `(2, 2)` from pixels of the image to upright millimetres.
        mirrored: whether to swap sides; the eye on the image's right is, so that the nose always
            lies to the right in the crop.
    """
    linear = PX_PER_MM * turn
    if mirrored:
        linear = linear * np.array([[-1.0], [1.0]])
    centre = np.array([CROP_W - 1, CROP_H - 1]) / 2
    return np.concatenate([linear, (centre - linear @ centre_px)[:, None]], axis=1)


def cut(gray: Image, matrix: Floats) -> Image:
    """The crop `(CROP_H, CROP_W)` of an image `(h, w)`.

    Args:
        gray: the image.
        matrix: `(2, 3)` of `placing`.
    """
    import cv2

    zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if zoom < _SHRUNK:
        gray, matrix = _averaged(gray, matrix, zoom)
    return np.asarray(
        cv2.warpAffine(
            gray, matrix, (CROP_W, CROP_H), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def standardised(crops: Image) -> Floats:
    """Crops `(n, CROP_H, CROP_W)` as the network takes them, `(n, 1, CROP_H, CROP_W)` float32.

    Each has mean 0 and deviation 1, so that light and contrast do not count.
    """
    values = crops.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    values /= values.std(axis=(1, 2), keepdims=True) + 4.0
    return values[:, None]


def _averaged(gray: Image, matrix: Floats, zoom: float) -> tuple[Image, Floats]:
    """The part of the image under the crop, shrunk by a whole number, and the map from there."""
    import cv2

    step = max(2, round(1 / zoom))
    inverse = np.linalg.inv(matrix[:, :2])
    ends = np.array([[0, 0], [CROP_W, 0], [0, CROP_H], [CROP_W, CROP_H]]) - matrix[:, 2]
    ends = ends @ inverse.T
    low = np.clip(np.floor(ends.min(0)).astype(int) - step, 0, np.array(gray.shape[::-1]) - 1)
    high = np.clip(np.ceil(ends.max(0)).astype(int) + step, low + 1, gray.shape[::-1])
    size = np.maximum(1, (high - low) // step)
    part = gray[low[1] : low[1] + size[1] * step, low[0] : low[0] + size[0] * step]
    small = cv2.resize(part, size.tolist(), interpolation=cv2.INTER_AREA)
    scale = np.array(part.shape[::-1]) / size
    linear = matrix[:, :2] * scale
    offset = matrix[:, :2] @ (low + (scale - 1) / 2) + matrix[:, 2]
    return np.asarray(small, np.uint8), np.concatenate([linear, offset[:, None]], axis=1)
