"""Recipes bind to what they build, and all mistakes come out at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.eye_contact.recipe import RECIPES, Training, read_recipe


def test_every_recipe_of_the_room_binds() -> None:
    found = sorted(RECIPES.glob("*.yaml"))
    assert [path.stem for path in found] == ["ecs_landmarks"]
    recipe = read_recipe("ecs_landmarks")
    assert recipe == read_recipe(found[0])
    assert recipe.model["builder"] == "landmarks_tcn"
    assert "builder" not in recipe.arguments and recipe.arguments["members"] >= 1


def test_a_recipe_reads_back_from_its_own_words() -> None:
    recipe = read_recipe("ecs_landmarks")
    assert read_recipe(recipe.as_dict()) == recipe


def test_an_empty_recipe_has_the_defaults() -> None:
    assert read_recipe({}).training == Training()


def test_all_mistakes_at_once() -> None:
    sections = {
        "model": {"builder": "resnet", "width": 3},
        "training": {"epochs": "many", "mirror": 1},
        "decoding": {"balance": []},
        "optimiser": {},
    }
    with pytest.raises(RecipeError) as caught:
        read_recipe(sections)
    for part in (
        "no section 'optimiser'", "model.builder 'resnet'", "model.width",
        "training.epochs is 'many'", "training.mirror is 1", "decoding.balance is []",
    ):  # fmt: skip
        assert part in str(caught.value)


def test_whole_numbers_pass_for_fractions_but_not_the_other_way() -> None:
    assert read_recipe({"optimizer": {"clip_norm": 5}}).optimizer.clip_norm == 5
    with pytest.raises(RecipeError, match=r"training\.epochs is 1\.5"):
        read_recipe({"training": {"epochs": 1.5}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("- a", "should hold sections"),
        ("loss: 3", "section 'loss' should hold keys"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        read_recipe(tmp_path / "r.yaml")


def test_a_missing_file_lists_the_recipes() -> None:
    with pytest.raises(RecipeError, match="Recipes of eye_contact: ecs_landmarks"):
        read_recipe("nothing")
