"""Proposals of the golden image, and the rules by which boxes are left out."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.ops import batched_nms, box_iou, nms

from eyeline.systems.gaze_following.detector import anchors, boxes
from eyeline.systems.gaze_following.detector.model import MaskRcnn
from eyeline.systems.gaze_following.detector.proposals import IN_TRAINING, Proposing, propose
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Array, Golden
from tests.systems.gaze_following.detector.invented import given


def assert_same_boxes(found: torch.Tensor, wanted: Array) -> None:
    """Rows `x1 y1 x2 y2 score`: as many, and 98 % within a tenth of a pixel and 1e-4."""
    theirs = torch.from_numpy(wanted)
    assert abs(len(found) - len(theirs)) <= 0.02 * len(theirs)
    best = box_iou(theirs[:, :4], found[:, :4]).argmax(dim=1)
    apart = (found[best] - theirs).abs()
    same = (apart[:, :4].amax(dim=1) < 0.1) & (apart[:, 4] < 1e-4)
    assert float(same.float().mean()) >= 0.98


@torch.inference_mode()
def test_parity(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    result = propose(*net.propose(net.see(given())), [(180, 250)], Proposing())
    assert len(result) == 1
    assert_same_boxes(result[0], file["proposals_0"])


def test_the_published_suppression(golden: Golden) -> None:
    file = golden("maskrcnn_ops")
    box, score = (torch.from_numpy(file[f"nms_{k}"]) for k in ("boxes", "scores"))
    ids = torch.from_numpy(file["nms_ids"]).long()
    for overlap in (5, 7):
        assert nms(box, score, overlap / 10).tolist() == file[f"nms_keep_{overlap}"].tolist()
        kept = batched_nms(box, score, ids, overlap / 10)
        assert kept.tolist() == file[f"bnms_keep_{overlap}"].tolist()


def maps(fill: float = -9.0) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Scores and deltas of an image of 128 x 128; nobody is sure of anything."""
    sides = [32, 16, 8, 4, 2]
    scores = [torch.full((1, 3, n, n), fill) for n in sides]
    return scores, [torch.zeros(1, 12, n, n) for n in sides]


def test_the_surest_anchor_comes_first_and_is_cut() -> None:
    scores, deltas = maps()
    scores[1][0, 2, 0, 5] = 4.0
    result = propose(scores, deltas, [(100, 120)], Proposing())[0]
    expected = anchors.of_level((16, 16), 8)[5 * 3 + 2].clamp(min=0)
    assert_close_to_scale(result[0, :4], expected)
    assert float(result[0, 4]) == float(torch.sigmoid(torch.tensor(4.0)))
    assert float(result[:, [0, 2]].max()) <= 120 and float(result[:, [1, 3]].max()) <= 100


def test_levels_do_not_suppress_each_other() -> None:
    scores, deltas = maps()
    goal = torch.tensor([[20.0, 30, 80, 90]])
    for level, place in ((1, 5), (2, 3)):
        stride = anchors.STRIDES[level]
        row = place * scores[level].shape[3] + place
        start = anchors.of_level(tuple(scores[level].shape[2:]), stride)[row * 3 + 1][None]
        deltas[level][0, 4:8, place, place] = boxes.encode(start, goal, boxes.ANCHOR_SPREAD)[0]
        scores[level][0, 1, place, place] = 5.0 + level
    result = propose(scores, deltas, [(128, 128)], Proposing())[0]
    torch.testing.assert_close(result[:2, :4], goal.expand(2, 4), atol=1e-3, rtol=0)
    assert (result[:2, 4] > 0.99).all() and float(result[2, 4]) < 0.01


def test_numbers() -> None:
    scores, deltas = maps(0.0)
    generator = torch.Generator().manual_seed(0)
    scores = [torch.randn(s.shape, generator=generator) for s in scores]
    for how in (Proposing(before=20, most=1000), Proposing(before=1000, most=7)):
        result = propose(scores, deltas, [(128, 128)], how)[0]
        assert len(result) <= min(5 * how.before, how.most)
        assert bool((result[:-1, 4] >= result[1:, 4]).all())
    assert (IN_TRAINING.before, IN_TRAINING.most) == (2000, 1000)


def test_boxes_without_a_size_are_left_out() -> None:
    scores, deltas = maps()
    # all centres move out of the image: nothing is left of any box
    for delta in deltas:
        delta[:, 0::4] = -1000.0
    result = propose(scores, deltas, [(128, 128)], Proposing())[0]
    assert result.shape == (0, 5)
    np.testing.assert_array_equal(result, np.zeros((0, 5)))


def test_images_of_a_batch_stand_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    scores, deltas = maps()
    both = [torch.randn(2, *s.shape[1:], generator=generator) for s in scores]
    moves = [0.2 * torch.randn(2, *d.shape[1:], generator=generator) for d in deltas]
    sizes = [(100, 90), (128, 128)]
    together = propose(both, moves, sizes, Proposing())
    for i, size in enumerate(sizes):
        part = [s[i : i + 1] for s in both], [d[i : i + 1] for d in moves]
        assert_close_to_scale(propose(*part, [size], Proposing())[0], together[i])
