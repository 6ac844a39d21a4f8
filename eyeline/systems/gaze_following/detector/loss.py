"""Losses of the detector, as published: five parts whose plain sum is made smaller."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from eyeline.systems.gaze_following.detector.model import Outputs
from eyeline.systems.gaze_following.detector.targets import BoxLabels, RegionLabels


def losses(outputs: Outputs, anchors: BoxLabels, regions: RegionLabels) -> dict[str, Tensor]:
    """Losses by name: of the anchors' classes and boxes, of the regions', and of the masks.

    In 32 bits also under autocast. `anchors` are the right answers for `scores` and `deltas`,
    `regions` for the rest.
    """
    with torch.autocast(outputs.classes.device.type, enabled=False):
        scores, deltas = flattened(outputs.scores, 1)[:, 0], flattened(outputs.deltas, 4)
        return {
            "anchor_class": anchor_class(scores, anchors),
            "anchor_box": box(deltas, anchors),
            "region_class": region_class(outputs.classes.float(), regions.regions),
            "region_box": box(outputs.boxes.float(), regions.regions),
            "mask": mask(outputs.masks.float(), regions.masks),
        }


def flattened(levels: Sequence[Tensor], each: int) -> Tensor:
    """Maps `(batch, 3 * each, h, w)` by level as `(batch * anchors, each)` float32."""
    flat = [maps.permute(0, 2, 3, 1).reshape(len(maps), -1, each) for maps in levels]
    return torch.cat(flat, dim=1).reshape(-1, each).float()


def anchor_class(scores: Tensor, wanted: BoxLabels) -> Tensor:
    """Cross entropy of logits `(anchors,)`."""
    truth = wanted.positive.to(scores.dtype)
    predicted = scores[wanted.rows]
    return F.binary_cross_entropy_with_logits(predicted, truth, reduction="sum") / wanted.weight


def region_class(classes: Tensor, wanted: BoxLabels) -> Tensor:
    """Cross entropy of logits `(regions, 2)` of a target and of none."""
    truth = (~wanted.positive).long()
    return F.cross_entropy(classes[wanted.rows], truth, reduction="sum") / wanted.weight


def box(deltas: Tensor, wanted: BoxLabels) -> Tensor:
    """Absolute differences of the deltas `(n, 4)` of what means a target."""
    predicted = deltas[wanted.rows[wanted.positive]]
    return (predicted - wanted.deltas).abs().sum() / wanted.weight


def mask(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy of the pixels of masks `(n, 1, 28, 28)`; nothing where there are no masks."""
    if not len(wanted):
        return logits.sum()
    return F.binary_cross_entropy_with_logits(logits[:, 0], wanted)


def accuracy(classes: Tensor, wanted: BoxLabels) -> float:
    """Share of the regions whose class is right, in percent; 100 where there are none."""
    if not len(wanted.rows):
        return 100.0
    right = (classes[wanted.rows].argmax(dim=1) == 0) == wanted.positive
    return 100 * float(right.float().mean())
