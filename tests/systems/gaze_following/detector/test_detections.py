"""Proposals and detections of the golden image, the rules by which boxes are left out, masks."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.ops import batched_nms, box_iou, nms

from eyeline.systems.gaze_following.detector import boxes
from eyeline.systems.gaze_following.detector.detections import (
    IN_TRAINING,
    Detected,
    Finding,
    Proposing,
    find,
    masks_of,
    pasted,
    postprocess,
    propose,
)
from eyeline.systems.gaze_following.detector.inputs import Shown
from eyeline.systems.gaze_following.detector.model import MaskRcnn
from eyeline.training.fused import fused
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Array, Golden
from tests.systems.gaze_following.detector.invented import given, small


def assert_same_boxes(found: torch.Tensor, wanted: Array) -> None:
    """Rows `x1 y1 x2 y2 score`: as many, and 98 % within a tenth of a pixel and 1e-4."""
    theirs = torch.from_numpy(wanted)
    assert abs(len(found) - len(theirs)) <= 0.02 * len(theirs)
    best = box_iou(theirs[:, :4], found[:, :4]).argmax(dim=1)
    apart = (found[best] - theirs).abs()
    same = (apart[:, :4].amax(dim=1) < 0.1) & (apart[:, 4] < 1e-4)
    assert float(same.float().mean()) >= 0.98


@torch.inference_mode()
def test_proposals(net: MaskRcnn, golden: Golden) -> None:
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
    expected = boxes.anchors_of_level((16, 16), 8)[5 * 3 + 2].clamp(min=0)
    assert_close_to_scale(result[0, :4], expected)
    assert float(result[0, 4]) == float(torch.sigmoid(torch.tensor(4.0)))
    assert float(result[:, [0, 2]].max()) <= 120 and float(result[:, [1, 3]].max()) <= 100


def test_levels_do_not_suppress_each_other() -> None:
    scores, deltas = maps()
    goal = torch.tensor([[20.0, 30, 80, 90]])
    for level, place in ((1, 5), (2, 3)):
        stride = boxes.STRIDES[level]
        row = place * scores[level].shape[3] + place
        start = boxes.anchors_of_level(tuple(scores[level].shape[2:]), stride)[row * 3 + 1][None]
        deltas[level][0, 4:8, place, place] = boxes.encode(start, goal, boxes.ANCHOR_SPREAD)[0]
        scores[level][0, 1, place, place] = 5.0 + level
    result = propose(scores, deltas, [(128, 128)], Proposing())[0]
    torch.testing.assert_close(result[:2, :4], goal.expand(2, 4), atol=1e-3, rtol=0)
    assert (result[:2, 4] > 0.99).all() and float(result[2, 4]) < 0.01


def test_numbers_and_boxes_without_a_size_are_left_out() -> None:
    scores, deltas = maps(0.0)
    generator = torch.Generator().manual_seed(0)
    scores = [torch.randn(s.shape, generator=generator) for s in scores]
    for how in (Proposing(before=20, most=1000), Proposing(before=1000, most=7)):
        result = propose(scores, deltas, [(128, 128)], how)[0]
        assert len(result) <= min(5 * how.before, how.most)
        assert bool((result[:-1, 4] >= result[1:, 4]).all())
    assert (IN_TRAINING.before, IN_TRAINING.most) == (2000, 1000)
    scores, deltas = maps()
    # all centres move out of the image: nothing is left of any box
    for delta in deltas:
        delta[:, 0::4] = -1000.0
    result = propose(scores, deltas, [(128, 128)], Proposing())[0]
    assert result.shape == (0, 5)
    np.testing.assert_array_equal(result, np.zeros((0, 5)))


def test_proposals_of_a_batch_stand_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    scores, deltas = maps()
    both = [torch.randn(2, *s.shape[1:], generator=generator) for s in scores]
    moves = [0.2 * torch.randn(2, *d.shape[1:], generator=generator) for d in deltas]
    sizes = [(100, 90), (128, 128)]
    together = propose(both, moves, sizes, Proposing())
    for i, size in enumerate(sizes):
        part = [s[i : i + 1] for s in both], [d[i : i + 1] for d in moves]
        assert_close_to_scale(propose(*part, [size], Proposing())[0], together[i])


@torch.inference_mode()
def test_parity(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    shown = Shown(given()[0], (180, 250), (90, 125))
    result = find(net, given(), [shown], Finding(masks=True))[0]
    assert_same_boxes(torch.cat([result.box_xyxy, result.score[:, None]], 1), file["dets_0"])
    masks = masks_of(result, (90, 125))
    assert masks.shape == (100, 90, 125)
    np.testing.assert_allclose(masks.sum((1, 2)), file["mask_area_0"], atol=2)
    first = [np.unpackbits(m, count=90 * 125).reshape(90, 125) for m in file["masks_first4_0"]]
    assert np.mean(masks[:4].numpy() != np.stack(first)) < 1e-3
    alone = find(net, given(), [shown], Finding())[0]
    assert alone.mask_logits is None
    assert_close_to_scale(alone.box_xyxy, result.box_xyxy)


def test_pasting(golden: Golden) -> None:
    file = golden("maskrcnn_ops")
    logits, box = torch.from_numpy(file["pm_logits"])[:, 0], torch.from_numpy(file["pm_boxes"])
    result = pasted(logits, box, (64, 90))
    np.testing.assert_allclose(result[:, ::4, ::4], file["pm_prob_sub"], atol=1e-5)
    wanted = [np.unpackbits(m, count=64 * 90).reshape(64, 90) for m in file["pm_mask"]]
    masks = masks_of(Detected(box, torch.ones(3), logits), (64, 90), at_once=2)
    np.testing.assert_array_equal(masks, np.stack(wanted))


def test_a_box_without_a_size_has_no_mask_of_odd_numbers() -> None:
    result = pasted(torch.zeros(1, 28, 28), torch.tensor([[5.5, 5.5, 5.5, 5.5]]), (12, 12))
    assert bool(result.isfinite().all())


def test_the_published_conclusion(golden: Golden) -> None:
    """Scores above 0.3, suppression at 0.5, at most 15."""
    file = golden("maskrcnn_ops")
    box, score = (torch.from_numpy(file[f"nms_{k}"]) for k in ("boxes", "scores"))
    size = (10**6, 10**6)
    classes = torch.stack([torch.logit(score), torch.zeros(len(score))], 1)
    how = Finding(score=0.3, most=15)
    result = postprocess(box, classes, torch.zeros(len(box), 4), Shown(box, size, size), how)
    together = torch.cat([result.box_xyxy, result.score[:, None]], 1)
    np.testing.assert_allclose(together, file["mc_dets"], atol=1e-3)


def test_conclude_by_hand() -> None:
    """Twice the size, a box that moves, one that another suppresses, one that is unsure."""
    proposed = torch.tensor([[0.0, 0, 40, 40], [2, 2, 42, 42], [100, 20, 140, 60], [0, 0, 9, 9]])
    classes = torch.tensor([[2.0, 0], [3, 0], [1, 0], [-4, 0]])
    deltas = torch.zeros(4, 4)
    deltas[2, 0] = 5.0  # half a side to the right
    shown = Shown(proposed, (100, 150), (50, 75))
    result = postprocess(proposed, classes, deltas, shown, Finding())
    expected = torch.tensor([[1.0, 1, 21, 21], [60, 10, 75, 30]])
    assert_close_to_scale(result.box_xyxy, expected)
    torch.testing.assert_close(result.score, torch.sigmoid(torch.tensor([3.0, 1.0])))
    assert boxes.REGION_SPREAD[0] * 5 == 0.5


@torch.inference_mode()
def test_batches_and_images_with_nothing_sure() -> None:
    network = small()
    images = torch.randn(2, 3, 64, 96)
    shown = [Shown(images[0], (60, 90), (30, 45)), Shown(images[1], (64, 64), (64, 64))]
    how = Finding(score=0.0, masks=True)
    together = find(network, images, shown, how)
    assert all(len(f.score) for f in together)
    for i, one in enumerate(shown):
        alone = find(network, images[i : i + 1], [one], how)[0]
        for a, b in zip(alone, together[i], strict=True):
            assert_close_to_scale(a, b, 1e-4)
    images = torch.randn(1, 3, 64, 64)
    shown = Shown(images[0], (64, 64), (64, 64))
    result = find(small(), images, [shown], Finding(score=1.0, masks=True))[0]
    assert result.box_xyxy.shape == (0, 4) and result.mask_logits is not None
    assert result.mask_logits.shape == (0, 28, 28)
    assert masks_of(result, (64, 64)).shape == (0, 64, 64)


@torch.inference_mode()
def test_the_copy_for_inference(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    shown = Shown(given()[0], (180, 250), (90, 125))
    result = find(fused(net), given(), [shown], Finding())[0]
    assert_same_boxes(torch.cat([result.box_xyxy, result.score[:, None]], 1), file["dets_0"])


@torch.inference_mode()
def test_every_part_of_the_copy_agrees() -> None:
    network = small()
    quick = fused(network)
    looked_at = torch.tensor([[0, 3.0, 4, 60, 50], [1, 10, 10, 90, 30], [1, 0, 0, 95, 63]])
    for size in ((64, 96), (96, 128), (64, 96)):
        images = torch.randn(2, 3, *size)
        both = [n.see(images) for n in (network, quick)]
        for ours, theirs in zip(*both, strict=True):
            assert_close_to_scale(ours, theirs, 1e-4)
        maps = both[0]
        for levels in zip(network.propose(maps), quick.propose(maps), strict=True):
            for ours, theirs in zip(*levels, strict=True):
                assert_close_to_scale(ours, theirs, 1e-4)
        for ours, theirs in zip(
            network.classify(maps, looked_at), quick.classify(maps, looked_at), strict=True
        ):
            assert_close_to_scale(ours, theirs, 1e-4)
        outlines = [n.outline(maps, looked_at) for n in (network, quick)]
        torch.testing.assert_close(*outlines, atol=1e-4, rtol=1e-4)
