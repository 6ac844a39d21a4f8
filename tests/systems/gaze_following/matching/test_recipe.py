"""The matcher's recipe."""

from __future__ import annotations

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.gaze_following.matching.recipe import RECIPES, read_recipe
from eyeline.training import recipe


def test_every_recipe_is_read():
    names = recipe.names(RECIPES)
    assert names == ("matcher",)
    for name in names:
        plan = read_recipe(name)
        assert plan.as_dict()["model"] == {"builder": "matcher", "width": 48, "dropout": 0.1}
        assert plan.training.seed == 0


def test_changes():
    plan = read_recipe("matcher", ["training.epochs=2", "model.width=8", "loss.smoothing=0.1"])
    assert (plan.training.epochs, plan.arguments["width"], plan.loss["smoothing"]) == (2, 8, 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.builder=csts", "csts"),
        ("model.depth=3", "model.depth is not known"),
        ("training.mute=1.5", "training.mute is 1.5; must be at most 1"),
        ("training.epochs=0", "training.epochs is 0; must be at least 1"),
        ("optimizer.learning_rate=0.0", "learning_rate is 0.0; must be more than 0"),
        ("loss.weight=1", "loss.weight is not known"),
        ("other.key=1", "no section 'other'"),
    ],
)
def test_mistakes_are_told(change, message):
    with pytest.raises(RecipeError, match=message):
        read_recipe("matcher", [change])
