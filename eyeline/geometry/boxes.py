"""Arithmetic of `xyxy` boxes in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def area(box_xyxy: Floats) -> Floats:
    """Area of boxes `(..., 4)`; boxes turned inside out have none."""
    wh = np.clip(box_xyxy[..., 2:] - box_xyxy[..., :2], 0, None)
    return np.asarray(wh[..., 0] * wh[..., 1])


def iou(a_xyxy: Floats, b_xyxy: Floats) -> Floats:
    """Intersection over union `(n, m)` of all pairs of boxes `(n, 4)` and `(m, 4)`.

    It is 0 where both are empty.
    """
    low = np.maximum(a_xyxy[:, None, :2], b_xyxy[None, :, :2])
    high = np.minimum(a_xyxy[:, None, 2:], b_xyxy[None, :, 2:])
    shared = area(np.concatenate([low, high], axis=-1))
    union = area(a_xyxy)[:, None] + area(b_xyxy)[None, :] - shared
    return np.asarray(shared / np.where(union > 0, union, 1))


def centre(box_xyxy: Floats) -> Floats:
    """Centre points `(..., 2)` of boxes `(..., 4)`."""
    return np.asarray((box_xyxy[..., :2] + box_xyxy[..., 2:]) / 2)


def size(box_xyxy: Floats) -> Floats:
    """Square root of the area, `(...)`: one length for a box of any shape."""
    return np.asarray(np.sqrt(area(box_xyxy)))


def contain(box_xyxy: Floats, point_px: Floats) -> npt.NDArray[np.bool_]:
    """Whether boxes `(..., 4)` hold points `(..., 2)`, their borders included."""
    inside = (box_xyxy[..., :2] <= point_px) & (point_px <= box_xyxy[..., 2:])
    return np.asarray(inside.all(axis=-1))


def scale(box_xyxy: Floats, factor: float) -> Floats:
    """Boxes `(..., 4)` grown or shrunk about their centres."""
    midpoint, half = centre(box_xyxy), (box_xyxy[..., 2:] - box_xyxy[..., :2]) * (factor / 2)
    return np.concatenate([midpoint - half, midpoint + half], axis=-1)


def clip(box_xyxy: Floats, width_px: float, height_px: float) -> Floats:
    """Boxes `(..., 4)` cut at the border of the image."""
    return np.clip(box_xyxy, 0, np.array([width_px, height_px, width_px, height_px]))
