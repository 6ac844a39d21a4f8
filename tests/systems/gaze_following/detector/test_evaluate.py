"""From weights and a data set to figures, and the same figures from the predictions alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eyeline.errors import CheckpointError, DataError
from eyeline.systems.gaze_following.detector import data, evaluate
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_following.detector.invented import SMALL, data_set, small


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coco")
    return data_set(folder, train=[(96, 64)], validation=[(96, 64), (64, 96), (96, 64)])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mask_rcnn.safetensors"
    card = CheckpointCard(
        "gaze_following", "mask_rcnn", SMALL, settings={"fusion": "h", "short_px": 64}
    )
    checkpoint.save(path, small().state_dict(), card)
    return path


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
        predictions = evaluate.answers(small(), images)
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
    for text, fault in (
        ("{}", "no list of COCO's results"),
        ("[3]", "no list"),
        ("[", "not JSON"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=fault):
            evaluate.score_file(path, truth)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="no list of images"):
        evaluate.score_file(path, weights.with_name("truth.json"))
    assert evaluate.score_file(path, truth)["bbox"]["mAP"] == 0
