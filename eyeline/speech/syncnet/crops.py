"""The square of a frame that the network sees of a face: three half sides wide, hung low."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.results import Floats, Image
from eyeline.speech.syncnet.model import FACE_PX

Edges = Literal["repeated", "published"]
"""How medians are taken at a track's ends: of values repeated, or of zeros as published, which
draws the first and last faces towards the image's corner."""

_SMALLER = 0.5  # part of the half side that is added all round
_MEDIANS = (5, 5, 7)  # ticks under the running medians of half side, x and y


class Squares(NamedTuple):
    """Where a face is at each of `n` ticks, smoothed."""

    half_px: Floats
    """`(n,)` mean of half the width and half the height of the box."""
    x_px: Floats
    """`(n,)` middle of the box."""
    y_px: Floats
    """`(n,)` likewise, downwards."""

    def at(self, rows: Any) -> Squares:
        """The same at some ticks."""
        return Squares(*(column[rows] for column in self))


def squares(box_xyxy: Floats, edges: Edges = "repeated") -> Squares:
    """Smoothed places of a face.

    Args:
        box_xyxy: `(n, 4)` one a tick, pixels.
        edges: how to smooth at the ends.
    """
    from scipy.ndimage import median_filter

    check_shape(box_xyxy, "n 4", "face boxes")
    x1, y1, x2, y2 = np.asarray(box_xyxy, np.float64).T
    raw = (((x2 - x1) + (y2 - y1)) / 4, (x1 + x2) / 2, (y1 + y2) / 2)
    mode = {"repeated": "nearest", "published": "constant"}[edges]
    return Squares(
        *(median_filter(v, size, mode=mode) for v, size in zip(raw, _MEDIANS, strict=True))
    )


def cut(image: Image, half_px: float, x_px: float, y_px: float) -> Image:
    """The network's view of a face in a frame.

    Args:
        image: `(h, w, 3)` in any order of colours.
        half_px: half side of the face.
        x_px: its middle.
        y_px: likewise, downwards.

    Returns:
        `(224, 224, 3)`, bilinear; beyond the image it is black. A face of no size, or wholly
        outside, is black too.
    """
    import cv2

    height, width = image.shape[:2]
    border = int(half_px * (1 + 2 * _SMALLER))
    rows = _span(y_px + border, half_px, half_px * (1 + 2 * _SMALLER), height + 2 * border)
    sideways = half_px * (1 + _SMALLER)
    columns = _span(x_px + border, sideways, sideways, width + 2 * border)
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        return np.zeros((FACE_PX, FACE_PX, 3), np.uint8)
    square = _inside(image, *(a - border for a in (*rows, *columns)))
    return np.asarray(cv2.resize(square, (FACE_PX, FACE_PX)), np.uint8)


def _span(centre: float, before: float, after: float, end: int) -> tuple[int, int]:
    """Whole pixels of the padded image, cut as a slice of it would be."""
    return max(0, int(centre - before)), min(end, int(centre + after))


def _inside(image: Image, top: int, bottom: int, left: int, right: int) -> npt.NDArray[np.uint8]:
    """Rows and columns of an image that is black beyond its border."""
    height, width = image.shape[:2]
    if top >= 0 and left >= 0 and bottom <= height and right <= width:
        return image[top:bottom, left:right]
    square = np.zeros((bottom - top, right - left, 3), np.uint8)
    y1, y2, x1, x2 = max(top, 0), min(bottom, height), max(left, 0), min(right, width)
    if y1 < y2 and x1 < x2:
        square[y1 - top : y2 - top, x1 - left : x2 - left] = image[y1:y2, x1:x2]
    return square
