"""The four published configurations, a small one of ours, and recipes that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.gaze_anticipation.recipe import RECIPES, AdamW, read_recipe
from eyeline.training import recipe

NAMES = ("aria_anticipation", "aria_estimation", "ego4d_anticipation", "ego4d_estimation")


def test_the_published_configurations() -> None:
    assert recipe.names(RECIPES) == (*NAMES, "miniature")
    found = {name: read_recipe(name) for name in NAMES}
    for name, made in found.items():
        dataset, task = name.split("_")
        assert (made.data.dataset, made.data.task) == (dataset, task)
        ahead = task == "anticipation"
        assert (made.data.smallest_side, made.data.largest_side) == (256, 288 if ahead else 320)
        assert made.loss.contrast == (0.05 if ahead else 0.01)
        assert made.optimizer == AdamW(
            learning_rate=1e-4, final_learning_rate=1e-6, cosine_epochs=15, weight_decay=0.05,
            clip_norm=1.0,
        )  # fmt: skip
        assert (made.training.batch_size, made.training.seed) == (8, 21)
        assert (made.training.select, made.data.validation_share) == ("last", 0.0)
        assert read_recipe(made.as_dict()) == made


def test_the_small_configuration_of_ours() -> None:
    made = read_recipe("miniature")
    assert (made.arguments["width"], made.arguments["sound_mean"]) == (16, -7)
    assert made.training.select == "last" and made.data.validation_share > 0
    assert read_recipe(made.as_dict()) == made


def test_changes_and_arguments() -> None:
    made = read_recipe(
        "ego4d_anticipation", ["model.layers=[1, 1, 2, 1]", "model.width=16", "training.epochs=2"]
    )
    assert made.arguments["layers"] == (1, 1, 2, 1) and made.arguments["width"] == 16
    assert made.training.epochs == 2
    assert set(read_recipe({}).as_dict()) == {"model", "data", "loss", "optimizer", "training"}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"data": {"dataset": "egtea", "task": "guess"}},
            "egtea.*or 'aria'.*task is 'guess'",
        ),
        ({"data": {"smallest_side": 200}}, "smallest_side 200 and data.largest_side 288"),
        ({"data": {"largest_side": 250}}, "in this order"),
        ({"data": {"validation_share": 1.0}}, "validation_share is 1.0"),
        ({"data": {"validation_share": 0.0}}, "select is 'f1', but no video is held out"),
        ({"loss": {"temperature": 0.0}}, "loss.temperature is 0.0; must be more than 0"),
        ({"model": {"embedding": 0}}, "contrast needs a network with embeddings"),
        ({"model": {"depth": 12}}, "model.depth is not known"),
        ({"model": {"builder": "mvit"}}, "networks that train: csts"),
        ({"training": {"recompute": "some"}}, "recompute is 'some'.*'none', 'halving' or 'all'"),
        ({"optimizer": {"cosine_epochs": 0}}, "cosine_epochs is 0"),
        ({"training": {"batch_size": 0, "select": "loss?"}}, "batch_size is 0.*select is 'loss"),
    ],
)
def test_mistakes_are_named(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_recipe(sections)
