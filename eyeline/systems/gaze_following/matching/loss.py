"""The matcher's loss: any of the right answers will do."""

from __future__ import annotations

import torch
from torch import Tensor

from eyeline.errors import check_shape


def matching_loss(logits: Tensor, right: Tensor, *, smoothing: float = 0.05) -> Tensor:
    """Minus the logarithm of the probability of all right answers together, mean over the batch.

    Detections overlap: a point may lie in several, and none of them is more right than the others.

    Args:
        logits: `(batch, answers)`, minus infinity for padding.
        right: `(batch, answers)` bool; rows without a right answer have no part.
        smoothing: share of the loss that asks for all answers alike, against overconfidence.

    Returns:
        A scalar; 0 of no row.
    """
    sizes = check_shape(logits, "batch answers", "logits")
    check_shape(right, "batch answers", "right", sizes)
    log_chance = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    told = right.any(dim=1)
    hit = torch.logsumexp(log_chance.masked_fill(~right, -torch.inf)[told], dim=1)
    there = torch.isfinite(logits)
    alike = log_chance.masked_fill(~there, 0).sum(dim=1)[told] / there.sum(dim=1)[told]
    total = -(1 - smoothing) * hit.sum() - smoothing * alike.sum()
    return total / told.sum().clamp(min=1)
