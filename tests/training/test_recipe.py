"""Sections are checked by models and signatures, and all mistakes come out at once."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from eyeline.bounds import Count, Fraction, Positive, Stages
from eyeline.errors import RecipeError
from eyeline.training import recipe
from eyeline.training.recipe import Section
from tests.refusals import refuses
from tests.wrong_values import wrong_values


class Schedule(Section, frozen=True):
    epochs: Count = 5
    rate: Positive = 0.1
    mirror: bool = True
    levels: tuple[float, ...] = (0.0, 0.5)
    note: str | None = None
    kind: Literal["a", "b"] = "a"


def loss(
    logits: list[int],
    label: int,
    *,
    smoothing: Fraction = 0.15,
    mask: Callable[[], int] | None = None,
) -> float:
    return smoothing


def small(width: Count = 3) -> int:
    return width


def large(height: Count = 4, depths: Stages = (1, 1, 1, 1)) -> int:
    return height


class Plan(recipe.Recipe, frozen=True):
    training: Schedule = Schedule()
    loss: dict[str, Any]

    def conflicts(self) -> list[str]:
        if self.training.mirror and self.training.kind == "b":
            return ["training.kind is 'b', which has no mirror image"]
        return []


def planned(sections: Mapping[str, Any], changes: Sequence[str] = ()) -> Plan:
    networks = {"small": small, "large": large}
    return recipe.Reader(Plan, Path(), networks, loss=loss)(sections, changes)


def test_values_arrive_as_the_fields_have_them() -> None:
    got = planned({"training": {"rate": 2, "levels": [1, 0.5], "note": "x"}}).training
    assert got == Schedule(rate=2.0, levels=(1.0, 0.5), note="x")
    assert isinstance(got.rate, float)
    assert got.epochs == 5, "what is left out keeps its one default"


def test_keys_of_older_recipes_are_read() -> None:
    older = {"training": {"keep_every": 5, "recompute": "all"}, "data": {"validation_share": 0.2}}
    assert recipe.current_keys(older) == {
        "training": {"save_every": 5, "gradient_checkpointing": "all"},
        "data": {"validation_fraction": 0.2},
    }
    both = {"training": {"keep_every": 5, "save_every": 6}}
    assert recipe.current_keys(both) == both, "what is said twice is refused as unknown"
    assert recipe.current_keys({"training": 3}) == {"training": 3}


def test_of_functions_what_is_given_stands_in_the_recipe() -> None:
    created = planned({"model": {"builder": "large", "height": 5}}, ["loss.smoothing=0"])
    assert (created.builder, created.arguments) == ("large", {"height": 5})
    assert created.loss == {"smoothing": 0.0}
    assert created.as_dict()["model"] == {"builder": "large", "height": 5}
    assert planned(created.as_dict()) == created
    assert planned({}) == Plan(model={"builder": "small"}, loss={})
    assert planned({"model": {"builder": "large", "depths": [1, 2, 1, 1]}}).arguments == {
        "depths": (1, 2, 1, 1)
    }


def test_all_mistakes_at_once() -> None:
    keys = ", ".join(Schedule.model_fields)
    with pytest.raises(RecipeError) as caught:
        planned(
            {
                "model": {"builder": "huge", "width": 3},
                "training": {
                    "epochs": "many",
                    "mirror": 1,
                    "levels": [1, "all"],
                    "epoch": 3,
                    "rate": -1,
                    "kind": "c",
                    "note": date(2026, 11, 30),
                },
                "loss": {"logits": [1], "smoothing": True},
                "optimiser": {},
            }
        )
    assert str(caught.value) == "the recipe: " + "; ".join(
        [
            "model.builder 'huge' is not known; networks that train: small, large",
            "training.epochs is 'many'; must be a whole number",
            "training.rate is -1; must be more than 0",
            "training.mirror is 1; must be true or false",
            "training.levels[1] is 'all'; must be a number",
            "training.note is {'date': '2026-11-30'}; must be text",
            "training.kind is 'c'; must be 'a' or 'b'",
            f"training.epoch is not known; keys: {keys} (nearest: epochs)",
            "loss.smoothing is True; must be a number",
            "loss.logits is not known; keys: smoothing",
            "no section 'optimiser'; sections: model, training, loss",
        ]
    )


def test_conflicts_are_named_when_values_are_right_by_themselves() -> None:
    with pytest.raises(RecipeError, match=r"training\.kind is 'b', which has no mirror"):
        planned({"training": {"kind": "b"}})


@pytest.mark.parametrize("value", [1.5, "5", True, None, [1], 1 << 2000, {"a": 1}, b"5", -(2**70)])
def test_a_count_is_a_whole_number(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"training\.epochs is .*; must be "):
        planned({"training": {"epochs": value}})


@pytest.mark.parametrize("value", [3, None, "epochs", [1]])
def test_a_section_that_holds_no_keys(value: Any) -> None:
    for name in ("loss", "model", "training"):
        with pytest.raises(RecipeError, match=f"section '{name}' should hold keys, it holds"):
            planned({name: value})


def test_text_that_is_no_unicode_and_keys_that_are_no_text() -> None:
    assert planned({"training": {"note": "\ud800"}}).training.note == "\\ud800"
    with pytest.raises(RecipeError, match=r"training\.2026-11-30 is not known"):
        planned({"training": {date(2026, 11, 30): 3}})


def test_read_by_name_by_path_and_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("loss: {smoothing: 0.3}\n", encoding="utf-8")
    assert recipe.read("one", tmp_path)[0] == {"loss": {"smoothing": 0.3}}
    assert recipe.read(tmp_path / "one.yaml", Path("nowhere"))[0]["loss"] == {"smoothing": 0.3}
    assert recipe.read({"loss": {}}, tmp_path) == ({"loss": {}}, "the recipe")
    assert recipe.names(tmp_path) == ("one",)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "recipes of its system: one"), ("a: [", "not YAML"), ("- a", "hold sections")],
)
def test_a_wrong_file(tmp_path: Path, content: str | None, message: str) -> None:
    (tmp_path / "one.yaml").write_text("{}\n", encoding="utf-8")
    if content is not None:
        (tmp_path / "two.yaml").write_text(content, encoding="utf-8")
    refuses(RecipeError, message, lambda: recipe.read("two", tmp_path))


def test_changes_are_written_as_in_yaml() -> None:
    sections = {"training": {"epochs": 5}}
    changed = recipe.change(sections, ["training.epochs=2", "loss.smoothing = 0.3"])
    assert changed == {"training": {"epochs": 2}, "loss": {"smoothing": 0.3}}
    assert sections == {"training": {"epochs": 5}}, "the recipe itself stays"


@pytest.mark.parametrize(
    "text", ["epochs=2", "training.epochs", ".a=1", "training.a=[", "note.a=1"]
)
def test_a_change_of_another_form(text: str) -> None:
    refuses(RecipeError, "--set", lambda: recipe.change({"note": 3}, [text]))


@pytest.mark.parametrize(
    "value",
    [
        "[" * 3000,
        "9" * 5000,
        "2001-99-99",
        "&a [*a]",
        "{? [1]: 2}",
        "\x00",
        "!!python/object/apply:os.system ['x']",
    ],
)
def test_a_value_that_is_no_plain_yaml(value: str) -> None:
    with pytest.raises(RecipeError, match=r"--set training\.epochs=") as caught:
        recipe.change({}, [f"training.epochs={value}"])
    assert len(str(caught.value)) < 500


SYSTEMS = Path(recipe.__file__).parents[1] / "systems"


def _recipes() -> list[tuple[str, str]]:
    systems = [*SYSTEMS.glob("*/recipe.py"), *SYSTEMS.glob("*/*/recipe.py")]
    return [
        (".".join(path.relative_to(SYSTEMS).with_suffix("").parts), name)
        for path in sorted(systems)
        for name in recipe.names(path.parent / "recipes")
    ]


def _schemas(room: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """The schema of each section that a recipe is checked by."""
    kept: dict[str, Any] = {}
    real = recipe._schema
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "_schema", lambda n, kind: kept.setdefault(n, real(n, kind)))
        importlib.import_module(f"eyeline.systems.{room}").read_recipe(name)
    return kept


@pytest.mark.parametrize(("room", "name"), _recipes())
def test_every_field_of_every_recipe_has_bounds(
    room: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong types, values out of range, NaN and unknown keys, each alone and all in one message."""
    read = importlib.import_module(f"eyeline.systems.{room}").read_recipe
    sections: dict[str, Any] = read(name).as_dict()
    tried: dict[str, dict[str, list[Any]]] = {}
    for section, schema in _schemas(room, name, monkeypatch).items():
        described = schema.model_json_schema()["properties"]
        tried[section] = {key: wrong_values(field) for key, field in described.items()}
    assert {"learning_rate", "seed", "epochs"} <= {key for keys in tried.values() for key in keys}
    for section, keys in tried.items():
        assert keys, section
        for key, values in keys.items():
            for value in values:
                given = {**sections.get(section, {}), key: value}
                with pytest.raises(
                    RecipeError, match=rf"{section}\.{key}(\[\d\])? is .*; must be "
                ):
                    read({**sections, section: given})
    for pick in (0, -1):
        wrong = {
            section: {key: values[pick] for key, values in keys.items()} | {f"{section}_x": 1}
            for section, keys in tried.items()
        }
        wrong["model"]["builder"] = sections["model"]["builder"]
        with pytest.raises(RecipeError) as caught:
            read({**wrong, "other": {}})
        assert "no section 'other'" in str(caught.value)
        for section, keys in tried.items():
            assert f"{section}.{section}_x is not known" in str(caught.value)
            for key in keys:
                assert re.search(rf"\b{section}\.{key}(\[\d\])? is ", str(caught.value)), key


@pytest.mark.parametrize(("room", "name"), _recipes())
def test_what_a_recipe_says_reads_back(room: str, name: str) -> None:
    """The sections that a weights file and the identity of a run hold are those of the recipe."""
    read = importlib.import_module(f"eyeline.systems.{room}").read_recipe
    created = read(name)
    assert read(json.loads(json.dumps(created.as_dict()))) == created
    assert set(created.as_dict()["model"]) == {"builder", *created.arguments}


def test_a_change_out_of_bounds_is_named_as_that_of_a_file() -> None:
    with pytest.raises(
        RecipeError, match=r"epochs is 0; must be at least 1; .*rate is nan; must be"
    ):
        planned({}, ["training.epochs=0", "training.rate=.nan"])


def test_how_long_and_who_reads_may_change() -> None:
    lasting = planned({}).lasting()
    assert lasting["model"] == {"builder": "small"}
    assert "epochs" not in lasting["training"] and lasting["training"]["rate"] == 0.1


@pytest.mark.parametrize(
    "module",
    ["ego_social.recipe", "gaze_following.matching.recipe", "gaze_following.gaze_lle.recipe"],
)
def test_a_run_is_resumed_with_another_execution(module: str) -> None:
    read = importlib.import_module(f"eyeline.systems.{module}").read_recipe
    name = recipe.names(read.folder)[0]
    changed = read(name, ["training.channels_last=true", "training.compile=true"])
    assert changed.training.compile and changed.lasting() == read(name).lasting()


def test_a_batch_is_shared_evenly_or_not_at_all() -> None:
    assert recipe.batch_per_process(6, 2) == 3
    with pytest.raises(RecipeError, match=r"training\.batch_size 9 cannot be shared evenly by 2"):
        recipe.batch_per_process(9, 2)
