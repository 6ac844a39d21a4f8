"""Anchors: the boxes that proposals start from, three at each place of each map.

torchvision's generator rounds them to whole pixels, which the published network does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

STRIDES = (4, 8, 16, 32, 64)
"""Pixels from one place of a map to the next, by level."""
SCALE = 8
"""Side of a level's square anchor in strides."""
RATIOS = (0.5, 1.0, 2.0)
"""Heights over widths."""


def at_origin(stride: int) -> Tensor:
    """Anchors `(3, 4)` xyxy of a level about the point (0, 0)."""
    root = torch.sqrt(torch.tensor(RATIOS))
    half = torch.stack([1 / root, root], dim=1) * (stride * SCALE) * 0.5
    return torch.cat([-half, half], dim=1)


def of_level(size_hw: tuple[int, int], stride: int) -> Tensor:
    """Anchors `(h * w * 3, 4)` of a map, by row, column and ratio.

    Args:
        size_hw: of the map.
        stride: of the level.
    """
    h, w = size_hw
    y, x = torch.meshgrid(torch.arange(h) * stride, torch.arange(w) * stride, indexing="ij")
    places = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4)
    return (places + at_origin(stride)).reshape(-1, 4)


def of_maps(maps: Sequence[Tensor]) -> list[Tensor]:
    """Anchors of each level, on the maps' device; `maps` are `(batch, channels, h, w)`."""
    return [
        of_level((m.shape[-2], m.shape[-1]), stride).to(m.device)
        for m, stride in zip(maps, STRIDES, strict=True)
    ]


def within(size_hw: tuple[int, int], padded_hw: tuple[int, int], stride: int) -> Tensor:
    """Which anchors `(h * w * 3,)` of a map stand on an image and not on what a batch adds to it.

    Args:
        size_hw: of the map, the batch's.
        padded_hw: of the image, a multiple of 32.
        stride: of the level.
    """
    rows = torch.arange(size_hw[0]) < -(-padded_hw[0] // stride)
    columns = torch.arange(size_hw[1]) < -(-padded_hw[1] // stride)
    inside = rows[:, None] & columns[None]
    return inside[..., None].expand(-1, -1, len(RATIOS)).reshape(-1)
