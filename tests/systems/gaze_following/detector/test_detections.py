"""Boxes and masks of the golden image; the last suppression; pasting."""

from __future__ import annotations

import numpy as np
import torch

from eyeline.systems.gaze_following.detector import boxes
from eyeline.systems.gaze_following.detector.detections import (
    Finding,
    Found,
    conclude,
    find,
    masks_of,
    pasted,
)
from eyeline.systems.gaze_following.detector.inputs import Shown
from eyeline.systems.gaze_following.detector.model import MaskRcnn
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Golden
from tests.systems.gaze_following.detector.invented import given, small
from tests.systems.gaze_following.detector.test_proposals import assert_same_boxes


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
    masks = masks_of(Found(box, torch.ones(3), logits), (64, 90), at_once=2)
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
    result = conclude(box, classes, torch.zeros(len(box), 4), Shown(box, size, size), how)
    together = torch.cat([result.box_xyxy, result.score[:, None]], 1)
    np.testing.assert_allclose(together, file["mc_dets"], atol=1e-3)


def test_conclude_by_hand() -> None:
    """Twice the size, a box that moves, one that another suppresses, one that is unsure."""
    proposed = torch.tensor([[0.0, 0, 40, 40], [2, 2, 42, 42], [100, 20, 140, 60], [0, 0, 9, 9]])
    classes = torch.tensor([[2.0, 0], [3, 0], [1, 0], [-4, 0]])
    deltas = torch.zeros(4, 4)
    deltas[2, 0] = 5.0  # half a side to the right
    shown = Shown(proposed, (100, 150), (50, 75))
    result = conclude(proposed, classes, deltas, shown, Finding())
    expected = torch.tensor([[1.0, 1, 21, 21], [60, 10, 75, 30]])
    assert_close_to_scale(result.box_xyxy, expected)
    torch.testing.assert_close(result.score, torch.sigmoid(torch.tensor([3.0, 1.0])))
    assert boxes.REGION_SPREAD[0] * 5 == 0.5


@torch.inference_mode()
def test_images_of_a_batch_stand_alone() -> None:
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


@torch.inference_mode()
def test_nothing_is_found_where_nothing_is_sure() -> None:
    images = torch.randn(1, 3, 64, 64)
    shown = Shown(images[0], (64, 64), (64, 64))
    result = find(small(), images, [shown], Finding(score=1.0, masks=True))[0]
    assert result.box_xyxy.shape == (0, 4) and result.mask_logits is not None
    assert result.mask_logits.shape == (0, 28, 28)
    assert masks_of(result, (64, 64)).shape == (0, 64, 64)
