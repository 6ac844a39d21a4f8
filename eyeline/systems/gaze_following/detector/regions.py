"""Regions of images, and which of the pyramid's maps each is read from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

POOLED_LEVELS = 4
"""Levels that regions are read from; the smallest map only proposes."""

FIRST_STRIDE = 4
"""Pixels from one place of the first map to the next."""

_FIRST_SIZE = 56
"""Geometric mean of the sides, in pixels, below twice which a region belongs to the first level."""


def of_boxes(boxes_xyxy: Sequence[Tensor]) -> Tensor:
    """Boxes `(n, 4)` of each image of a batch as regions `(n, 5)`, numbered by image."""
    numbered = [
        torch.cat([boxes.new_full((len(boxes), 1), number), boxes], dim=1)
        for number, boxes in enumerate(boxes_xyxy)
    ]
    return torch.cat(numbered)


def levels(regions: Tensor, count: int = POOLED_LEVELS) -> Tensor:
    """Which level `(n,)` each region `(n, 5)` is read from."""
    sides = regions[:, 3:] - regions[:, 1:3]
    size = torch.sqrt(sides.prod(dim=1))
    return torch.floor(torch.log2(size / _FIRST_SIZE + 1e-6)).clamp(0, count - 1).long()
