"""The loss of both benchmarks: cross entropy in which the rare answer weighs more."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from eyeline.errors import check_shape

LOOKING_WEIGHTS = (0.136, 0.864)
"""Of not looking and looking at me, as published."""
TALKING_WEIGHTS = (0.266, 0.734)
"""Of not talking and talking to me, as published."""


def weighted_cross_entropy(
    logits: Tensor, label: Tensor, *, weights: tuple[float, float] = LOOKING_WEIGHTS
) -> Tensor:
    """Sum of each item's weight times its negative log likelihood, over the sum of the weights.

    Args:
        logits: `(batch, 2)`.
        label: `(batch,)` int64, 0 or 1.
        weights: of labels 0 and 1.

    Returns:
        A scalar.

    Raises:
        DataError: for another shape.
    """
    sizes = check_shape(logits, "batch 2", "logits")
    check_shape(label, "batch", "label", sizes)
    return F.cross_entropy(logits, label, weight=logits.new_tensor(weights))
