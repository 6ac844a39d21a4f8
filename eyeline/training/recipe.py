"""Recipes: YAML whose sections are pydantic models or arguments, checked before any work."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import SimpleNamespace
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    Self,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    create_model,
    model_serializer,
)

from eyeline.bounds import Count, FractionBelowOne, NotNegative, Positive, Whole
from eyeline.documents import parse_yaml, read_yaml
from eyeline.errors import DataError, RecipeError

STRICT = ConfigDict(
    extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=(), frozen=True
)
"""No key but those known, no '3' for 3, no 1.5 for a count, no infinity."""


class Section(BaseModel, frozen=True):
    """A part of a recipe; types and bounds of its fields are all that is checked."""

    model_config = STRICT


class Execution(Section, frozen=True):
    """How the same steps are computed; a run may be resumed with other values."""

    channels_last: bool = False
    """Whether weights of convolutions, and by them what they give, lie with channels last."""
    compile: bool = False
    """Whether `torch.compile` makes kernels of the network; the first step then takes long."""


EXECUTION = tuple(Execution.model_fields)
"""Keys of `Execution`."""


class Training(Execution, frozen=True):
    """How long, in which batches, from which random numbers."""

    epochs: Count = 1
    batch_size: Count = 1
    """Samples a step, of all processes together."""
    seed: Whole = 0

    @model_serializer(mode="wrap")
    def _in_order(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A system's own fields stand before those that tell of resuming and chance."""
        fields: dict[str, Any] = handler(self)
        last = {n: fields.pop(n) for n in (*EXECUTION, "save_every", "seed") if n in fields}
        return fields | last


class LongTraining(Training, frozen=True):
    """The same, with its state kept within an epoch, too."""

    save_every: Count | None = 200
    """Steps after which a stopped run can be resumed."""


class OneCycle(Section, frozen=True):
    """AdamW with a rate that rises, then falls along a cosine."""

    learning_rate: Positive = 0.01
    """Highest rate."""
    weight_decay: NotNegative = 0.01
    warm_up: FractionBelowOne = 0.2
    """Fraction of the steps in which the rate rises."""
    clip_norm: Positive = 5.0
    """Longest gradient."""


class Recipe(Section, frozen=True):
    """What every recipe has: the network, and beside it a section for each further field."""

    model: dict[str, Any]
    """`builder`, the network's, and its keyword arguments."""
    if TYPE_CHECKING:  # a field of each kind of recipe, behind its others
        training: Training

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
        return self.model_dump(mode="json")

    def lasting(self) -> dict[str, Any]:
        """As `as_dict`, without what may change when a stopped run is resumed."""
        free = {"training": {"epochs", "save_every", *EXECUTION}, "data": {"workers"}}
        return self.model_dump(mode="json", exclude=free)

    def conflicts(self) -> list[str]:
        """What is wrong with values that are right by themselves."""
        return []

    @classmethod
    def of(cls, builder: str) -> type[Self]:
        """The kind of recipe by which a network trains."""
        return cls


Kind = TypeVar("Kind", bound=Recipe)


class Reader(Generic[Kind]):
    """Reads the recipes of a system.

    Args:
        kind: their model.
        folder: as of `read`.
        networks: those that train, by name; the first is meant where none is named.
        functions: whose keyword arguments stand in a section, by its name.
    """

    def __init__(
        self,
        kind: type[Kind],
        folder: Path,
        networks: Mapping[str, Callable[..., object]],
        **functions: Callable[..., object],
    ) -> None:
        self.kind, self.folder = kind, folder
        self.networks, self.functions = networks, functions

    def __call__(self, source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Kind:
        """A recipe.

        Raises:
            RecipeError: as of `read` and `change`; or naming every section and key that nothing
                takes and every value of a wrong type or out of its bounds; or every conflict of
                values.
        """
        given, where = read(source, self.folder)
        sections = current_keys(change(given, changes))
        builder, faults = network_of(sections, tuple(self.networks))
        kind = self.kind.of(builder)
        layout: dict[str, object] = {n: f.annotation for n, f in kind.model_fields.items()}
        layout |= {**self.functions, "model": Any if faults else self.networks[builder]}
        if isinstance(model := sections.get("model", {}), Mapping):
            sections["model"] = {key: value for key, value in model.items() if key != "builder"}
        parts, wrong = validated(sections, layout)
        refuse([*faults, *wrong], where)
        created = kind(**parts | {"model": {"builder": builder, **parts["model"]}})
        refuse(created.conflicts(), where)
        return created


def read(source: Path | str | Mapping[str, Any], folder: Path) -> tuple[Mapping[str, Any], str]:
    """The sections of a recipe as its file has them, and what to call it in a message.

    Raises:
        RecipeError: no such recipe, or a file that is no YAML of sections.
    """
    if isinstance(source, Mapping):
        return source, "the recipe"
    path = Path(source)
    if not path.suffix:
        path = folder / f"{source}.yaml"
    if not path.exists():
        known = ", ".join(names(folder)) or "none"
        raise RecipeError(f"no recipe at {path}; recipes of its system: {known}")
    try:
        content = read_yaml(path)
    except DataError as error:
        raise RecipeError(str(error)) from None
    if not isinstance(content, dict):
        raise RecipeError(f"{path} should hold sections, it holds a {type(content).__name__}")
    return content, str(path)


def current_keys(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of an older recipe, keys that have another name since under the new one."""
    return {
        name: {
            new if (new := _RENAMED.get(key, key)) not in section else key: value
            for key, value in section.items()
        }
        if isinstance(section, Mapping)
        else section
        for name, section in sections.items()
    }


_RENAMED = {
    "keep_every": "save_every",
    "recompute": "gradient_checkpointing",
    "validation_share": "validation_fraction",
    "with_sound": "with_audio",
}
"""Keys of recipes before version 0.2 -> today's."""


def change(sections: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """The sections with `section.key=value` changes, values written as in YAML.

    Raises:
        RecipeError: a change that is not of that form.
    """
    changed = {name: dict(s) if isinstance(s, Mapping) else s for name, s in sections.items()}
    for text in changes:
        place, equals, value = text.partition("=")
        section, dot, key = place.strip().partition(".")
        what = f"--set {text if len(text) <= 80 else f'{text[:77]}...'}"
        if not (equals and dot and section and key):
            raise RecipeError(f"{what}: expected section.key=value")
        if not isinstance(changed.setdefault(section, {}), dict):
            raise RecipeError(f"{what}: section '{section}' holds {changed[section]!r:.60}")
        try:
            changed[section][key] = parse_yaml(value, what)
        except DataError as error:
            raise RecipeError(str(error)) from None
    return changed


def network_of(sections: Mapping[str, Any], networks: Sequence[str]) -> tuple[str, list[str]]:
    """The network that `model.builder` names, by default the first, and what is wrong with it."""
    model = sections.get("model", {})
    builder = model.get("builder", networks[0]) if isinstance(model, Mapping) else networks[0]
    if builder in networks:
        return builder, []
    known = ", ".join(networks)
    return "", [f"model.builder {builder!r:.80} is not known; networks that train: {known}"]


def validated(
    sections: Mapping[str, Any], layout: Mapping[str, object]
) -> tuple[dict[str, Any], list[str]]:
    """Every section by its schema, and all that is wrong.

    Args:
        sections: as read.
        layout: section -> its model, or the function whose keyword arguments it gives; parameters
            without a plain default are not a recipe's business.

    Returns:
        The models; of a function the given arguments, of the parameters' types.
    """
    kinds = {name: _schema(name, kind) for name, kind in layout.items()}
    fields: dict[str, Any] = {name: (kind, ...) for name, kind in kinds.items()}
    values = _plain({**{name: {} for name in layout}, **sections})
    try:
        # by way of JSON a list is taken for a tuple, as YAML has no tuples
        result = create_model("sections", __config__=STRICT, **fields).model_validate_json(
            json.dumps(values)
        )
    except ValidationError as error:
        return {}, _faults(error.errors(), kinds)
    return {
        name: part if kinds[name] is layout[name] else part.model_dump(exclude_unset=True)
        for name, part in result
    }, []


def refuse(faults: Sequence[str], where: str) -> None:
    """Raise a RecipeError of all that is wrong, if anything is."""
    if faults:
        raise RecipeError(f"{where}: {'; '.join(faults)}")


def batch_per_process(batch_size: int, world: int) -> int:
    """What each of `world` processes takes of a batch.

    Raises:
        RecipeError: a batch that they cannot share evenly.
    """
    if batch_size % world:
        raise RecipeError(
            f"training.batch_size {batch_size} cannot be shared evenly by {world} devices"
        )
    return batch_size // world


def names(folder: Path) -> tuple[str, ...]:
    """The recipes of a folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _plain(value: Any) -> Any:
    """As JSON can have it; what it cannot, in a form that no field takes."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, int) and value.bit_length() > 1024:
        return {"number of bits": value.bit_length()}
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if value is None or isinstance(value, bool | int | float):
        return value
    return {type(value).__name__: str(value)}


def _schema(name: str, kind: Any) -> Any:
    """The type of a section; of a function its keyword arguments that have a plain default."""
    if kind is Any or (inspect.isclass(kind) and issubclass(kind, BaseModel)):
        return kind
    target = inspect.unwrap(kind)
    taken = {key: hint for key, hint in target.__annotations__.items() if key != "return"}
    space = SimpleNamespace(__annotations__=taken)
    hints = get_type_hints(space, target.__globals__, include_extras=True)
    fields: dict[str, Any] = {
        p.name: (hints.get(p.name, Any), p.default)
        for p in inspect.signature(target).parameters.values()
        if isinstance(p.default, _PLAIN)
        and (p.default is not None or all(map(_is_plain, get_args(hints.get(p.name, Any)))))
    }
    return create_model(name, __config__=STRICT, **fields)


def _is_plain(kind: Any) -> bool:
    """Whether a recipe can hold what may stand instead of a None."""
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return kind in _PLAIN or get_origin(kind) in (Literal, tuple)


_PLAIN = (bool, int, float, str, tuple, Path, type(None))
"""Kinds of values that a recipe can hold."""

_EXPECTED = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "multiple_of": "a multiple of {multiple_of}",
}
"""What must be, by pydantic's type of error."""


def _faults(errors: Sequence[Any], kinds: Mapping[str, Any]) -> list[str]:
    """One sentence a key; of a value that fits none of a union's types the first complaint."""
    faults: dict[tuple[Any, ...], str] = {}
    for error in errors:
        section, *key = error["loc"][:2]
        faults.setdefault((section, *key), _fault(error, kinds))
    return list(faults.values())


def _fault(error: Any, kinds: Mapping[str, Any]) -> str:
    section, *rest = error["loc"]
    unknown = error["type"] == "extra_forbidden"
    if not rest:
        if unknown:
            return f"no section '{section}'; sections: {_known(section, kinds)}"
        return f"section '{section}' should hold keys, it holds {error['input']!r:.80}"
    place = f"{section}.{rest[0]}" + "".join(f"[{n}]" for n in rest[1:] if isinstance(n, int))
    if unknown:
        return f"{place} is not known; keys: {_known(str(rest[0]), kinds[section].model_fields)}"
    bounds = {k: f"{v:g}" if isinstance(v, float) else v for k, v in error.get("ctx", {}).items()}
    expected = _EXPECTED.get(error["type"])
    what = f"must be {expected.format(**bounds)}" if expected else error["msg"]
    return f"{place} is {error['input']!r:.80}; {what}"


def _known(name: str, those: Iterable[str]) -> str:
    """All that could have been meant, and the nearest."""
    every = list(those)
    nearest = get_close_matches(name, every, 1)
    return ", ".join(every) + (f" (nearest: {nearest[0]})" if nearest else "")
