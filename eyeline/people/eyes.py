"""Where the iris sits in the eye opening, and how far the lids are open.

A geometric method for eyes of some 12 pixels and more: a matched filter, dark disc in a brighter
ring, with the iris' size from the metric face. It tells sides, not degrees.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from eyeline.people.landmarks import BOX_MM, CHIP_PX, Chip
from eyeline.results import Floats

LEAST_EYE_PX = 11.0
"""Width of an eye in the video below which nothing is said about its iris."""
LEAST_OPEN = 0.16
"""Lid distance over eye width below which the iris counts as hidden."""
_EYES = (slice(36, 42), slice(42, 48))
_IRIS_MM = 11.7
_CHIP_PX_PER_MM = CHIP_PX / (2 * BOX_MM)
_ZOOM = 3


def lid_opening(eye: Floats) -> float:
    """Lid distance over eye width of the six points `(6, 2)` of one eye (Soukupova & Cech 2016)."""
    width = float(np.linalg.norm(eye[3] - eye[0]))
    gaps = np.linalg.norm(eye[[1, 2]] - eye[[5, 4]], axis=1).sum()
    return float(gaps / (2 * max(width, 1e-6)))


def measure(chip: Chip, points: Floats) -> Floats:
    """What both eyes show: where the iris sits, and how far the lids are open.

    Args:
        chip: the upright face.
        points: `(68, 2)` landmarks in chip pixels.

    Returns:
        `(2, 3)`, rows for the eye on the picture's left and the other: iris right and down of the
        corners' middle in eye widths, NaN for an iris too small or hidden, and lid opening.
    """
    zoom = float(np.linalg.norm(chip.matrix[:, 0]))
    rows = np.full((2, 3), np.nan)
    for row, part in zip(rows, _EYES, strict=True):
        eye = points[part]
        row[2] = lid_opening(eye)
        width = float(np.linalg.norm(eye[3] - eye[0]))
        if width / zoom >= LEAST_EYE_PX and row[2] >= LEAST_OPEN:
            row[:2] = _iris(chip, eye, width)
    return rows


def shift_mm(both: Floats, points: Floats) -> Floats:
    """Shift of the irises `(2,)` in millimetres on the metric face; NaN if none is seen.

    The wider eye counts more.

    Args:
        both: what `measure` gave.
        points: `(68, 2)` landmarks in chip pixels.
    """
    width = np.array([np.linalg.norm(points[p][3] - points[p][0]) for p in _EYES])
    seen = np.isfinite(both[:, 0])
    if not seen.any():
        return np.full(2, np.nan)
    weight = (width**2)[seen]
    shift = both[seen, :2] * width[seen, None] / _CHIP_PX_PER_MM
    return np.asarray((weight[:, None] * shift).sum(0) / weight.sum())


def _iris(chip: Chip, eye: Floats, width: float) -> Floats:
    """Iris middle from the corners' middle, in eye widths along and across the corners' line."""
    import cv2

    middle = (eye[0] + eye[3]) / 2
    along = (eye[3] - eye[0]) / width
    size = (int(width * _ZOOM * 1.0) | 1, int(width * _ZOOM * 0.7) | 1)
    turn = np.array([along, [-along[1], along[0]]]) * _ZOOM
    matrix = np.concatenate([turn, (np.array(size) / 2 - turn @ middle)[:, None]], axis=1)
    patch = cv2.warpAffine(
        chip.image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    response = cv2.filter2D(
        patch.astype(np.float32), cv2.CV_32F, _kernel(), borderType=cv2.BORDER_REPLICATE
    )
    inside = np.zeros(patch.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.round((eye @ turn.T) + matrix[:, 2]).astype(np.int32), 1)
    margin = size[0] // 8
    inside[:, :margin] = 0
    inside[:, size[0] - margin :] = 0
    if not inside.any():
        return np.full(2, np.nan)
    response = np.where(inside > 0, response - response[inside > 0].min(), 0)
    weight = np.where(response > 0.7 * response.max(), response, 0).astype(np.float64)
    if weight.sum() <= 0:
        return np.full(2, np.nan)
    y, x = np.mgrid[: size[1], : size[0]]
    found = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    return np.asarray((found - (np.array(size) - 1) / 2) / (width * _ZOOM))


@cache
def _kernel() -> Floats:
    """Bright ring minus dark disc, as large as an iris in the zoomed chip."""
    radius = _IRIS_MM / 2 * _CHIP_PX_PER_MM * _ZOOM
    reach = int(np.ceil(radius * 1.6))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(x, y)
    disc = np.clip(radius - distance + 0.5, 0, 1)
    ring = np.clip(radius * 1.5 - distance + 0.5, 0, 1) - disc
    ring *= np.abs(y) < radius * 0.8
    return np.asarray(ring / ring.sum() - disc / disc.sum(), np.float32)
