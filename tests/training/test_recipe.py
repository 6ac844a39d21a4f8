"""Sections bind to signatures, and all mistakes come out at once."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from eyeline.errors import RecipeError
from eyeline.training import recipe


@dataclass(frozen=True)
class Schedule:
    epochs: int = 5
    rate: float = 0.1
    mirror: bool = True
    levels: tuple[float, ...] = (0.0, 0.5)
    note: str | None = None


def loss(
    logits: list[int], label: int, *, smoothing: float = 0.15, mask: Callable[[], int] | None = None
) -> float:
    return smoothing


LAYOUT = {"training": Schedule, "loss": loss}


def bound(sections: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return recipe.bind(sections, LAYOUT, "r.yaml")


def test_values_arrive_as_the_parameters_have_them() -> None:
    got = bound({"training": {"rate": 2, "levels": [1, 0.5], "note": "x"}})
    assert got == {"training": {"rate": 2.0, "levels": (1.0, 0.5), "note": "x"}, "loss": {}}
    assert isinstance(got["training"]["rate"], float)
    assert Schedule(**got["training"]).epochs == 5, "what is left out keeps its one default"


def test_all_mistakes_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        bound(
            {
                "training": {"epochs": "many", "mirror": 1, "levels": "all", "speed": 3},
                "loss": {"logits": [1], "smoothing": True},
                "optimiser": {},
            }
        )
    for part in (
        "r.yaml: ", "no section 'optimiser'; sections: training, loss", "training.epochs is 'many'",
        "training.mirror is 1", "training.levels is 'all'",
        "training.speed is not known; keys: epochs, rate, mirror, levels, note",
        "loss.logits is not known; keys: smoothing", "loss.smoothing is True",
    ):  # fmt: skip
        assert part in str(caught.value), part


@pytest.mark.parametrize("value", [1.5, "5", True, None])
def test_a_count_is_a_whole_number(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"training\.epochs"):
        bound({"training": {"epochs": value}})


def test_a_section_that_holds_no_keys() -> None:
    with pytest.raises(RecipeError, match="section 'loss' should hold keys, it holds 3"):
        bound({"loss": 3})


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
    with pytest.raises(RecipeError, match=message):
        recipe.read("two", tmp_path)


def test_changes_are_written_as_in_yaml() -> None:
    sections = {"training": {"epochs": 5}}
    changed = recipe.change(sections, ["training.epochs=2", "loss.smoothing = 0.3"])
    assert changed == {"training": {"epochs": 2}, "loss": {"smoothing": 0.3}}
    assert sections == {"training": {"epochs": 5}}, "the recipe itself stays"


@pytest.mark.parametrize(
    "text", ["epochs=2", "training.epochs", ".a=1", "training.a=[", "note.a=1"]
)
def test_a_change_of_another_form(text: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        recipe.change({"note": 3}, [text])


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


def _recipes() -> list[tuple[str, str]]:
    rooms = [*SYSTEMS.glob("*/recipe.py"), *SYSTEMS.glob("*/*/recipe.py")]
    return [
        (".".join(path.relative_to(SYSTEMS).with_suffix("").parts), name)
        for path in sorted(rooms)
        for name in recipe.names(path.parent / "recipes")
    ]


SYSTEMS = Path(recipe.__file__).parents[1] / "systems"
WRONG = {
    "learning_rate": (-1e-3, 0, float("nan"), float("inf")),
    "clip_norm": (-1, 0),
    "workers": (-1, 10**6),
    "epochs": (-1, 0, 10**20),
    "batch_size": (-4, 0),
    "seed": (-1, 10**20),
    "keep_every": (0,),
    "weight_decay": (-0.1,),
}


@pytest.mark.parametrize(("room", "name"), _recipes())
def test_values_out_of_bounds_in_every_recipe(room: str, name: str) -> None:
    """Each by itself, and one of each section together in one message."""
    read = importlib.import_module(f"eyeline.systems.{room}").read_recipe
    sections = read(name).as_dict()
    tried = [
        (f"{section}.{key}", value)
        for section, values in sections.items()
        for key in values
        for value in WRONG.get(key, ())
    ]
    assert {place.partition(".")[2] for place, _ in tried} >= {"learning_rate", "epochs"}
    for place, value in tried:
        with pytest.raises(RecipeError, match=place.replace(".", r"\.")):
            read(name, [f"{place}={yaml_of(value)}"])
    places = {place for place, _ in tried}
    with pytest.raises(RecipeError) as caught:
        read(name, [f"{place}=-1" for place in places])
    for place in places:
        assert f"{place} is -1; must be " in str(caught.value)


def yaml_of(value: float) -> str:
    return {"nan": ".nan", "inf": ".inf"}.get(str(value), str(value))


def test_what_is_wrong_is_told_at_once() -> None:
    words = [("data.split", "tset", ("train", "test")), ("data.kind", "b", ["a", "b"])]
    counts = [("training.epochs", 0), ("training.batch_size", 1), ("training.keep_every", None)]
    faults = [*recipe.unknown_words(words), *recipe.below_one(counts)]
    with pytest.raises(RecipeError) as told:
        recipe.refuse(faults, "gafa.yaml")
    assert str(told.value) == (
        "gafa.yaml: data.split is 'tset'; there are train, test; "
        "training.epochs is 0; must be at least 1"
    )
    recipe.refuse([], "gafa.yaml")


@dataclass(frozen=True)
class Pool:
    """A section."""

    depth: int = 2


@dataclass(frozen=True)
class Park(recipe.Plan):
    """A recipe of a network and a section."""

    pool: Pool = field(default_factory=Pool)


def small(width: int = 3) -> int:
    return width


def large(height: int = 4) -> int:
    return height


def test_a_plan_is_made_of_its_sections() -> None:
    networks = {"small": small, "large": large}
    source = {"model": {"builder": "large", "height": 5}}
    made, where = recipe.read_plan(Park, source, ["pool.depth=7"], Path(), networks)
    assert (made.builder, made.arguments, made.pool.depth) == ("large", {"height": 5}, 7)
    assert made.as_dict() == {"model": {"builder": "large", "height": 5}, "pool": {"depth": 7}}
    assert where == "the recipe"
    assert recipe.read_plan(Park, {}, (), Path(), networks)[0] == Park({"builder": "small"})
    with pytest.raises(RecipeError, match=r"pool\.deep is not known; keys: depth"):
        recipe.read_plan(Park, source, ["pool.deep=3"], Path(), networks)


def test_how_long_and_who_reads_may_change() -> None:
    @dataclass(frozen=True)
    class Free(recipe.Plan):
        training: Schedule = field(default_factory=Schedule)

    told = Free({"builder": "small"}).lasting()
    assert told["model"] == {"builder": "small"}
    assert "epochs" not in told["training"] and told["training"]["rate"] == 0.1


def test_a_batch_is_shared_evenly_or_not_at_all() -> None:
    assert recipe.share_of(6, 2) == 3
    with pytest.raises(RecipeError, match=r"training\.batch_size 9 cannot be shared evenly by 2"):
        recipe.share_of(9, 2)
