"""Recipes of the detector."""

from __future__ import annotations

from typing import Any

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.gaze_following.detector.recipe import RECIPES, read_recipe
from eyeline.training import recipe


def test_the_three_differ_in_their_pictures_alone() -> None:
    named = {"mask_rcnn_hs": "hs", "mask_rcnn_h": "h", "mask_rcnn_none": "none"}
    assert set(recipe.names(RECIPES)) == set(named)
    for name, fusion in named.items():
        plan = read_recipe(name)
        assert plan.data.fusion == fusion
        told = plan.as_dict()
        told["data"]["fusion"] = "hs"
        assert told == read_recipe({}).as_dict(), "the defaults are the published numbers"


def test_changes() -> None:
    plan = read_recipe("mask_rcnn_h", ["optimizer.drop_epochs=[3]", "model.width=32"])
    assert plan.optimizer.drop_epochs == (3,) and plan.arguments == {"width": 32}


@pytest.mark.parametrize(
    ("sections", "fault"),
    [
        ({"data": {"fusion": "HS"}}, "data.fusion is 'HS'; must be 'hs', 'h' or 'none'"),
        ({"training": {"select": "best"}}, "must be 'last' or 'box_AP'"),
        ({"training": {"epochs": 0}}, "training.epochs is 0; must be"),
        ({"training": {"frozen_stages": 5}}, "must be at most 4"),
        ({"data": {"mirror": 1.5}}, "data.mirror is 1.5; must be at most 1"),
        ({"samples": {"boxes": 3}}, "samples.boxes is not known"),
        ({"model": {"builder": "yolo"}}, "networks that train: mask_rcnn"),
        ({"optimizer": {"drop_epochs": "8"}}, "optimizer.drop_epochs"),
    ],
)
def test_mistakes(sections: dict[str, Any], fault: str) -> None:
    with pytest.raises(RecipeError, match=fault):
        read_recipe(sections)
