"""The losses by hand; their parity with the published code is in `test_model.py`."""

from __future__ import annotations

import math

import pytest
import torch

from eyeline.systems.gaze_following.detector import loss
from eyeline.systems.gaze_following.detector.model import Seen
from eyeline.systems.gaze_following.detector.targets import Wanted, WantedRegions


def wanted(positive: list[bool], deltas: list[list[float]], weight: float = 2.0) -> Wanted:
    rows = torch.arange(len(positive))
    return Wanted(rows, torch.tensor(positive), torch.tensor(deltas).reshape(-1, 4), weight)


def test_flattened_is_by_image_level_row_column_and_ratio() -> None:
    levels = [torch.arange(2 * 12 * 4.0).reshape(2, 12, 2, 2), torch.zeros(2, 12, 1, 1)]
    result = loss.flattened(levels, 4)
    assert result.shape == (2 * (12 + 3), 4)
    # anchor 1 of row 0, column 1 of the second image
    assert result[15 + 3 + 1].tolist() == [48 + 4 * c + 1 for c in (4, 5, 6, 7)]
    assert loss.flattened([torch.zeros(1, 3, 2, 2)], 1).shape == (12, 1)


def test_classes() -> None:
    one = wanted([True, False], [[0.0] * 4])
    result = loss.anchor_class(torch.tensor([0.0, 2.0]), one)
    assert float(result) == pytest.approx((math.log(2) + math.log1p(math.exp(2))) / 2)
    logits = torch.tensor([[1.0, 0], [0, 0]])
    result = loss.region_class(logits, one)
    assert float(result) == pytest.approx((math.log1p(math.exp(-1)) + math.log(2)) / 2)
    assert loss.accuracy(torch.tensor([[1.0, 0], [1, 0]]), one) == 50
    assert loss.accuracy(torch.zeros(0, 2), wanted([], [])) == 100


def test_boxes_count_where_there_is_a_target() -> None:
    one = wanted([False, True], [[1.0, 2, 3, 4]], weight=4)
    assert float(loss.box(torch.zeros(2, 4), one)) == 2.5
    assert float(loss.box(torch.ones(1, 4), wanted([False], []))) == 0


def test_masks() -> None:
    answers = torch.zeros(1, 28, 28)
    answers[0, :14] = 1
    logits = torch.where(answers[:, None] > 0, 3.0, -3.0)
    assert float(loss.mask(logits, answers)) == pytest.approx(math.log1p(math.exp(-3)), rel=1e-5)
    nothing = torch.zeros(0, 1, 28, 28, requires_grad=True)
    assert float(loss.mask(nothing, torch.zeros(0, 28, 28)).detach()) == 0


def test_all_are_finite_where_a_image_shows_nothing() -> None:
    seen = Seen(
        [torch.zeros(1, 3, 2, 2)],
        [torch.zeros(1, 12, 2, 2)],
        torch.zeros(2, 2),
        torch.zeros(2, 4),
        torch.zeros(0, 1, 28, 28),
    )
    answers = WantedRegions(wanted([False, False], []), torch.zeros(0, 28, 28))
    result = loss.losses(seen, wanted([False] * 12, []), answers)
    assert list(result) == ["anchor_class", "anchor_box", "region_class", "region_box", "mask"]
    assert float(result["anchor_class"]) == pytest.approx(6 * math.log(2))
    assert [float(result[k]) for k in ("anchor_box", "region_box", "mask")] == [0, 0, 0]
