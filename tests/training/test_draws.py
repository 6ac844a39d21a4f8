"""Numbers drawn by a sample's key: even, independent, and the same in every batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.training import draws


def test_numbers_are_spread_evenly_and_do_not_hang_together() -> None:
    drawn = draws.uniform(draws.keys(5, torch.arange(500)), (40,)).numpy()
    counts, _ = np.histogram(drawn, 20, (0, 1))
    expected = drawn.size / 20
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert drawn.min() >= 0 and drawn.max() < 1 and chi_square < 60  # 19 degrees of freedom
    between = np.corrcoef(drawn.T) - np.eye(40), np.corrcoef(drawn) - np.eye(500)
    assert np.abs(between[0]).max() < 0.25 and np.abs(between[1].mean()) < 0.01


def test_a_sample_draws_the_same_in_every_batch_and_padding() -> None:
    samples = torch.tensor([7, 3, 12, 5])
    whole = draws.uniform(draws.keys(1, samples), (6, 4))
    part = draws.uniform(draws.keys(1, samples[[2, 0]]), (3, 4))
    assert torch.equal(part, whole[[2, 0], :3])


def test_seeds_layers_and_samples_draw_otherwise() -> None:
    key = draws.keys(1, torch.arange(4))
    drawn = [
        draws.uniform(k, (8,))
        for k in (key, draws.keys(2, torch.arange(4)), draws.mixed(key, 0), draws.mixed(key, 1))
    ]
    rows = torch.cat(drawn)
    assert len({tuple(row.tolist()) for row in rows}) == len(rows)


@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_dropout_keeps_the_mean(fraction: float) -> None:
    out = draws.dropped(torch.ones(200, 50), draws.keys(0, torch.arange(200)), fraction)
    assert out.unique().tolist() == pytest.approx([0, 1 / (1 - fraction)])
    assert out.mean().item() == pytest.approx(1, abs=0.05)
