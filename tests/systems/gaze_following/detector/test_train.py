"""Training: squares are learned, runs are taken up again, and the way from data to a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from eyeline.errors import DataError, RecipeError
from eyeline.systems.gaze_following.detector import evaluate, train, weights
from eyeline.systems.gaze_following.detector.average_precision import PUBLISHED
from eyeline.systems.gaze_following.detector.recipe import read_recipe
from eyeline.training import checkpoint, loop
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices
from tests.systems.gaze_following.detector.invented import SMALL, TINY, data_set, small

WIDE = (128, 96)

NAME = "mask_rcnn.safetensors"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_set(tmp_path_factory.mktemp("coco"), train=[WIDE] * 6, validation=[WIDE] * 2)


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("out") / "new" / "folder"
    return out, train.run(TINY, root, out)


def test_squares_are_learned(root: Path) -> None:
    """Images never seen: boxes and masks of squares in noise are found."""
    plan = read_recipe(TINY, ["training.epochs=30"])
    learned, held = train.TASK.open_data(plan, root)
    network = train.TASK.init_network(plan, None)[0]
    created = train.TASK.new_run(plan, network, learned, None, None)
    history = loop.fit(created, Devices().fabric())
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    result = evaluate.report(held, evaluate.answers(network, held))
    assert result["targets"] == 3
    for kind in ("bbox", "segm"):
        assert result[kind]["mAP_50"] > 0.9 and result[kind]["mAP"] > 0.6
    assert created.schedulers["main"].get_last_lr() == [pytest.approx(0.001)]


def test_the_card_says_how(trained: tuple[Path, dict[str, Any]]) -> None:
    out, created = trained
    assert tuple(created["published"]["segm"]) == PUBLISHED
    card = checkpoint.read_card(out / NAME)
    assert card.settings == {"fusion": "hs", "short_px": 96}
    assert card.data["pictures"] == 6 and card.data["pictures_held_out"] == 2
    assert card.scores["bbox"] == created["published"]["bbox"]
    assert created["history"][-1]["validation_segm_mAP"] == pytest.approx(created["segm"]["mAP"])
    network = weights.load_mask_rcnn(out / NAME)
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    assert shapes == {name: value.shape for name, value in small().state_dict().items()}


def test_training_begins_with_given_weights_and_freezes(root: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun.safetensors"
    card = CheckpointCard("gaze_following", "mask_rcnn", SMALL)
    checkpoint.save(begun, small(7).state_dict(), card)
    changes = ["training.epochs=1", "training.frozen_stages=2", "training.validate_masks=false"]
    created = train.run(TINY, root, tmp_path / "out", changes=changes, weights=begun)
    assert "validation_segm_mAP" not in created["history"][0] and "segm" in created
    (_, before), (_, after) = checkpoint.load(begun), checkpoint.load(tmp_path / "out" / NAME)
    same = {name for name in before if torch.equal(before[name], after[name])}
    frozen = ("backbone.conv1.", "backbone.bn1.", "backbone.layer1.", "backbone.layer2.")
    assert all(name in same for name in before if name.startswith(frozen))
    assert "backbone.layer3.0.bn1.weight" not in same and "classes.weight" not in same
    assert "backbone.layer3.0.bn1.running_mean" in same


def test_chance_is_not_frozen(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no weights to begin with"):
        train.run(TINY, root, tmp_path / "out", changes=["training.frozen_stages=1"])
    assert not (tmp_path / "out").exists()


def test_the_published_recipes_bind_and_run_a_step(root: Path, monkeypatch: Any) -> None:
    """A step of the published numbers, but for the network's size and frozen stages."""
    model = [f"model.{k}={list(v) if isinstance(v, tuple) else v}" for k, v in SMALL.items()]
    for name in ("mask_rcnn_hs", "mask_rcnn_h", "mask_rcnn_none"):
        changes = [*model, "training.frozen_stages=0", "data.short_px=64", "data.workers=0"]
        plan = read_recipe(name, changes)
        learned, _ = train.TASK.open_data(plan, root)
        network = train.TASK.init_network(plan, None)[0]
        created = train.TASK.new_run(plan, network, learned, None, None)
        batch = next(iter(created.batches(loop.Epoch(0, 0))))
        assert len(batch.images) == 4
        result = created.step(network.train(), batch)
        assert 0 < float(result.total.detach()) < 20


def test_images_of_a_split_are_needed(tmp_path: Path) -> None:
    root = data_set(tmp_path / "d", train=[WIDE], validation=[WIDE])
    path = root / "annotations" / "instances_train2017.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "annotations": []}), encoding="utf-8")
    with pytest.raises(DataError, match="no image with a target"):
        train.run(TINY, root, tmp_path / "out")
