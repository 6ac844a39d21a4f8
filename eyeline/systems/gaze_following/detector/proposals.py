"""From what is said of anchors to the few boxes that are looked into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import nms

from eyeline.systems.gaze_following.detector import anchors, boxes


@dataclass(frozen=True)
class Proposing:
    """How many."""

    before: int = 1000
    """Anchors of a level that are gone on with, the surest."""
    most: int = 1000
    """Boxes of an image."""
    overlap: float = 0.7
    """Intersection over union with a surer one of its level above which a box is left out."""


IN_TRAINING = Proposing(before=2000)
"""As published."""


def propose(
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    sizes_hw: Sequence[tuple[int, int]],
    how: Proposing,
) -> list[Tensor]:
    """Boxes of each image of a batch, the surest first.

    Args:
        scores: by level `(batch, 3, h, w)` logits.
        deltas: by level `(batch, 12, h, w)`.
        sizes_hw: of the images, without what was added to their sides.
        how: many.

    Returns:
        An image's `(n, 5)`: xyxy in pixels of the image as shown, and a score in [0, 1].
    """
    starts = anchors.of_maps(scores)
    return [
        _of_image(
            [s[number].permute(1, 2, 0).reshape(-1) for s in scores],
            [d[number].permute(1, 2, 0).reshape(-1, 4) for d in deltas],
            starts,
            size_hw,
            how,
        )
        for number, size_hw in enumerate(sizes_hw)
    ]


def _of_image(
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    starts: Sequence[Tensor],
    size_hw: tuple[int, int],
    how: Proposing,
) -> Tensor:
    result = []
    for logits, delta, start in zip(scores, deltas, starts, strict=True):
        best, rows = torch.sort(logits.float(), descending=True, stable=True)
        best, rows = best[: how.before], rows[: how.before]
        box = boxes.decode(start[rows], delta[rows].float(), boxes.ANCHOR_SPREAD, size_hw)
        whole = (box[:, 2:] > box[:, :2]).all(dim=1)
        box, score = box[whole], torch.sigmoid(best[whole])
        kept = nms(box, score, how.overlap)[: how.most]
        result.append(torch.cat([box[kept], score[kept, None]], dim=1))
    together = torch.cat(result)
    return together[torch.argsort(together[:, 4], descending=True, stable=True)][: how.most]
