"""The matcher's loss: any of the right answers will do."""

from __future__ import annotations

import torch
from torch import Tensor

from eyeline.bounds import FractionBelowOne
from eyeline.errors import check_shape


def matching_loss(logits: Tensor, right: Tensor, *, smoothing: FractionBelowOne = 0.05) -> Tensor:
    """Mean of `look_losses` over the batch.

    Args:
        logits: `(batch, answers)`, minus infinity for padding.
        right: `(batch, answers)` bool; rows without a right answer have no part.
        smoothing: share of the loss that asks for all answers alike, against overconfidence.

    Returns:
        A scalar; 0 of no row.
    """
    each = look_losses(logits, right, smoothing=smoothing)
    return each.sum() / right.any(dim=1).sum().clamp(min=1)


def look_losses(logits: Tensor, right: Tensor, *, smoothing: float = 0.05) -> Tensor:
    """Minus the logarithm of the probability of all right answers together, `(batch,)`.

    Detections overlap: a point may lie in several, and none of them is more right than the others.
    Arguments are those of `matching_loss`; a row without a right answer has the loss 0.
    """
    sizes = check_shape(logits, "batch answers", "logits")
    check_shape(right, "batch answers", "right", sizes)
    log_chance = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    annotated = right.any(dim=1)
    hit = torch.logsumexp(log_chance.masked_fill(~right, -torch.inf)[annotated], dim=1)
    there = torch.isfinite(logits)
    alike = log_chance.masked_fill(~there, 0).sum(dim=1)[annotated] / there.sum(dim=1)[annotated]
    loss = -(1 - smoothing) * hit - smoothing * alike
    return logits.new_zeros(len(logits)).masked_scatter(annotated, loss)
