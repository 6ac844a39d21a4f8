"""Numbered regions and their levels."""

from __future__ import annotations

import torch

from eyeline.systems.gaze_following.detector import regions


def test_of_boxes_numbers_images() -> None:
    result = regions.of_boxes([torch.ones(2, 4), torch.zeros(0, 4), torch.full((1, 4), 2.0)])
    assert result[:, 0].tolist() == [0, 0, 2] and result.shape == (3, 5)


def test_levels_double_with_the_size() -> None:
    sides = [1, 56, 111.9, 112, 223, 224, 448, 5000]
    given = torch.tensor([[0, 10, 10, 10 + s, 10 + s] for s in sides])
    assert regions.levels(given).tolist() == [0, 0, 0, 1, 1, 2, 3, 3]
    flat = torch.tensor([[0, 0, 0, 448.0, 112]])  # the geometric mean counts
    assert regions.levels(flat).tolist() == [2]


def test_levels_of_nothing() -> None:
    assert regions.levels(torch.zeros(1, 5)).tolist() == [0]
    assert regions.levels(torch.zeros(0, 5)).shape == (0,)
