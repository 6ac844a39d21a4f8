"""Recipes bind to what they build; all mistakes are told at once."""

from __future__ import annotations

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.ego_social.loss import LOOKING_WEIGHTS, TALKING_WEIGHTS
from eyeline.systems.ego_social.recipe import RECIPES, read_recipe
from eyeline.training import recipe
from tests.systems.ego_social.invented import LAM, TTM, keys


def test_every_recipe_of_the_room_binds() -> None:
    names = recipe.names(RECIPES)
    assert names == ("lam", "lam_gaze360", "ttm")
    for name in names:
        made = read_recipe(name)
        assert read_recipe(made.as_dict()) == made
        wanted = keys()[TTM if made.talks else LAM]["parameters"]
        assert sum(p.numel() for p in made.network().parameters()) == wanted


def test_the_recipes_say_what_was_published() -> None:
    for name in ("lam", "lam_gaze360", "ttm"):
        made = read_recipe(name)
        assert made.optimizer.learning_rate == 5e-4 and made.optimizer.clip_norm is None
        assert (made.training.epochs, made.training.select) == (40, "mAP")
        assert made.training.statistics == "batch" and made.data.policy == "published"
        assert not made.training.flip and not made.data.balanced
    assert (read_recipe("lam").data.stride, read_recipe("lam").training.batch_size) == (13, 64)
    assert read_recipe("lam").class_weights == LOOKING_WEIGHTS
    assert read_recipe("ttm").class_weights == TALKING_WEIGHTS
    assert read_recipe("ttm").training.frame_budget == 400
    assert [read_recipe(n).training.needs_weights for n in ("lam", "lam_gaze360")] == [False, True]


def test_weights_of_labels_follow_the_network() -> None:
    assert read_recipe({}).class_weights == LOOKING_WEIGHTS
    assert read_recipe({"model": {"builder": "ttm"}}).class_weights == TALKING_WEIGHTS
    assert read_recipe({"loss": {"class_weights": [1, 2.5]}}).class_weights == (1, 2.5)


def test_changes_are_made() -> None:
    made = read_recipe("lam", ["data.stride=3", "model.width=8", "training.flip=true"])
    assert made.data.stride == 3 and made.arguments["width"] == 8 and made.training.flip


def test_all_mistakes_at_once() -> None:
    with pytest.raises(RecipeError) as told:
        read_recipe({
            "model": {"builder": "gaze360_lstm", "head": "none", "frames": 0},
            "data": {"stride": 0, "policy": "mine", "validation_stride": -1},
            "loss": {"class_weights": [1.0, 0]},
            "training": {
                "select": "x", "statistics": "y", "epochs": 0, "batch_size": 0, "frame_budget": 0,
                "keep_every": 0,
            },
        })  # fmt: skip
    for key in ("model.head", "model.frames", "data.stride",
                "data.validation_stride", "data.policy", "loss.class_weights", "training.select",
                "training.statistics", "training.epochs", "training.batch_size",
                "training.frame_budget", "training.keep_every"):  # fmt: skip
        assert key in str(told.value)


def test_all_conflicts_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe({
            "model": {"builder": "gaze360_lstm", "head": "angles", "frames": 5},
            "loss": {"class_weights": [1.0]},
        })  # fmt: skip
    for part in ("model.head is 'angles'", "model.frames is 5; the data has 7",
                 "loss.class_weights is [1.0]; must be two"):  # fmt: skip
        assert part in str(caught.value)


def test_unknown_keys_and_networks() -> None:
    with pytest.raises(RecipeError, match=r"training\.epoch is not known"):
        read_recipe({"training": {"epoch": 3}})
    with pytest.raises(RecipeError, match=r"model\.voice_width is not known; keys: frames, width"):
        read_recipe({"model": {"voice_width": 4}})
    with pytest.raises(RecipeError, match="networks that train: lam_lstm, gaze360_lstm, ttm"):
        read_recipe({"model": {"builder": "contact_and_voice"}})
    with pytest.raises(RecipeError, match=r"data\.balanced is for looking at me"):
        read_recipe({"model": {"builder": "ttm"}, "data": {"balanced": True}})
