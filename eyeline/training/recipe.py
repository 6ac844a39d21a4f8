"""Recipes: YAML whose sections are keyword arguments, bound to what they build before any work."""

from __future__ import annotations

import inspect
import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from eyeline.documents import parse_yaml, read_yaml
from eyeline.errors import DataError, RecipeError

if TYPE_CHECKING:
    from pydantic import BaseModel

Sections = Mapping[str, Mapping[str, Any]]
"""Section -> keyword -> value."""


@dataclass(frozen=True)
class Plan:
    """What every recipe has: the network, and beside it a section for each further field."""

    model: Mapping[str, Any] = field(default_factory=dict)
    """`builder`, the network's, and its keyword arguments."""

    @property
    def builder(self) -> str:
        """The network that trains."""
        return str(self.model["builder"])

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the network."""
        return {name: value for name, value in self.model.items() if name != "builder"}

    def as_dict(self) -> dict[str, Any]:
        """The recipe as its file has it."""
        return asdict(self)

    def lasting(self) -> dict[str, Any]:
        """As `as_dict`, without what may change when a stopped run goes on."""
        free = {("training", "epochs"), ("training", "keep_every"), ("data", "workers")}
        return {
            name: {key: value for key, value in section.items() if (name, key) not in free}
            for name, section in self.as_dict().items()
        }


Kind = TypeVar("Kind", bound=Plan)

_POSITIVE = ("learning_rate", "concentration_learning_rate", "clip_norm")
_NOT_NEGATIVE = (
    "final_learning_rate", "weight_decay", "warm_up_steps", "warmup_epochs", "seed",
)  # fmt: skip
_COUNTS = (
    "epochs", "batch_size", "keep_every", "rounds", "cosine_epochs", "stride", "validation_stride",
    "validation_interval", "frame_budget", "crop_frames", "concentration_every",
)  # fmt: skip
BOUNDS: Mapping[str, tuple[tuple[str, float], ...]] = {
    **dict.fromkeys(_POSITIVE, ((">", 0),)),
    **dict.fromkeys(_NOT_NEGATIVE, ((">=", 0),)),
    **dict.fromkeys(_COUNTS, ((">=", 1),)),
    "warm_up": ((">=", 0), ("<=", 1)),
    "momentum": ((">=", 0), ("<", 1)),
    "workers": ((">=", 0), ("<=", 1024)),
}
"""What values may be, by key, in every section of every recipe."""
_COMPARED: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    ">": (operator.gt, "more than"), ">=": (operator.ge, "at least"),
    "<": (operator.lt, "less than"), "<=": (operator.le, "at most"),
}  # fmt: skip

_PLAIN = (bool, int, float, str, tuple, Path, type(None))
"""Kinds of values that a recipe can hold."""


def read(source: Path | str | Mapping[str, Any], folder: Path) -> tuple[Mapping[str, Any], str]:
    """The sections of a recipe as its file has them, and what to call it in a message.

    Args:
        source: a YAML file, the name of a recipe in `folder`, or the sections themselves.
        folder: where a room's recipes lie.

    Raises:
        RecipeError: no such recipe, or a file that is no YAML of sections.
    """
    if isinstance(source, Mapping):
        return source, "the recipe"
    path = Path(source)
    if not path.suffix:
        path = folder / f"{source}.yaml"
    return _read_yaml(path, folder), str(path)


def change(sections: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """The sections with `section.key=value` changes, values written as in YAML.

    Raises:
        RecipeError: a change that is not of that form.
    """
    changed = {name: dict(s) if isinstance(s, Mapping) else s for name, s in sections.items()}
    for text in changes:
        place, equals, value = text.partition("=")
        section, dot, key = place.strip().partition(".")
        if not (equals and dot and section and key):
            raise RecipeError(f"--set {_short(text)}: expected section.key=value")
        if not isinstance(changed.setdefault(section, {}), dict):
            raise RecipeError(
                f"--set {_short(text)}: section '{section}' holds {changed[section]!r:.60}"
            )
        try:
            changed[section][key] = parse_yaml(value, f"--set {_short(text)}")
        except DataError as error:
            raise RecipeError(str(error)) from None
    return changed


def bind(
    sections: Mapping[str, Any], layout: Mapping[str, Callable[..., Any]], where: str
) -> dict[str, dict[str, Any]]:
    """Check every section against the signature that it belongs to; all mistakes at once.

    Args:
        sections: as read.
        layout: section -> the function or class whose keyword arguments it gives; parameters
            without a plain default are not a recipe's business.
        where: what to call the recipe in a message.

    Returns:
        For each section of the layout the given values, of the parameters' types.

    Raises:
        RecipeError: naming every section and key that nothing takes, and every value of a wrong
        kind.
    """
    faults = [
        f"no section '{name}'; sections: {', '.join(layout)}"
        for name in sections
        if name not in layout
    ]
    bound: dict[str, dict[str, Any]] = {}
    for name, target in layout.items():
        section = sections.get(name, {})
        if not isinstance(section, Mapping):
            faults.append(f"section '{name}' should hold keys, it holds {section!r}")
            continue
        bound[name], wrong = checked(name, section, target)
        faults += wrong
    if faults:
        raise RecipeError(f"{where}: {'; '.join(faults)}")
    return bound


def network_of(
    sections: Mapping[str, Any], networks: Sequence[str], where: str
) -> tuple[str, dict[str, Any]]:
    """The network that `model.builder` names, and the sections without that key.

    Args:
        sections: as read.
        networks: those that train; the first is meant where none is named.
        where: what to call the recipe in a message.

    Raises:
        RecipeError: another network.
    """
    model = sections.get("model", {})
    if not isinstance(model, Mapping):
        return networks[0], dict(sections)
    builder = model.get("builder", networks[0])
    if builder not in networks:
        raise RecipeError(
            f"{where}: model.builder '{builder}' is not known; networks that train: "
            f"{', '.join(networks)}"
        )
    return builder, {**sections, "model": {k: v for k, v in model.items() if k != "builder"}}


def read_plan(
    kind: type[Kind],
    source: Path | str | Mapping[str, Any],
    changes: Iterable[str],
    folder: Path,
    networks: Mapping[str, Callable[..., Any]],
) -> tuple[Kind, str]:
    """A recipe of a room, and what to call it in a message.

    Args:
        kind: its dataclass, whose fields beside `model` are made of their sections.
        source: as of `read`.
        changes: as of `change`, made before anything is checked.
        folder: as of `read`.
        networks: those that train, by name; the first is meant where none is named.

    Raises:
        RecipeError: as of `read`, `change`, `network_of` and `bind`.
    """
    sections, where = read(source, folder)
    builder, sections = network_of(change(sections, changes), tuple(networks), where)
    parts: dict[str, Any] = {f.name: f.default_factory for f in fields(kind) if f.name != "model"}
    bound = bind(sections, {"model": networks[builder], **parts}, where)
    made = {name: part(**bound[name]) for name, part in parts.items()}
    return kind({"builder": builder, **bound["model"]}, **made), where


def unknown_words(words: Iterable[tuple[str, str, Iterable[str]]]) -> list[str]:
    """What is wrong with words of a recipe: of each its `section.key`, itself, and those known."""
    return [
        f"{key} is '{value}'; there are {', '.join(known)}"
        for key, value, known in words
        if value not in known
    ]


def below_one(counts: Iterable[tuple[str, int | None]]) -> list[str]:
    """What is wrong with counts of a recipe: of each its `section.key`, and itself or None."""
    return [
        f"{key} is {value}; must be at least 1"
        for key, value in counts
        if value is not None and value < 1
    ]


def out_of_bounds(sections: Mapping[str, Any]) -> list[str]:
    """What is wrong with the numbers of a recipe by `BOUNDS`, or by their size."""
    faults = []
    for section, values in sections.items():
        for key, value in values.items() if isinstance(values, Mapping) else ():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            wrong = [
                f"must be {words} {bound:g}"
                for sign, bound in BOUNDS.get(key, ())
                for within, words in (_COMPARED[sign],)
                if not within(value, bound)
            ]
            if isinstance(value, int) and value.bit_length() > 63:
                wrong = wrong or ["must be a number of 63 bits"]
            said = f"{value:g}" if isinstance(value, float) else str(value)
            faults += [f"{section}.{key} is {said}; {text}" for text in wrong]
    return faults


def share_of(batch_size: int, world: int) -> int:
    """What each of `world` processes takes of a batch.

    Raises:
        RecipeError: a batch that they cannot share evenly.
    """
    if batch_size % world:
        raise RecipeError(
            f"training.batch_size {batch_size} cannot be shared evenly by {world} devices"
        )
    return batch_size // world


def refuse(faults: Sequence[str], where: str, sections: Mapping[str, Any] | None = None) -> None:
    """Raise a RecipeError of all that is wrong, also with numbers of sections, if anything is."""
    if every := [*dict.fromkeys([*faults, *out_of_bounds(sections or {})])]:
        raise RecipeError(f"{where}: {'; '.join(every)}")


def names(folder: Path) -> tuple[str, ...]:
    """The recipes of a folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _read_yaml(path: Path, folder: Path) -> Mapping[str, Any]:
    if not path.exists():
        known = ", ".join(names(folder)) or "none"
        raise RecipeError(f"no recipe at {path}; recipes of its system: {known}")
    try:
        content = read_yaml(path)
    except DataError as error:
        raise RecipeError(str(error)) from None
    if not isinstance(content, dict):
        raise RecipeError(f"{path} should hold sections, it holds a {type(content).__name__}")
    return content


def checked(
    name: str, section: Mapping[str, Any], target: Callable[..., Any]
) -> tuple[dict[str, Any], list[str]]:
    """The values as their parameters' types have them, and what is wrong with the others."""
    from pydantic import ValidationError

    model = _model(name, target)
    try:
        # by way of JSON the check is strict (no '3' for 3, no 1.5 for a count) but takes a list for
        # a tuple, as YAML has no tuples
        values = model.model_validate_json(json.dumps(dict(section)), strict=True)
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            return {}, _grouped(name, error.errors(), model)
        return {}, [f"section '{name}' holds something other than plain values: {error}"]
    return {key: getattr(values, key) for key in section}, []


def _model(name: str, target: Callable[..., Any]) -> type[BaseModel]:
    from pydantic import ConfigDict, create_model

    target = inspect.unwrap(target)
    made: Any = target.__init__ if inspect.isclass(target) else target
    taken = {key: kind for key, kind in made.__annotations__.items() if key != "return"}
    hints = get_type_hints(SimpleNamespace(__annotations__=taken), made.__globals__)
    fields: dict[str, Any] = {
        p.name: (hints.get(p.name, Any), p.default)
        for p in inspect.signature(target).parameters.values()
        if _settable(p, hints.get(p.name, Any))
    }
    config = ConfigDict(extra="forbid", protected_namespaces=(), allow_inf_nan=False)
    model: type[BaseModel] = create_model(name, __config__=config, **fields)
    return model


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _settable(parameter: inspect.Parameter, hint: Any) -> bool:
    """Whether a default, and what may stand instead of a None, are plain."""
    if parameter.default is None:
        return all(kind in _PLAIN for kind in get_args(hint))
    return isinstance(parameter.default, _PLAIN)


def _grouped(section: str, errors: Sequence[Any], model: type[BaseModel]) -> list[str]:
    """One sentence a key; of a value that fits none of a union's types the first complaint."""
    told: dict[str, str] = {}
    for error in errors:
        key = str(error["loc"][0])
        place = f"{section}.{key}"
        if error["type"] == "extra_forbidden":
            text = f"{place} is not known; keys: {', '.join(model.model_fields)}"
        else:
            what = str(error["msg"])
            text = f"{place} is {error['input']!r:.80}: {what[:1].lower()}{what[1:]}"
        told.setdefault(key, text)
    return list(told.values())
