"""The loss of both benchmarks: cross entropy in which the rare label weighs more."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from eyeline.errors import check_shape
from eyeline.systems.ego_social.recipe import LOOKING_WEIGHTS


def weighted_cross_entropy(
    logits: Tensor, label: Tensor, *, weights: tuple[float, float] = LOOKING_WEIGHTS
) -> Tensor:
    """Sum of each item's weight times its negative log likelihood, over the sum of the weights.

    Args:
        logits: `(batch, 2)`.
        label: `(batch,)` int64, 0 or 1.
        weights: of labels 0 and 1.
    """
    sizes = check_shape(logits, "batch 2", "logits")
    check_shape(label, "batch", "label", sizes)
    return F.cross_entropy(logits, label, weight=logits.new_tensor(weights))
