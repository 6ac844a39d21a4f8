"""Which training a recipe leads to, and which evaluation a weights file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.cli.research import _options
from eyeline.errors import CheckpointError, DataError, RecipeError, UsageError
from eyeline.system import load_system
from eyeline.systems.gaze_following import evaluate, formats, score, train
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_following.detector import invented as images
from tests.systems.gaze_following.detector.invented import TINY
from tests.systems.gaze_following.matching import invented as looks


def test_every_recipe_is_on_the_card() -> None:
    assert sorted(train.run.names) == sorted(load_system("gaze_following").recipes)
    builders = {name: train.run.builder_of(_path(name)) for name in train.run.names}
    assert builders == {
        "gaze_lle": "gaze_lle",
        "gaze_lle_in_out": "gaze_lle",
        "mask_rcnn_h": "mask_rcnn",
        "mask_rcnn_hs": "mask_rcnn",
        "mask_rcnn_none": "mask_rcnn",
        "matcher": "matcher",
    }


def _path(name: str) -> Path:
    result = train.run.resolved(name)
    assert isinstance(result, Path) and result.is_file()
    return result


def test_the_matcher_trains(tmp_path: Path) -> None:
    folder = tmp_path / "looks"
    folder.mkdir()
    looks.write_folder(folder, videos=5, frames=4)
    known: list[str] = []
    created = train.run(
        "matcher",
        folder,
        tmp_path / "out",
        known.append,
        changes=["training.epochs=2", "model.width=4"],
    )
    assert len(created["history"]) == len(known) == 2
    assert checkpoint.read_card(tmp_path / "out" / "matcher.safetensors").builder == "matcher"


def test_the_detector_trains(tmp_path: Path) -> None:
    images.data_set(tmp_path / "coco", train=[(96, 64)] * 2, validation=[(96, 64)])
    recipe: dict[str, Any] = {**TINY, "model": {"builder": "mask_rcnn", **TINY["model"]}}
    created = train.run(recipe, tmp_path / "coco", tmp_path / "out", changes=["training.epochs=1"])
    assert set(created["published"]) == {"bbox", "segm"}
    assert checkpoint.read_card(tmp_path / "out" / "mask_rcnn.safetensors").builder == "mask_rcnn"


def test_a_change_of_the_network_is_heard(tmp_path: Path) -> None:
    assert train.run.builder_of({"model": {"builder": "mask_rcnn"}}) == "mask_rcnn"
    changed = train.run.builder_of(_path("mask_rcnn_hs"), ["model.builder=matcher"])
    assert changed == "matcher"
    with pytest.raises(RecipeError, match="no section 'samples'"):
        train.run("mask_rcnn_hs", tmp_path, tmp_path, changes=["model.builder=matcher"])


def test_the_file_of_a_recipe_may_lie_anywhere(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(_path("matcher").read_text(encoding="utf-8"), encoding="utf-8")
    assert train.run.resolved(str(own)) == own and train.run.builder_of(own) == "matcher"
    with pytest.raises(DataError):
        train.run(own, tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("mask_rcnn", "no recipe 'mask_rcnn'; there are mask_rcnn_h, .*matcher"),
        ({"model": {"builder": "csts"}}, "'csts' is not known; networks that train: mask_rcnn"),
        ({"model": {"builder": "syncnet"}}, "'syncnet' is not known"),
        ({"model": {}}, "does not say what it trains: model.builder is mask_rcnn or matcher"),
        ({}, "does not say what it trains"),
        ({"model": 3}, "does not say what it trains"),
        ("absent.yaml", "no recipe at absent.yaml"),
    ],
)
def test_recipes_that_lead_nowhere(tmp_path: Path, recipe: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        train.run(recipe, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both data sets in one folder, and untrained weights of both networks."""
    root = tmp_path_factory.mktemp("both")
    looks.write_folder(root, videos=5, frames=4)
    images.data_set(root, train=[(96, 64)], validation=[(96, 64)] * 2)
    torch.manual_seed(0)
    for name in ("matcher", "silent"):
        looks.saved_matcher(root / f"{name}.safetensors", 4)
    images.saved(root / "mask_rcnn.safetensors", short_px=96)
    return root


def test_the_matcher(folder: Path, tmp_path: Path) -> None:
    known: list[str] = []
    weights = folder / "matcher.safetensors"
    created = evaluate.run(weights, folder, tmp_path, known.append, split="train.txt", samples=20)
    assert (
        created["split"] == "train.txt"
        and created["speakers"]["all"]["looks"] == created["pooled"]["rows"]
    )
    assert any(line.startswith("all: ") for line in known)
    assert any(line.startswith("gain on nearest object") for line in known)
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert set(written["gains"]) == {"nearest_object", "surest_object", "middle"}
    whole = evaluate.run(weights, folder, split="all", samples=0)
    assert whole["pooled"]["videos"] == 5 and whole["split"] is None


def test_another_matcher_stands_for_silence(folder: Path) -> None:
    created = [
        evaluate.run(folder / "matcher.safetensors", folder, samples=0, without=without)
        for without in (None, folder / "silent.safetensors")
    ]
    a, b = (one["speakers"]["all"]["l2_average"] for one in created)
    assert a["with"] == b["with"] and a["without"] != b["without"]
    assert created[0]["without"] is None and "silent" in created[1]["without"]


def test_the_detector(folder: Path, tmp_path: Path) -> None:
    created = evaluate.run(
        folder / "mask_rcnn.safetensors", folder, tmp_path, masks=False, proposals=20, fusion="h"
    )
    assert created["split"] == "val2017" and created["proposals"] == 20 and created["fusion"] == "h"
    assert set(created["published"]) == {"bbox"}
    predictions = json.loads((tmp_path / "predictions.json").read_text(encoding="utf-8"))
    truth = folder / "annotations" / "instances_val2017.json"
    again = score.run(tmp_path / "predictions.json", truth)
    assert again["bbox"] == created["bbox"] and again["published"] == created["published"]
    with pytest.raises(UsageError, match="split, size: no option where boxes of COCO"):
        score.run(tmp_path / "predictions.json", truth, split="test.txt", size="96x64")
    known = formats.read_candidates_csv(tmp_path / "candidates.csv")
    assert sum(len(one.score) for one in known) == len(predictions) > 0
    x, y, w, h = predictions[0]["bbox"]
    np.testing.assert_allclose(known[0].box_xyxy[0], [x, y, x + w, y + h])


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("matcher", {"fusion": "hs", "masks": True}, "fusion, masks: no option for .* matcher"),
        ("mask_rcnn", {"samples": 3}, "samples: no option for weights of mask_rcnn, which takes"),
        ("mask_rcnn", {"without": Path("a")}, "without: no option"),
    ],
)
def test_options_of_the_other_network(
    folder: Path, network: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate.run(folder / f"{network}.safetensors", folder, **options)


def test_weights_of_something_else(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, {"a": torch.zeros(1)}, CheckpointCard("gaze_3d", "gaze_from_afar", {}))
    with pytest.raises(CheckpointError):
        evaluate.run(other, folder)


def test_the_command_binds_all_options() -> None:
    texts = ["split=all", "fusion=hs", "masks=false", "proposals=3", "short_px=64",
             "without=a.safetensors", "slope_weights=b.safetensors", "samples=5"]  # fmt: skip
    predictions = _options(texts, evaluate.run)
    assert predictions["without"] == Path("a.safetensors") and predictions["masks"] is False
    assert len(predictions) == 8
    with pytest.raises(UsageError, match="samples"):
        _options(["samples=many"], evaluate.run)
