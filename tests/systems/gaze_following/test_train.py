"""Which training a recipe leads to, and what is told of recipes that lead nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eyeline.errors import DataError, RecipeError
from eyeline.system import load_system
from eyeline.systems.gaze_following import train
from eyeline.training import checkpoint
from tests.systems.gaze_following.detector import invented as images
from tests.systems.gaze_following.detector.invented import TINY
from tests.systems.gaze_following.matching import invented as looks


def test_every_recipe_is_on_the_card() -> None:
    assert sorted(train.names()) == sorted(load_system("gaze_following").recipes)
    builders = {name: train.builder_of(_path(name)) for name in train.names()}
    assert builders == {
        "mask_rcnn_h": "mask_rcnn",
        "mask_rcnn_hs": "mask_rcnn",
        "mask_rcnn_none": "mask_rcnn",
        "matcher": "matcher",
    }


def _path(name: str) -> Path:
    result = train.resolved(name)
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
    assert train.builder_of({"model": {"builder": "mask_rcnn"}}) == "mask_rcnn"
    changed = train.builder_of(_path("mask_rcnn_hs"), ["model.builder=matcher"])
    assert changed == "matcher"
    with pytest.raises(RecipeError, match="no section 'samples'"):
        train.run("mask_rcnn_hs", tmp_path, tmp_path, changes=["model.builder=matcher"])


def test_the_file_of_a_recipe_may_lie_anywhere(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(_path("matcher").read_text(encoding="utf-8"), encoding="utf-8")
    assert train.resolved(str(own)) == own and train.builder_of(own) == "matcher"
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
