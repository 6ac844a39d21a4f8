"""The weighted cross entropy of both benchmarks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.ego_social.loss import (
    LOOKING_WEIGHTS,
    TALKING_WEIGHTS,
    weighted_cross_entropy,
)


@pytest.mark.parametrize("weights", [LOOKING_WEIGHTS, TALKING_WEIGHTS])
@pytest.mark.parametrize("labels", [[1], [0, 0, 0], [0, 1, 1, 0, 1]])
def test_mean_by_weights(weights: tuple[float, float], labels: list[int]) -> None:
    logits = np.random.default_rng(len(labels)).standard_normal((len(labels), 2))
    fractions = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    each = np.array([weights[y] for y in labels])
    likelihood = np.log(fractions[np.arange(len(labels)), labels])
    result = weighted_cross_entropy(torch.from_numpy(logits), torch.tensor(labels), weights=weights)
    assert float(result) == pytest.approx(-(each * likelihood).sum() / each.sum())


def test_other_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="logits"):
        weighted_cross_entropy(torch.zeros(3, 3), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(DataError, match=r"label .* should be 3, is 2"):
        weighted_cross_entropy(torch.zeros(3, 2), torch.zeros(2, dtype=torch.int64))
