"""What training asks for, and the losses by hand; their parity is in `test_model.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.systems.gaze_following.detector import loss, targets
from eyeline.systems.gaze_following.detector.model import Outputs
from eyeline.systems.gaze_following.detector.targets import (
    ANCHORS,
    IGNORED,
    NOTHING,
    REGIONS,
    BoxLabels,
    RegionLabels,
    Sampling,
    Targets,
)
from tests.systems.gaze_following.conftest import Golden


@pytest.mark.parametrize(("kind", "how"), [("rpn", ANCHORS), ("rcnn", REGIONS)])
def test_parity(golden: Golden, kind: str, how: targets.Matching) -> None:
    file = golden("maskrcnn_ops")
    box, target = (torch.from_numpy(file[f"as_{kind}_{k}"]) for k in ("boxes", "gt"))
    number, overlap = targets.match(box, target, how)
    theirs = torch.from_numpy(file[f"as_{kind}_inds"]).long()
    wanted = torch.where(theirs > 0, theirs - 1, torch.where(theirs == 0, NOTHING, IGNORED))
    assert number.tolist() == wanted.tolist()
    np.testing.assert_allclose(overlap, file[f"as_{kind}_iou"], atol=1e-6)


def test_a_target_takes_all_its_best_boxes_from_another_one() -> None:
    """Both anchors overlap the second target equally; the first means the other one by itself."""
    box = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [100, 0, 110, 10]])
    target = torch.tensor([[0.0, 0, 10, 10], [5, 0, 25, 10]])
    number, _ = targets.match(box, target, targets.Matching(0.7, 0.1, 0.2))
    assert number.tolist() == [1, 1, NOTHING]
    number, _ = targets.match(box, target, ANCHORS)  # 0.2 is below the least overlap
    assert number.tolist() == [0, NOTHING, NOTHING]


def test_no_targets_and_no_boxes() -> None:
    box = torch.rand(4, 4)
    number, overlap = targets.match(box, torch.zeros(0, 4), ANCHORS)
    assert number.tolist() == [NOTHING] * 4 and overlap.tolist() == [0] * 4
    assert targets.match(torch.zeros(0, 4), box, ANCHORS)[0].shape == (0,)


@pytest.mark.parametrize(
    ("counts", "how", "wanted"),
    [
        ((200, 300), Sampling(256, 0.5), (128, 128)),
        ((10, 300), Sampling(256, 0.5), (10, 246)),
        ((200, 5), Sampling(256, 0.5), (128, 5)),
        ((200, 900), Sampling(512, 0.25), (128, 384)),
        ((0, 3), Sampling(512, 0.25), (0, 3)),
    ],
)
def test_sampling(counts: tuple[int, int], how: Sampling, wanted: tuple[int, int]) -> None:
    number = torch.cat([
        torch.zeros(counts[0]), torch.full((counts[1],), NOTHING), torch.full((50,), IGNORED),
    ]).long()  # fmt: skip
    torch.manual_seed(0)
    first, second = (targets.sample(number, how) for _ in range(2))
    for result in (first, second):
        assert tuple(map(len, result)) == wanted
        assert bool((number[result[0]] >= 0).all() and (number[result[1]] == NOTHING).all())
        assert all(len(rows.unique()) == len(rows) for rows in result)
    if counts[0] > wanted[0]:
        assert first[0].tolist() != second[0].tolist()


def test_mask_parity(golden: Golden) -> None:
    file = golden("maskrcnn_ops")
    masks = np.stack([np.unpackbits(m, count=60 * 80).reshape(60, 80) for m in file["mt_masks"]])
    result = targets.cut_masks(
        torch.from_numpy(masks), torch.from_numpy(file["mt_boxes"]),
        torch.from_numpy(file["mt_inds"]).long(),
    )  # fmt: skip
    wanted = np.stack([np.unpackbits(m, count=28 * 28).reshape(28, 28) for m in file["mt_targets"]])
    np.testing.assert_array_equal(result, wanted)


def one_target(size: tuple[int, int] = (96, 128)) -> Targets:
    mask = torch.zeros(1, *size, dtype=torch.uint8)
    mask[0, 20:60, 30:70] = 1
    return Targets(torch.tensor([[30.0, 20, 70, 60]]), mask, size, size)


def none(size: tuple[int, int] = (64, 64)) -> Targets:
    return Targets(torch.zeros(0, 4), torch.zeros(0, *size, dtype=torch.uint8), size, size)


def scores(batch: int, size: tuple[int, int] = (96, 128)) -> list[Tensor]:
    return [torch.zeros(batch, 3, -(-size[0] // s), -(-size[1] // s)) for s in (4, 8, 16, 32, 64)]


def test_anchors_of_two_images_of_which_one_shows_nothing() -> None:
    wanted = targets.of_anchors(scores(2), [one_target(), none()])
    each = sum(s[0].numel() for s in scores(2))
    assert int(wanted.positive.sum()) >= 1 and len(wanted.deltas) == int(wanted.positive.sum())
    assert len(wanted.rows) == 512 and bool((wanted.rows[256:] >= each).all())
    assert not bool(wanted.positive[256:].any())
    assert wanted.weight == 256 + 1 + 256
    # the second image is smaller than the batch: beside it nothing is learned
    rows = wanted.rows[256:] - each
    first_level = rows[rows < scores(1)[0].numel()]
    places = first_level // 3
    assert bool((places // 32 < 16).all() and (places % 32 < 16).all())


def test_regions_begin_with_the_targets() -> None:
    proposed = torch.tensor([[32.0, 20, 70, 62], [90, 60, 120, 90]])
    chosen, wanted = targets.of_regions([proposed, proposed], [one_target(), none()])
    assert chosen.regions[:, 0].tolist() == [0, 0, 0, 1, 1]
    assert wanted.regions.positive.tolist() == [True, True, False, False, False]
    assert chosen.outlined[:, 1:].tolist() == [[30, 20, 70, 60], [32, 20, 70, 62]]
    assert wanted.regions.weight == 5 and wanted.regions.rows.tolist() == [0, 1, 2, 3, 4]
    assert wanted.regions.deltas[0].abs().max() == 0 and wanted.regions.deltas[1].abs().max() > 0
    assert wanted.masks.shape == (2, 28, 28)
    assert bool(wanted.masks[0].all()) and not bool(wanted.masks[1].all())
    torch.manual_seed(0)
    given = [torch.randn(s.shape) for s in scores(1)]
    moves = [torch.zeros(1, 12, *s.shape[2:]) for s in given]
    chooser = targets.Chooser([one_target()], Sampling(64, 0.5), Sampling(16, 0.25))
    chosen = chooser(given, moves)
    assert len(chooser.anchors.rows) == 64 and len(chosen.regions) == 16
    assert int(chooser.regions.regions.positive.sum()) == len(chosen.outlined) <= 4


def wanted(positive: list[bool], deltas: list[list[float]], weight: float = 2.0) -> BoxLabels:
    rows = torch.arange(len(positive))
    return BoxLabels(rows, torch.tensor(positive), torch.tensor(deltas).reshape(-1, 4), weight)


def test_flattened_is_by_image_level_row_column_and_ratio() -> None:
    levels = [torch.arange(2 * 12 * 4.0).reshape(2, 12, 2, 2), torch.zeros(2, 12, 1, 1)]
    result = loss.flattened(levels, 4)
    assert result.shape == (2 * (12 + 3), 4)
    # anchor 1 of row 0, column 1 of the second image
    assert result[15 + 3 + 1].tolist() == [48 + 4 * c + 1 for c in (4, 5, 6, 7)]
    assert loss.flattened([torch.zeros(1, 3, 2, 2)], 1).shape == (12, 1)


def test_classes_and_boxes_count_where_there_is_a_target() -> None:
    one = wanted([True, False], [[0.0] * 4])
    result = loss.anchor_class(torch.tensor([0.0, 2.0]), one)
    assert float(result) == pytest.approx((math.log(2) + math.log1p(math.exp(2))) / 2)
    logits = torch.tensor([[1.0, 0], [0, 0]])
    result = loss.region_class(logits, one)
    assert float(result) == pytest.approx((math.log1p(math.exp(-1)) + math.log(2)) / 2)
    assert loss.accuracy(torch.tensor([[1.0, 0], [1, 0]]), one) == 50
    assert loss.accuracy(torch.zeros(0, 2), wanted([], [])) == 100
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
    seen = Outputs(
        [torch.zeros(1, 3, 2, 2)],
        [torch.zeros(1, 12, 2, 2)],
        torch.zeros(2, 2),
        torch.zeros(2, 4),
        torch.zeros(0, 1, 28, 28),
    )
    answers = RegionLabels(wanted([False, False], []), torch.zeros(0, 28, 28))
    result = loss.losses(seen, wanted([False] * 12, []), answers)
    assert list(result) == ["anchor_class", "anchor_box", "region_class", "region_box", "mask"]
    assert float(result["anchor_class"]) == pytest.approx(6 * math.log(2))
    assert [float(result[k]) for k in ("anchor_box", "region_box", "mask")] == [0, 0, 0]
