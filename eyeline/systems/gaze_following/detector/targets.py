"""What training asks for: which anchors and regions mean a target, and which of them are looked at.

As published, which differs from torchvision's matcher: a target takes every anchor that overlaps it
as much as its best one does, and that only above a least overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import box_iou, roi_align

from eyeline.systems.gaze_following.detector import boxes
from eyeline.systems.gaze_following.detector.detections import IN_TRAINING, Proposing, propose
from eyeline.systems.gaze_following.detector.model import MASK, Chosen

NOTHING, IGNORED = -1, -2
"""In place of a target's number: overlaps none, or too little to count and too much not to."""


@dataclass(frozen=True)
class Matching:
    """By how much, as intersection over union, a box must overlap a target to mean it."""

    positive: float
    """At least that much, and it does."""
    negative: float
    """Less than that, and it means none."""
    least: float
    """The best of a target's boxes mean it from there on."""


ANCHORS = Matching(0.7, 0.3, 0.3)
REGIONS = Matching(0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Sampling:
    """How many boxes of an image are trained on."""

    count: int
    positive_fraction: float
    """Most of them that mean a target."""


ANCHOR_SAMPLES = Sampling(256, 0.5)
REGION_SAMPLES = Sampling(512, 0.25)


class Targets(NamedTuple):
    """What is in an image, as shown."""

    box_xyxy: Tensor
    """`(n, 4)` pixels."""
    masks: Tensor
    """`(n, h, w)` uint8, 0 or 1."""
    size_hw: tuple[int, int]
    """Of the image, without what was added to its sides."""
    padded_hw: tuple[int, int]
    """With what was added to its sides, before it became part of a batch."""


class BoxLabels(NamedTuple):
    """Right answers for boxes of one kind, of all images."""

    rows: Tensor
    """`(n,)` which boxes are trained on."""
    positive: Tensor
    """`(n,)` bool, whether each means a target."""
    deltas: Tensor
    """`(positives, 4)`."""
    weight: float
    """What sums of losses are divided by."""


class RegionLabels(NamedTuple):
    """Right answers for regions."""

    regions: BoxLabels
    masks: Tensor
    """`(positives, 28, 28)` float, 0 or 1."""


def match(boxes_xyxy: Tensor, targets_xyxy: Tensor, how: Matching) -> tuple[Tensor, Tensor]:
    """Which target each box `(n, 4)` means, `NOTHING` or `IGNORED`; largest overlaps `(n,)`."""
    number = torch.full((len(boxes_xyxy),), NOTHING, device=boxes_xyxy.device)
    if not len(targets_xyxy) or not len(boxes_xyxy):
        return number, number.new_zeros(len(number), dtype=torch.float32)
    overlaps = box_iou(targets_xyxy, boxes_xyxy)
    most, best = overlaps.max(dim=0)
    number[most >= how.negative] = IGNORED
    number = torch.where(most >= how.positive, best, number)
    for target, row in enumerate(overlaps):
        top = row.max()
        if top >= how.least:
            number[row == top] = target
    return number, most


def sample(number: Tensor, how: Sampling) -> tuple[Tensor, Tensor]:
    """Rows of boxes to train on, by chance: those that mean a target, and those that mean none.

    Args:
        number: `(n,)` as of `match`.
        how: many.
    """
    positive = _some(torch.nonzero(number >= 0)[:, 0], int(how.count * how.positive_fraction))
    negative = _some(torch.nonzero(number == NOTHING)[:, 0], how.count - len(positive))
    return positive, negative


def of_anchors(
    scores: Sequence[Tensor], targets: Sequence[Targets], how: Sampling = ANCHOR_SAMPLES
) -> BoxLabels:
    """Right answers for the anchors of all levels of all images, one behind the other.

    Of scores, by level `(batch, 3, h, w)`, only the shapes matter.
    """
    together = torch.cat(boxes.anchors_of_maps(scores))
    rows, positives, deltas, weight = [], [], [], 0
    for number, target in enumerate(targets):
        usable = [
            boxes.anchors_within((s.shape[2], s.shape[3]), target.padded_hw, stride)
            for s, stride in zip(scores, boxes.STRIDES, strict=True)
        ]
        matched, _ = match(together, target.box_xyxy, ANCHORS)
        matched[~torch.cat(usable).to(together.device)] = IGNORED
        positive, negative = sample(matched, how)
        goal = target.box_xyxy[matched[positive]]
        deltas.append(boxes.encode(together[positive], goal, boxes.ANCHOR_SPREAD))
        rows.append(torch.cat([positive, negative]) + number * len(together))
        positives.append(_flags(positive, negative))
        weight += max(len(positive), 1) + max(len(negative), 1)
    return BoxLabels(torch.cat(rows), torch.cat(positives), torch.cat(deltas), weight)


def of_regions(
    proposed: Sequence[Tensor], targets: Sequence[Targets], how: Sampling = REGION_SAMPLES
) -> tuple[Chosen, RegionLabels]:
    """Regions to look into in training, and the right answers for them.

    The targets themselves join the proposed boxes `(n, 4)` of each image.
    """
    looked_at, outlined, positives, deltas, masks = [], [], [], [], []
    for box, target in zip(proposed, targets, strict=True):
        own = torch.arange(len(target.box_xyxy), device=box.device)
        matched = torch.cat([own, match(box, target.box_xyxy, REGIONS)[0]])
        together = torch.cat([target.box_xyxy, box])
        positive, negative = sample(matched, how)
        goal = target.box_xyxy[matched[positive]]
        deltas.append(boxes.encode(together[positive], goal, boxes.REGION_SPREAD))
        masks.append(cut_masks(target.masks, together[positive], matched[positive]))
        looked_at.append(together[torch.cat([positive, negative])])
        outlined.append(together[positive])
        positives.append(_flags(positive, negative))
    rows = torch.arange(sum(map(len, looked_at)), device=deltas[0].device)
    wanted = BoxLabels(rows, torch.cat(positives), torch.cat(deltas), max(len(rows), 1))
    chosen = Chosen(boxes.as_regions(looked_at), boxes.as_regions(outlined))
    return chosen, RegionLabels(wanted, torch.cat(masks))


def cut_masks(masks: Tensor, boxes_xyxy: Tensor, number: Tensor) -> Tensor:
    """What of targets' masks lies in boxes cut at the border, `(n, 28, 28)` float of 0 and 1.

    Masks are `(targets, h, w)` of the image, boxes `(n, 4)`, and `number` `(n,)` says whose mask.
    """
    h, w = masks.shape[1:]
    within = boxes_xyxy.clamp(min=0).minimum(boxes_xyxy.new_tensor([w, h, w, h]))
    rows = torch.cat([number[:, None].to(within.dtype), within], dim=1)
    image = masks[:, None].to(within.dtype)
    if not len(rows):
        return boxes_xyxy.new_zeros((0, MASK, MASK))
    fraction: Tensor = roi_align(image, rows, MASK, 1.0, 0, aligned=True)[:, 0]
    return (fraction >= 0.5).float()


class Chooser:
    """Makes regions of what a network says of anchors, and keeps the right answers.

    Args:
        targets: of each image.
        anchor_samples: anchors that are trained on.
        region_samples: regions likewise.
        proposing: how many boxes the regions are drawn from.
    """

    def __init__(
        self,
        targets: Sequence[Targets],
        anchor_samples: Sampling = ANCHOR_SAMPLES,
        region_samples: Sampling = REGION_SAMPLES,
        proposing: Proposing = IN_TRAINING,
    ) -> None:
        self._targets = targets
        self._samples = anchor_samples, region_samples
        self._proposing = proposing
        self.anchors: BoxLabels
        self.regions: RegionLabels

    @torch.no_grad()
    def __call__(self, scores: Sequence[Tensor], deltas: Sequence[Tensor]) -> Chosen:
        """As of `model.Choose`; fills `anchors` and `regions`."""
        self.anchors = of_anchors(scores, self._targets, self._samples[0])
        sizes = [t.size_hw for t in self._targets]
        proposed = [p[:, :4] for p in propose(scores, deltas, sizes, self._proposing)]
        chosen, self.regions = of_regions(proposed, self._targets, self._samples[1])
        return chosen


def _some(rows: Tensor, most: int) -> Tensor:
    """So many of them by chance, in order."""
    if len(rows) <= most:
        return rows
    # drawn on the processor: the same on every device
    drawn = torch.randperm(len(rows))[:most].sort().values
    return rows[drawn.to(rows.device)]


def _flags(positive: Tensor, negative: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(positive), torch.zeros_like(negative)]).bool()
