"""What the decoder's heatmaps and in-frame scores are off by."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def heatmap_loss(logits: Tensor, target: Tensor, in_frame: Tensor) -> Tensor:
    """Cross-entropy of cells `(batch, rows, columns)`, of looks into the image `(batch,)` alone."""
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each.mean(dim=(1, 2)) * in_frame).sum() / in_frame.sum().clamp(min=1)


def in_out_loss(logits: Tensor, in_frame: Tensor) -> Tensor:
    """Cross-entropy of looks `(batch,)` into the image and out of it."""
    return functional.binary_cross_entropy_with_logits(logits, in_frame)
