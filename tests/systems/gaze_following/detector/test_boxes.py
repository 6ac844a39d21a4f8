"""Anchors and box differences of the published network, `golden/maskrcnn_ops.npz`; regions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.systems.gaze_following.detector import boxes
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Golden


def test_anchors(golden: Golden) -> None:
    file = golden("maskrcnn_ops")
    for level, stride in enumerate(boxes.STRIDES):
        at_origin = boxes.anchors_at_origin(stride).numpy()
        np.testing.assert_allclose(at_origin, file["base_anchors"][level], atol=1e-4)
        h, w = (int(n) for n in file["anchor_sizes"][level])
        result = boxes.anchors_of_level((h, w), stride).numpy()
        np.testing.assert_allclose(result, file[f"anchors_{level}"], atol=1e-4)


def test_of_maps_has_one_array_a_level_and_within_leaves_out_what_a_batch_adds() -> None:
    maps = [torch.zeros(2, 3, 64 // s, 96 // s) for s in (4, 8, 16, 32, 64)]
    result = boxes.anchors_of_maps(maps)
    assert [len(f) for f in result] == [3 * m.shape[2] * m.shape[3] for m in maps]
    result = boxes.anchors_within((3, 4), (32, 64), 16).reshape(3, 4, 3)
    assert bool(result[:2].all()) and not bool(result[2].any())
    narrow = boxes.anchors_within((3, 4), (48, 32), 16).reshape(3, 4, 3)
    assert bool(narrow[:, :2].all()) and not bool(narrow[:, 2:].any())
    # a cell that stands on the image in part counts
    assert int(boxes.anchors_within((1, 1), (32, 32), 64).sum()) == 3


SPREADS = {"rpn": boxes.ANCHOR_SPREAD, "rcnn": boxes.REGION_SPREAD}


@pytest.mark.parametrize("kind", SPREADS)
def test_parity(golden: Golden, kind: str) -> None:
    file = {k: torch.from_numpy(v) for k, v in golden("maskrcnn_ops").items() if v.dtype == "f4"}
    start, goal, delta = (file[f"{kind}_{what}"] for what in ("boxes", "gt", "delta"))
    result = boxes.encode(start, goal, SPREADS[kind])
    assert_close_to_scale(result, file[f"{kind}_enc"])
    decoded = boxes.decode(start, delta, SPREADS[kind], (180, 290))
    assert_close_to_scale(decoded, file[f"{kind}_dec"])


def test_decode_undoes_encode_cuts_and_limits() -> None:
    start = torch.tensor([[10.0, 10, 30, 50], [0, 0, 8, 8]])
    goal = torch.tensor([[12.0, 20, 52, 40], [-5, 3, 300, 9]])
    deltas = boxes.encode(start, goal, boxes.REGION_SPREAD)
    result = boxes.decode(start, deltas, boxes.REGION_SPREAD, (100, 200))
    torch.testing.assert_close(result, torch.tensor([[12.0, 20, 52, 40], [0, 3, 200, 9]]))
    start = torch.tensor([[100.0, 100, 200, 200]] * 2)
    deltas = torch.tensor([[0.0, 0, 9, 9], [0, 0, -9, -9]])
    grown, shrunk = boxes.decode(start, deltas, boxes.ANCHOR_SPREAD, (10**6, 10**6))
    assert float(grown[2]) == pytest.approx(150 + 50 * 62.5, rel=1e-5)
    assert float(shrunk[2] - shrunk[0]) == pytest.approx(1.6, rel=1e-4)
    empty = torch.zeros(0, 4)
    assert boxes.encode(empty, empty, boxes.ANCHOR_SPREAD).shape == (0, 4)
    assert boxes.decode(empty, empty, boxes.ANCHOR_SPREAD, (5, 5)).shape == (0, 4)


def test_regions_and_levels() -> None:
    result = boxes.as_regions([torch.ones(2, 4), torch.zeros(0, 4), torch.full((1, 4), 2.0)])
    assert result[:, 0].tolist() == [0, 0, 2] and result.shape == (3, 5)
    sides = [1, 56, 111.9, 112, 223, 224, 448, 5000]
    given = torch.tensor([[0, 10, 10, 10 + s, 10 + s] for s in sides])
    assert boxes.levels(given).tolist() == [0, 0, 0, 1, 1, 2, 3, 3]
    flat = torch.tensor([[0, 0, 0, 448.0, 112]])  # the geometric mean counts
    assert boxes.levels(flat).tolist() == [2]


def test_levels_of_nothing() -> None:
    assert boxes.levels(torch.zeros(1, 5)).tolist() == [0]
    assert boxes.levels(torch.zeros(0, 5)).shape == (0,)
