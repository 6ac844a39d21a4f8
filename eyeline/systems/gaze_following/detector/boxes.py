"""Anchors, boxes as differences from them, and regions, which are read from the pyramid's maps.

Boxes are xyxy in pixels; a width is the right minus the left. Anchors are not rounded to whole
pixels, which torchvision's generator does and the published network does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

STRIDES = (4, 8, 16, 32, 64)
"""Pixels from one place of a map to the next, by level."""
SCALE = 8
"""Side of a level's square anchor in strides."""
RATIOS = (0.5, 1.0, 2.0)
"""Heights over widths."""


def anchors_at_origin(stride: int) -> Tensor:
    """Anchors `(3, 4)` xyxy of a level about the point (0, 0)."""
    root = torch.sqrt(torch.tensor(RATIOS))
    half = torch.stack([1 / root, root], dim=1) * (stride * SCALE) * 0.5
    return torch.cat([-half, half], dim=1)


def anchors_of_level(size_hw: tuple[int, int], stride: int) -> Tensor:
    """Anchors `(h * w * 3, 4)` of a map, by row, column and ratio.

    Args:
        size_hw: of the map.
        stride: of the level.
    """
    h, w = size_hw
    y, x = torch.meshgrid(torch.arange(h) * stride, torch.arange(w) * stride, indexing="ij")
    places = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4)
    return (places + anchors_at_origin(stride)).reshape(-1, 4)


def anchors_of_maps(maps: Sequence[Tensor]) -> list[Tensor]:
    """Anchors of each level, on the maps' device; `maps` are `(batch, channels, h, w)`."""
    return [
        anchors_of_level((m.shape[-2], m.shape[-1]), stride).to(m.device)
        for m, stride in zip(maps, STRIDES, strict=True)
    ]


def anchors_within(size_hw: tuple[int, int], padded_hw: tuple[int, int], stride: int) -> Tensor:
    """Which anchors `(h * w * 3,)` of a map stand on an image and not on what a batch adds to it.

    `size_hw` is of the batch's map, `padded_hw` of the image, a multiple of 32.
    """
    rows = torch.arange(size_hw[0]) < -(-padded_hw[0] // stride)
    columns = torch.arange(size_hw[1]) < -(-padded_hw[1] // stride)
    inside = rows[:, None] & columns[None]
    return inside[..., None].expand(-1, -1, len(RATIOS)).reshape(-1)


ANCHOR_SPREAD = (1.0, 1.0, 1.0, 1.0)
"""Standard deviations of the differences from anchors, by which they are divided."""
REGION_SPREAD = (0.1, 0.1, 0.2, 0.2)
"""Likewise of those from regions."""

_LONGEST = abs(math.log(16 / 1000))
"""Logarithm of the most by which a side can grow or shrink."""


def encode(start_xyxy: Tensor, goal_xyxy: Tensor, spread: tuple[float, ...]) -> Tensor:
    """Differences `(n, 4)` of boxes: of centres in sides, of sides in logarithms, over `spread`."""
    start, start_sides = _centre_and_sides(start_xyxy)
    goal, goal_sides = _centre_and_sides(goal_xyxy)
    deltas = torch.cat([(goal - start) / start_sides, torch.log(goal_sides / start_sides)], dim=1)
    return deltas / deltas.new_tensor(spread)


def decode(
    start_xyxy: Tensor, deltas: Tensor, spread: tuple[float, ...], size_hw: tuple[int, int]
) -> Tensor:
    """Boxes `(n, 4)`, cut at the border, that are `deltas` as of `encode` from `start_xyxy`."""
    start, sides = _centre_and_sides(start_xyxy)
    deltas = deltas * deltas.new_tensor(spread)
    centre = start + deltas[:, :2] * sides
    half = sides * deltas[:, 2:].clamp(-_LONGEST, _LONGEST).exp() * 0.5
    h, w = size_hw
    return (
        torch.cat([centre - half, centre + half], dim=1)
        .clamp(min=0)
        .minimum(deltas.new_tensor([w, h, w, h]))
    )


def _centre_and_sides(box_xyxy: Tensor) -> tuple[Tensor, Tensor]:
    return (box_xyxy[:, :2] + box_xyxy[:, 2:]) * 0.5, box_xyxy[:, 2:] - box_xyxy[:, :2]


POOLED_LEVELS = 4
"""Levels that regions are read from; the smallest map only proposes."""

FIRST_STRIDE = 4
"""Pixels from one place of the first map to the next."""

_FIRST_SIZE = 56
"""Geometric mean of the sides, in pixels, below twice which a region belongs to the first level."""


def as_regions(boxes_xyxy: Sequence[Tensor]) -> Tensor:
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
