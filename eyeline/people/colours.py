"""Colours of a person's clothing and hair, as histograms that can be added up."""

from __future__ import annotations

import numpy as np

from eyeline.geometry import boxes
from eyeline.results import Floats, Image

HUES, GREYS = 12, 6
BINS = 2 * HUES + GREYS
"""Hues of two saturations, then greys from black to white."""
PLACES = ("clothing", "hair")
_COLOURFUL, _STRONG = 0.18, 0.5
"""Saturations from which a colour counts as a hue, and as a strong one."""
_DARK = 0.15
"""Value below which every colour counts as black."""
_LEAST_VISIBLE = 0.25
"""Fraction of a place that must lie in the frame."""
_PATCH_PX = 24


def histograms(rgb: Image, box_xyxy: Floats) -> Floats:
    """Histograms `(2, BINS)` of `PLACES`, each of sum 1; zeros where too little is in the frame.

    Args:
        rgb: `(h, w, 3)` frame.
        box_xyxy: `(4,)` box of the face.
    """
    return np.stack([_histogram(_patch(rgb, place)) for place in _places(box_xyxy)])


def _places(box_xyxy: Floats) -> Floats:
    """Boxes `(2, 4)` of the torso, from a quarter of the face's height below it, and the hair."""
    x1, y1, x2, y2 = (float(v) for v in box_xyxy)
    high, wide, centre = y2 - y1, x2 - x1, (x1 + x2) / 2
    torso = (centre - 0.72 * high, y2 + 0.25 * high, centre + 0.72 * high, y2 + 1.25 * high)
    hair = (x1 - 0.1 * wide, y1 - 0.35 * high, x2 + 0.1 * wide, y1 + 0.05 * high)
    return np.array([torso, hair])


def _patch(rgb: Image, place_xyxy: Floats) -> Image | None:
    import cv2

    height, width = rgb.shape[:2]
    inside = boxes.clip(place_xyxy[None], width, height)[0].astype(int)
    x1, y1, x2, y2 = inside.tolist()
    area = float(np.prod(place_xyxy[2:] - place_xyxy[:2]))
    if x2 - x1 < 2 or y2 - y1 < 2 or (x2 - x1) * (y2 - y1) < _LEAST_VISIBLE * area:
        return None
    size = (_PATCH_PX, _PATCH_PX)
    return np.asarray(cv2.resize(rgb[y1:y2, x1:x2], size, interpolation=cv2.INTER_AREA), np.uint8)


def _histogram(patch: Image | None) -> Floats:
    if patch is None:
        return np.zeros(BINS)
    import cv2

    hsv = cv2.cvtColor(patch.astype(np.float32) / 255, cv2.COLOR_RGB2HSV).reshape(-1, 3)
    hue, saturation, value = (hsv[:, i].astype(np.float64) for i in range(3))
    colourful = (saturation >= _COLOURFUL) & (value >= _DARK)
    step = np.minimum((hue / 360 * HUES).astype(int), HUES - 1)
    step = step + HUES * (saturation >= _STRONG)
    grey = 2 * HUES + np.minimum((value * GREYS).astype(int), GREYS - 1)
    counts = np.bincount(np.where(colourful, step, grey), minlength=BINS)
    return np.asarray(counts / counts.sum())


def distance(a: Floats, b: Floats) -> Floats:
    """Hellinger distance `(...)` in [0, 1] of histograms `(..., BINS)`; NaN where one is empty."""
    total_a, total_b = a.sum(-1), b.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = np.sqrt(a / total_a[..., None] * (b / total_b[..., None])).sum(-1)
    return np.asarray(np.sqrt(np.maximum(1 - overlap, 0)))
