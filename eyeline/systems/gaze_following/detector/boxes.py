"""Boxes as differences from other boxes, xyxy in pixels; a width is the right minus the left."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ANCHOR_SPREAD = (1.0, 1.0, 1.0, 1.0)
"""Standard deviations of the differences from anchors, by which they are divided."""
REGION_SPREAD = (0.1, 0.1, 0.2, 0.2)
"""Likewise of those from regions."""

_LONGEST = abs(math.log(16 / 1000))
"""Logarithm of the most by which a side can grow or shrink."""


def encode(start_xyxy: Tensor, goal_xyxy: Tensor, spread: tuple[float, ...]) -> Tensor:
    """Differences `(n, 4)` of the centre in sides, of the sides in logarithms, over `spread`.

    Args:
        start_xyxy: `(n, 4)`.
        goal_xyxy: `(n, 4)`.
        spread: one of the above.
    """
    start, start_sides = _centre_and_sides(start_xyxy)
    goal, goal_sides = _centre_and_sides(goal_xyxy)
    deltas = torch.cat([(goal - start) / start_sides, torch.log(goal_sides / start_sides)], dim=1)
    return deltas / deltas.new_tensor(spread)


def decode(
    start_xyxy: Tensor, deltas: Tensor, spread: tuple[float, ...], size_hw: tuple[int, int]
) -> Tensor:
    """Boxes `(n, 4)` that are `deltas` from `start_xyxy`, cut at the image's borders.

    Args:
        start_xyxy: `(n, 4)`.
        deltas: `(n, 4)` as of `encode`.
        spread: one of the above.
        size_hw: of the image.
    """
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
