"""Images and head boxes as encoder and decoder take them; training and prediction share it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from eyeline.errors import DataError
from eyeline.results import Floats, Image
from eyeline.systems.gaze_following.gaze_lle.model import MEAN, PATCH_PX, STD


def image_tensor(image: Image, grid: int) -> Tensor:
    """An RGB image `(h, w, 3)` as `(3, 14 grid, 14 grid)`: normalised, stretched to a square."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    scaled = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    size = (grid * PATCH_PX, grid * PATCH_PX)
    return functional.interpolate(scaled[None], size, mode="bilinear", antialias=True)[0]


def head_maps(heads_norm: Floats, grid: int) -> Tensor:
    """The cells of heads `(n, 4)`, fractions of the image, as 1 in `(n, grid, grid)`.

    Edges are rounded to cells as published; a head that would have no cell so gets the one of its
    centre, as a decoder that is given no head answers for nobody.
    """
    maps = torch.zeros(len(heads_norm), grid, grid)
    for one, box in zip(maps, np.clip(heads_norm, 0, 1), strict=True):
        left, top, right, bottom = np.round(box * grid).astype(int).tolist()
        if right <= left:
            left = min(int((box[0] + box[2]) / 2 * grid), grid - 1)
        if bottom <= top:
            top = min(int((box[1] + box[3]) / 2 * grid), grid - 1)
        one[top : max(bottom, top + 1), left : max(right, left + 1)] = 1
    return maps


def inside(heads_xyxy: Floats, size_px: tuple[float, float]) -> np.ndarray:
    """Which of the head boxes `(n, 4)` have a part in the image `(n,)`."""
    low, high = heads_xyxy[:, :2], heads_xyxy[:, 2:]
    return np.asarray(((high > np.maximum(low, 0)) & (low < size_px)).all(axis=1))


def normed_heads(heads_xyxy: Floats, size_px: tuple[float, float]) -> Floats:
    """Head boxes `(n, 4)` in pixels as fractions of the image; DataError for one outside of it."""
    if (outside := np.flatnonzero(~inside(heads_xyxy, size_px))).size:
        box = ", ".join(f"{v:g}" for v in heads_xyxy[outside[0]])
        raise DataError(
            f"the head box {box} lies outside the image of {size_px[0]:g} x {size_px[1]:g} pixels; "
            "a head must have a part in it"
        )
    return np.asarray(np.clip(heads_xyxy / np.tile(size_px, 2), 0, 1))
