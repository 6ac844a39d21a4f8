"""COCO's figures as published, `golden/maskrcnn_ops.npz`, and by hand."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following.detector import average_precision, coco
from tests.systems.gaze_following.conftest import Golden
from tests.systems.gaze_following.detector.invented import add, instances

SIZE = (1280, 720)


def answer(image: int, box: list[float], score: float, **other: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": 7, "bbox": box, "score": score, **other}


def test_parity(golden: Golden) -> None:
    file = golden("maskrcnn_ops")
    truth = instances([f"{i}.jpg" for i in range(12)], [SIZE] * 12)
    for image, *box in file["coco_gt"].tolist():
        add(truth, int(image) + 1, box)
    given = [
        answer(int(i) + 1, [x1, y1, x2 - x1, y2 - y1], score)
        for i, x1, y1, x2, y2, score in file["coco_det"].tolist()
    ]
    result = average_precision.score(truth, given, "bbox")
    assert tuple(result) == average_precision.NAMES
    np.testing.assert_allclose(list(result.values()), file["coco_stats"], atol=1e-6)
    rounded = average_precision.as_published(result)
    assert list(rounded.values()) == file["coco_rounded"].tolist()


def test_right_boxes_and_right_masks() -> None:
    truth = instances(["a.jpg", "b.jpg"], [(100, 80)] * 2)
    add(truth, 1, [10, 10, 20, 30])
    right = np.zeros((80, 100), bool)
    right[10:40, 10:30] = True
    one = answer(1, [10, 10, 20, 30], 0.9, segmentation=coco.run_lengths(right))
    for kind in average_precision.KINDS:
        result = average_precision.score(truth, [one], kind)
        for name in ("mAP", "AR@100", "mAP_s"):
            assert result[name] == pytest.approx(1)
        assert result["mAP_m"] is result["mAP_l"] is None
        assert average_precision.as_published(result)["mAP_l"] == -1
    wrong = {**one, "segmentation": coco.run_lengths(~right)}
    assert average_precision.score(truth, [wrong], "segm")["mAP"] == 0
    surer = answer(2, [1, 1, 5, 5], 0.95)
    assert average_precision.score(truth, [one, surer], "bbox")["mAP"] == pytest.approx(0.5)


def test_crowds_neither_count_nor_cost() -> None:
    truth = instances(["a.jpg"], [(100, 80)])
    add(truth, 1, [10, 10, 20, 30])
    add(truth, 1, [50, 10, 40, 40], iscrowd=1, segmentation={"size": [80, 100], "counts": [8000]})
    given = [answer(1, [10, 10, 20, 30], 0.5), answer(1, [52, 12, 30, 30], 0.9)]
    assert average_precision.score(truth, given, "bbox")["mAP"] == pytest.approx(1)


def test_annotations_that_tell_little() -> None:
    """Without area, outline and crowd flag, numbered from 0; the truth stays as it was."""
    truth = instances(["a.jpg"], [(100, 80)])
    truth["annotations"] = [{"id": 0, "image_id": 1, "category_id": 7, "bbox": [10, 10, 20, 30]}]
    before = copy.deepcopy(truth)
    mask = np.zeros((80, 100), bool)
    mask[10:40, 10:30] = True
    one = answer(1, [10, 10, 20, 30], 0.9, segmentation=coco.run_lengths(mask))
    for kind in average_precision.KINDS:
        assert average_precision.score(truth, [one], kind)["mAP"] == pytest.approx(1)
    assert truth == before


def test_no_answers_and_no_truth() -> None:
    truth = instances(["a.jpg"], [(100, 80)])
    assert average_precision.score(truth, [answer(1, [1, 1, 5, 5], 0.5)], "bbox")["mAP"] is None
    add(truth, 1, [10, 10, 20, 30])
    for kind in average_precision.KINDS:
        assert average_precision.score(truth, [], kind)["mAP"] == 0


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ([answer(9, [1, 1, 5, 5], 0.5)], "images that are not there"),
        ([{"image_id": 1, "category_id": 7, "score": 0.5}], "without 'bbox'"),
        ([{"image_id": 1, "category_id": 7, "bbox": [1, 1, 2, 2]}], "no results of COCO"),
        ([answer(1, [1, 1, 5, 5], float("nan"))], "no number"),
        ([answer(1, [1], 0.5)], "no results of COCO"),
    ],
)
def test_odd_answers(given: list[dict[str, Any]], fault: str) -> None:
    truth = instances(["a.jpg"], [(100, 80)])
    add(truth, 1, [10, 10, 20, 30])
    with pytest.raises(DataError, match=fault):
        average_precision.score(truth, given, "bbox")
