"""Differences between boxes are those of the published coder, `golden/maskrcnn_ops.npz`."""

from __future__ import annotations

import pytest
import torch

from eyeline.systems.gaze_following.detector import boxes
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Golden

SPREADS = {"rpn": boxes.ANCHOR_SPREAD, "rcnn": boxes.REGION_SPREAD}


@pytest.mark.parametrize("kind", SPREADS)
def test_parity(golden: Golden, kind: str) -> None:
    file = {k: torch.from_numpy(v) for k, v in golden("maskrcnn_ops").items() if v.dtype == "f4"}
    start, goal, delta = (file[f"{kind}_{what}"] for what in ("boxes", "gt", "delta"))
    result = boxes.encode(start, goal, SPREADS[kind])
    assert_close_to_scale(result, file[f"{kind}_enc"])
    decoded = boxes.decode(start, delta, SPREADS[kind], (180, 290))
    assert_close_to_scale(decoded, file[f"{kind}_dec"])


def test_decode_undoes_encode_and_cuts() -> None:
    start = torch.tensor([[10.0, 10, 30, 50], [0, 0, 8, 8]])
    goal = torch.tensor([[12.0, 20, 52, 40], [-5, 3, 300, 9]])
    deltas = boxes.encode(start, goal, boxes.REGION_SPREAD)
    result = boxes.decode(start, deltas, boxes.REGION_SPREAD, (100, 200))
    torch.testing.assert_close(result, torch.tensor([[12.0, 20, 52, 40], [0, 3, 200, 9]]))


def test_sides_grow_and_shrink_by_a_limit() -> None:
    start = torch.tensor([[100.0, 100, 200, 200]] * 2)
    deltas = torch.tensor([[0.0, 0, 9, 9], [0, 0, -9, -9]])
    grown, shrunk = boxes.decode(start, deltas, boxes.ANCHOR_SPREAD, (10**6, 10**6))
    assert float(grown[2]) == pytest.approx(150 + 50 * 62.5, rel=1e-5)
    assert float(shrunk[2] - shrunk[0]) == pytest.approx(1.6, rel=1e-4)


def test_none() -> None:
    empty = torch.zeros(0, 4)
    assert boxes.encode(empty, empty, boxes.ANCHOR_SPREAD).shape == (0, 4)
    assert boxes.decode(empty, empty, boxes.ANCHOR_SPREAD, (5, 5)).shape == (0, 4)
