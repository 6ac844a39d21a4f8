"""Every system has its files: a card that loads, words that say what it is, recipes."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
import yaml

from eyeline.system import list_systems, load_system, system_names

SYSTEMS = Path(__file__).parents[2] / "eyeline" / "systems"
NAMES = sorted(path.parent.name for path in SYSTEMS.glob("*/__init__.py"))
RECIPES = sorted(SYSTEMS.rglob("recipes/**/*.yaml"))
ANSWER = re.compile(r"[a-z][a-z_]*[a-z]")


def test_the_registry_is_the_directory() -> None:
    assert list(system_names()) == NAMES
    assert set(NAMES) >= {
        "ego_social", "eye_contact", "gaze_3d", "gaze_anticipation", "gaze_following"
    }  # fmt: skip


@pytest.mark.parametrize("system", NAMES)
def test_the_card_is_filled_in(system: str) -> None:
    card = load_system(system)
    assert card.name == system
    assert card.title and card.paper and card.published
    assert card.default in card.builders
    for name, builder in card.builders.items():
        assert (builder.method.system, builder.method.builder) == (system, name)
        assert builder.answers and all(ANSWER.fullmatch(answer) for answer in builder.answers)
        assert builder.method.summary and builder.method.licence
        assert builder.method.measured, f"{system}/{name} does not say how it was measured"


@pytest.mark.parametrize("system", NAMES)
def test_the_system_has_its_files(system: str) -> None:
    needed = {"infer"}
    if load_system(system).train:
        needed |= {"inputs", "data", "model", "loss", "train", "evaluate", "weights"}
    # builders that share nothing but labels have a folder each, with inputs and model of their own
    missing = needed - {path.stem for path in (SYSTEMS / system).rglob("*.py")}
    assert not missing, f"{system} lacks {sorted(missing)}"


@pytest.mark.parametrize("system", NAMES)
def test_the_default_runs_by_itself_or_names_the_weights_that_it_needs(system: str) -> None:
    card = load_system(system)
    default = card.builders[card.default]
    assert default.embedded or (default.from_weights and default.networks)
    for builder in card.builders.values():
        assert {*builder.networks, *builder.one_of} <= card.networks.keys()
        assert builder.embedded or builder.from_weights


def test_published_names_lead_to_one_system_each() -> None:
    names = [name for card in list_systems() for name in card.published]
    assert len(names) == len(set(names))
    assert not set(names) & set(NAMES)
    for card in list_systems():
        for name in card.published:
            assert load_system(name) is card


@pytest.mark.parametrize("system", NAMES)
def test_the_system_says_what_it_is(system: str) -> None:
    text = importlib.import_module(f"eyeline.systems.{system}").__doc__ or ""
    for word in ("Paper:", "In:", "Out:", "Licence:"):
        assert word in text, f"{system}/__init__.py does not say '{word}'"


def modules() -> list[Path]:
    return sorted(path for path in SYSTEMS.parent.rglob("*.py") if path.stat().st_size)


@pytest.mark.parametrize("file", modules(), ids=lambda f: str(f.relative_to(SYSTEMS.parent)))
def test_every_module_opens_with_a_sentence(file: Path) -> None:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert text and len(text.split()) >= 4


@pytest.mark.parametrize("file", modules(), ids=lambda f: str(f.relative_to(SYSTEMS.parent)))
def test_no_module_is_named_for_nothing(file: Path) -> None:
    assert file.stem not in {"utils", "util", "misc", "helpers", "common", "core"}


def test_recipes_are_found() -> None:
    assert len(RECIPES) == len(list(SYSTEMS.rglob("*.yaml"))), "a recipe lies outside a recipes/"
    with_recipes = {system for system in NAMES if load_system(system).recipes}
    assert with_recipes <= {path.relative_to(SYSTEMS).parts[0] for path in RECIPES}


@pytest.mark.parametrize("file", RECIPES, ids=lambda f: str(f.relative_to(SYSTEMS)))
def test_a_recipe_parses_and_says_how_it_was_run(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("#"), (
        f"{file.name} has no head comment with command, machine, time, score"
    )
    recipe = yaml.safe_load(text)
    assert isinstance(recipe, dict) and recipe
    system = file.relative_to(SYSTEMS).parts[0]
    builder = recipe.get("model", {}).get("builder")
    assert builder in load_system(system).networks
    assert file.stem in load_system(system).recipes, "the command cannot find it"


def test_the_page_of_systems_is_what_the_cards_say() -> None:
    import importlib.util

    script = Path(__file__).parents[2] / "scripts" / "make_docs.py"
    spec = importlib.util.spec_from_file_location("make_docs", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.text(), "run scripts/make_docs.py"


@pytest.mark.parametrize("page", sorted((SYSTEMS.parents[1] / "docs").glob("add_a*.md")), ids=str)
def test_the_pages_on_adding_name_files_and_things_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    package = SYSTEMS.parent
    for name in re.findall(r"`((?:eyeline/)?[a-z_]+/[a-z_]+\.py)`", text):
        assert (package / name.removeprefix("eyeline/")).is_file(), name
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    for name in re.findall(r"`([A-Z][A-Za-z]+|[A-Z]+S)(?:\(.*?\))?`", text):
        assert name == "PYTHONPATH" or re.search(rf"\b(class )?{name}\b", code), name
