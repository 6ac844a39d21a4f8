"""Recipes bind to what they build, and all mistakes come out at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.eye_contact.recipe import RECIPES, Crops, WholeTracklets, read_recipe


def test_every_recipe_of_the_room_binds() -> None:
    found = sorted(RECIPES.glob("*.yaml"))
    assert [path.stem for path in found] == ["ecs_landmarks", "ecs_pictures", "voxceleb2"]
    for path in found:
        assert read_recipe(path).builder in ("landmarks_tcn", "ms_tcn2")
    recipe = read_recipe("ecs_landmarks")
    assert recipe == read_recipe(found[0]) != read_recipe(found[1])
    assert recipe.model["builder"] == "landmarks_tcn"
    assert "builder" not in recipe.arguments and recipe.arguments["members"] >= 1


def test_a_recipe_reads_back_from_its_own_words() -> None:
    recipe = read_recipe("ecs_landmarks")
    assert read_recipe(recipe.as_dict()) == recipe


def test_an_empty_recipe_has_the_defaults() -> None:
    assert read_recipe({}).training == Crops()


def test_all_mistakes_at_once() -> None:
    sections = {
        "model": {"width": 3},
        "training": {"epochs": "many", "mirror": 1},
        "optimiser": {},
    }
    with pytest.raises(RecipeError) as caught:
        read_recipe(sections)
    for part in (
        "no section 'optimiser'", "model.width", "training.epochs is 'many'",
        "training.mirror is 1",
    ):  # fmt: skip
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {"builder": "resnet"}}, r"model.builder 'resnet'.*landmarks_tcn, ms_tcn2"),
        ({"data": {"labels": "guessed"}}, r"must be 'annotated' or 'clusters'"),
        ({"data": {"labels": "clusters"}}, r"needs the network ms_tcn2"),
        ({"decoding": {"balance": []}}, r"decoding.balance is \[\]; must be a list of at least 1"),
        ({"data": {"validation_share": 1.0}}, r"must be less than 1"),
        ({"training": {"rounds": 3}}, r"training.rounds is not known"),
    ],
)
def test_choices_that_cannot_be(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_recipe(sections)


def test_each_network_has_sections_of_its_own() -> None:
    made = read_recipe({"model": {"builder": "ms_tcn2", "maps": 16}, "training": {"rounds": 2}})
    assert made.training == WholeTracklets(rounds=2) and made.arguments == {"maps": 16}
    assert read_recipe(made.as_dict()) == made


def test_changes_come_before_the_check() -> None:
    assert read_recipe("ecs_landmarks", ["training.epochs=2"]).training.epochs == 2
    with pytest.raises(RecipeError, match=r"training.epoch is not known"):
        read_recipe("ecs_landmarks", ["training.epoch=2"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("- a", "should hold sections"),
        ("loss: 3", "section 'loss' should hold keys"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        read_recipe(tmp_path / "r.yaml")


def test_a_missing_file_lists_the_recipes() -> None:
    with pytest.raises(RecipeError, match="recipes of its system: ecs_"):
        read_recipe("nothing")
