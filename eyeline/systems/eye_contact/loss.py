"""The loss of temporal segmentation: cross entropy of frames, and smoothness between them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from eyeline.bounds import NotNegative
from eyeline.errors import check_shape

IGNORED = -1
"""The label of frames that say nothing."""
_LARGEST_STEP = 4.0


def segmentation_loss(
    logits: Tensor, label: Tensor, *, smoothing: NotNegative = 0.15, mask: Tensor | None = None
) -> Tensor:
    """Sum over the stages of cross entropy plus `smoothing` times the truncated squared step.

    The step is that of the log probabilities between neighbouring frames, cut off at 4, with the
    gradient going to the later frame only. A batch in which every label is `IGNORED` has no cross
    entropy (the published code gives NaN there).

    Args:
        logits: `(stage, batch, class, time)`.
        label: `(batch, time)` class numbers, or `IGNORED`.
        smoothing: weight of the second part.
        mask: `(batch, time)` 1 for frames, 0 for padding; all frames by default.
    """
    sizes = check_shape(logits, "stage batch class time", "logits")
    check_shape(label, "batch time", "label", sizes)
    mask = (label != IGNORED).new_ones(label.shape) if mask is None else mask
    mask = mask.to(logits.dtype)
    parts = [cross_entropy(z, label) + smoothing * step_loss(z, mask) for z in logits]
    return sum(parts[1:], parts[0])


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Mean over frames not `IGNORED` of `(batch, class, time)` against `(batch, time)`."""
    total = F.cross_entropy(logits, label, ignore_index=IGNORED, reduction="sum")
    return total / (label != IGNORED).sum().clamp(min=1)


def step_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean over classes and steps of the squared step of log probabilities, at most 16 each.

    A step of logits `(batch, class, time)` counts if the `(batch, time)` mask has its later frame.
    """
    log_probability = F.log_softmax(logits, dim=1)
    step = log_probability[:, :, 1:] - log_probability[:, :, :-1].detach()
    squared = step.square().clamp(max=_LARGEST_STEP**2) * mask[:, None, 1:]
    return squared.sum() / (mask[:, 1:].sum() * logits.shape[1]).clamp(min=1)
