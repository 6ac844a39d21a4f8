"""Recipes bind to what they build; all mistakes are told at once."""

from __future__ import annotations

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.gaze_3d.model import gaze_from_afar
from eyeline.systems.gaze_3d.recipe import RECIPES, read_recipe
from eyeline.training import recipe


def test_every_recipe_of_the_room_binds() -> None:
    names = recipe.names(RECIPES)
    assert names == ("gafa", "gafa_per_item")
    for name in names:
        made = read_recipe(name)
        assert read_recipe(made.as_dict()) == made
        assert gaze_from_afar(**made.arguments).frames == 7


def test_the_published_recipe_says_what_was_published() -> None:
    made = read_recipe("gafa")
    assert (made.loss.concentration, made.loss.recurrence) == ("published", "original")
    assert made.training.select == "concentration_loss" and made.data.validation == "window"
    assert made.optimizer.learning_rate == made.optimizer.concentration_learning_rate == 1e-4
    assert (made.training.concentration_every, made.training.batch_size) == (10, 64)


def test_ours_is_the_default() -> None:
    made, plain = read_recipe("gafa_per_item"), read_recipe({})
    assert made.loss == plain.loss and plain.loss.concentration == "per_item"
    assert plain.training.select == "angle" and plain.data.validation == "session"


def test_changes_are_made() -> None:
    made = read_recipe("gafa", ["training.batch_size=8", "training.frozen_blocks=3"])
    assert made.training.batch_size == 8 and made.training.frozen_blocks == 3


def test_all_mistakes_at_once() -> None:
    with pytest.raises(RecipeError) as told:
        read_recipe({
            "loss": {"concentration": "x", "recurrence": "y"}, "model": {"backbone": "z"},
            "training": {"select": "w", "statistics": "v", "batch_size": 0, "keep_every": 0},
            "data": {"validation": "u", "validation_share": 1.0},
        })  # fmt: skip
    for key in ("loss.concentration", "loss.recurrence", "model.backbone", "training.select",
                "training.statistics", "training.batch_size", "training.keep_every",
                "data.validation ", "data.validation_share"):  # fmt: skip
        assert key in str(told.value)


def test_unknown_keys_and_networks() -> None:
    with pytest.raises(RecipeError, match=r"training\.epoch is not known"):
        read_recipe({"training": {"epoch": 3}})
    with pytest.raises(RecipeError, match="networks that train: gaze_from_afar"):
        read_recipe({"model": {"builder": "ms_tcn2"}})


@pytest.mark.parametrize(
    ("frames", "must"), [(1, "odd and at least 3"), (4, "odd and at least 3"), (-3, "at least 1")]
)
def test_windows_without_a_middle_are_refused(frames: int, must: str) -> None:
    with pytest.raises(RecipeError, match=rf"model\.frames is {frames}; must be {must}"):
        read_recipe("gafa", [f"model.frames={frames}"])
