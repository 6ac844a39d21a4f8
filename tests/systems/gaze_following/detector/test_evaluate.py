"""COCO's average precision, of files of results and of a network on annotated images."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import CheckpointError, DataError
from eyeline.systems.gaze_following.detector import average_precision, coco, data, evaluate
from tests.systems.gaze_following.conftest import Golden
from tests.systems.gaze_following.detector.invented import (
    add,
    data_set,
    instances,
    saved,
    small,
)

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coco")
    return data_set(folder, train=[(96, 64)], validation=[(96, 64), (64, 96), (96, 64)])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    return saved(folder / "mask_rcnn.safetensors", fusion="h", short_px=64)


def test_evaluation_and_score_agree(root: Path, weights: Path, tmp_path: Path) -> None:
    known: list[str] = []
    created = evaluate.run(weights, root, tmp_path, known.append)
    assert (created["pictures"], created["fusion"], created["fusion_learned"]) == (3, "h", "h")
    assert created["targets"] == 4 and created["answers"] > 3
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert written == created
    truth = root / "annotations" / "instances_val2017.json"
    again = evaluate.score_file(tmp_path / "predictions.json", truth)
    assert {k: again[k] for k in ("bbox", "segm", "published", "answers")} == {
        k: created[k] for k in ("bbox", "segm", "published", "answers")
    }
    assert created["bbox"]["mAP"] is not None and created["segm"]["mAP"] is not None


def test_boxes_alone(root: Path, weights: Path, tmp_path: Path) -> None:
    created = evaluate.run(
        weights, root, tmp_path, masks=False, split="train2017", fusion="none", proposals=5,
        short_px=96,
    )  # fmt: skip
    assert "segm" not in created and created["fusion"] == "none" and 0 < created["answers"] <= 5
    assert (created["proposals"], created["short_px"]) == (5, 96)
    answers = json.loads((tmp_path / "predictions.json").read_text(encoding="utf-8"))
    assert answers and not any("segmentation" in a for a in answers)
    truth = root / "annotations" / "instances_train2017.json"
    assert set(evaluate.score_file(tmp_path / "predictions.json", truth)) == {
        "bbox", "published", "answers",
    }  # fmt: skip


def test_answers_are_in_the_pixels_of_the_file(root: Path) -> None:
    """At another size as shown, boxes lie within the image as given."""
    for short_px in (64, 128):
        images = data.open_split(root, "val2017", "hs", short_px=short_px)
        predictions = evaluate.predict(small(), images)
        assert {a["image_id"] for a in predictions} <= {1, 2, 3}
        for answer in predictions:
            w, h = images.annotations.images[answer["image_id"] - 1].size_wh
            x, y, wide, high = answer["bbox"]
            assert x >= 0 and y >= 0 and x + wide <= w + 1e-3 and y + high <= h + 1e-3
            assert answer["category_id"] == 7 and 0.05 < answer["score"] <= 1
            assert answer["segmentation"]["size"] == [h, w]


def test_what_is_wrong(root: Path, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        evaluate.run(tmp_path / "absent.safetensors", root)
    with pytest.raises(DataError, match="cannot read"):
        evaluate.run(weights, tmp_path)
    truth = root / "annotations" / "instances_val2017.json"
    weights.with_name("truth.json").write_text("{}", encoding="utf-8")
    path = tmp_path / "predictions.json"
    for text, fault in (("{}", "no list of COCO's results"), ("[3]", "no list"), ("[", "not JSON")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=fault):
            evaluate.score_file(path, truth)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="no list of images"):
        evaluate.score_file(path, weights.with_name("truth.json"))
    assert evaluate.score_file(path, truth)["bbox"]["mAP"] == 0
