"""What the iris network is measured against: a matched filter and the means of gradients."""

from __future__ import annotations

from functools import cache

import numpy as np

from eyeline.people.irises import crops
from eyeline.people.landmarks import BOX_MM, CHIP_PX, Chip
from eyeline.results import Floats, Image

CHIP_PX_PER_MM = CHIP_PX / (2 * BOX_MM)
_IRIS_MM = 11.7
_ZOOM = 3
_REGION_MM = (34.0, 18.0)
"""Part of the crop in which the means of gradients look."""


def matched_filter(chip: Chip, eye: Floats) -> Floats:
    """Iris middle `(2,)` in chip pixels: dark disc in a brighter ring, as large as an iris.

    The method of eyeline up to 0.1.

    Args:
        chip: the upright face.
        eye: `(6, 2)` landmarks of one eye in chip pixels.
    """
    import cv2

    width = max(float(np.linalg.norm(eye[3] - eye[0])), 1e-6)
    centre, along = (eye[0] + eye[3]) / 2, (eye[3] - eye[0]) / width
    size = (int(width * _ZOOM) | 1, int(width * _ZOOM * 0.7) | 1)
    turn = np.array([along, [-along[1], along[0]]]) * _ZOOM
    matrix = np.concatenate([turn, (np.array(size) / 2 - turn @ centre)[:, None]], axis=1)
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
    result = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    return np.asarray(np.linalg.solve(turn, result - matrix[:, 2]))


def mean_of_gradients(crop: Image) -> Floats:
    """Iris middle `(2,)` in crop pixels: where most gradients point away from (Timm & Barth 2011).

    Args:
        crop: `(CROP_H, CROP_W)` of `crops.cut`.
    """
    import cv2

    smooth = cv2.GaussianBlur(crop.astype(np.float64), (0, 0), 1.0)
    gy, gx = np.gradient(smooth)
    y, x = np.mgrid[: crops.CROP_H, : crops.CROP_W]
    half = np.array(_REGION_MM) / 2 * crops.PX_PER_MM
    off = np.abs(np.stack([x, y], -1) - np.array([crops.CROP_W - 1, crops.CROP_H - 1]) / 2)
    region = (off <= half).all(-1)
    size = np.hypot(gx, gy)
    strong = region & (size > size[region].mean() + 0.3 * size[region].std())
    if not strong.any():
        return np.full(2, np.nan)
    place, slope = np.stack([x, y], -1)[strong], np.stack([gx, gy], -1)[strong]
    slope = slope / size[strong][:, None]
    centre = np.stack([x, y], -1)[region].astype(np.float64)
    way = place[None] - centre[:, None]
    length = np.linalg.norm(way, axis=-1)
    agree = np.maximum((way * slope).sum(-1) / np.maximum(length, 1e-9), 0) ** 2
    score = agree.mean(1) * (255 - smooth[region])
    return np.asarray(centre[score.argmax()])


@cache
def _kernel() -> Floats:
    """Bright ring minus dark disc, as large as an iris in the zoomed chip."""
    radius = _IRIS_MM / 2 * CHIP_PX_PER_MM * _ZOOM
    reach = int(np.ceil(radius * 1.6))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(x, y)
    disc = np.clip(radius - distance + 0.5, 0, 1)
    ring = np.clip(radius * 1.5 - distance + 0.5, 0, 1) - disc
    ring *= np.abs(y) < radius * 0.8
    return np.asarray(ring / ring.sum() - disc / disc.sum(), np.float32)
