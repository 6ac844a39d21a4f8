"""The card of a weights file, checked by its schema before anything is built from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from eyeline.errors import CheckpointError

if TYPE_CHECKING:
    from pydantic import BaseModel

_MOST_TEXT = 2**24
"""Characters of a card; the names of all videos of a large data set take a tenth."""
_MOST_LEVELS = 16
_LARGEST = 2**63
_SHOWN = 40


@dataclass(frozen=True)
class CheckpointCard:
    """What a weights file says of itself; JSON values only."""

    system: str
    """The system, for example `eye_contact`."""
    builder: str
    """The system's builder whose network the tensors fill."""
    arguments: Mapping[str, Any]
    """Keyword arguments of the builder's `network`."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The recipe it was trained by, sections as in the YAML file."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on: name, split, counts."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """Held-out figures and how they were measured."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What prediction needs beside tensors: calibration, threshold, decoding."""
    licence: str = ""
    version: str = ""
    """The version of eyeline that wrote the file; filled in by `save`."""


def parsed(text: str, source: Path | str) -> CheckpointCard:
    """The card in a file's metadata.

    Raises:
        CheckpointError: no JSON, one of great size or depth, or entries that no card has.
    """
    from pydantic import ValidationError

    from eyeline.training.recipe import current_keys

    try:
        entries = _plain(text)
        if isinstance(entries, dict) and isinstance(entries.get("recipe"), dict):
            entries["recipe"] = current_keys(entries["recipe"])
        _schema().model_validate(entries)
        known = (f.name for f in fields(CheckpointCard))
        return CheckpointCard(**{name: entries[name] for name in known if name in entries})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        given = "" if first["type"] == "missing" else f" is {repr(first['input'])[:_SHOWN]}"
        what = f"{place}{given}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    except (ValueError, RecursionError) as error:
        what = str(error)[:200]
    raise CheckpointError(f"{source} has a damaged card: {what}")


def _plain(text: str) -> Any:
    """JSON of few levels, whose numbers are numbers."""
    if len(text) > _MOST_TEXT:
        raise ValueError(f"it has {len(text)} characters, at most {_MOST_TEXT} are read")
    entries = json.loads(text, parse_constant=_refused)
    for value in _values(entries):
        if isinstance(value, int | float) and not -_LARGEST < value < _LARGEST:
            raise ValueError(f"a number of {str(value)[:_SHOWN]}")
    return entries


def _refused(word: str) -> float:
    raise ValueError(f"{word}, which is no number")


def _values(content: Any) -> Iterator[Any]:
    """Everything in lists and dicts, level by level."""
    level = [content]
    for _ in range(_MOST_LEVELS):
        yield from level
        inner = [v for v in level if isinstance(v, dict | list)]
        level = [v for part in inner for v in (part.values() if isinstance(part, dict) else part)]
        if not level:
            return
    raise ValueError(f"it has more than {_MOST_LEVELS} levels of lists in lists")


@cache
def _schema() -> type[BaseModel]:
    """What is read of a card has its type; what a training wrote beside may be any JSON."""
    from pydantic import ConfigDict, Field, create_model

    name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
    words = Annotated[str, Field(max_length=10_000)]
    positive = Annotated[float, Field(gt=0)]
    entries, numbers, names = dict[str, Any], dict[str, float], list[str]

    def section(title: str, **kinds: Any) -> Any:
        """A dict of which some entries are known, and may be absent."""
        known: dict[str, Any] = {key: (kind, None) for key, kind in kinds.items()}
        config = ConfigDict(strict=True, extra="allow", protected_namespaces=())
        return create_model(title, __config__=config, **known)

    settings = section(
        "settings",
        calibration=numbers,
        decoding=numbers,
        threshold=float | None,
        features=names,
        fusion=str,
        short_px=Annotated[int, Field(gt=0, le=2**14)],
        rate_hz=positive,
        frame_step=Annotated[int, Field(ge=0)],
        concentration=str | dict[str, _Part],
        front_end_differs=numbers,
    )
    data = section(
        "data",
        name=str,
        videos=names,
        held_out_videos=names,
        sessions=names,
        clips=names | int,
        validation_clips=names,
        dataset=str,
        task=str,
    )
    kept = section("recipe_data", validation_fraction=float, dataset=str, task=str, with_audio=bool)
    training = section("recipe_training", seed=int)
    parts: dict[str, Any] = {
        "system": (name, ...),
        "builder": (name, ...),
        "arguments": (entries, ...),
        "recipe": (section("recipe", data=kept, training=training), None),
        "data": (data, None),
        "scores": (section("scores", pooled=entries), None),
        "settings": (settings, None),
        "licence": (words, ""),
        "version": (Annotated[str, Field(max_length=200)], ""),
    }
    model: type[BaseModel] = create_model("card", __config__=ConfigDict(strict=True), **parts)
    return model


_Part = str | bool | float | dict[str, float]
"""Of what a card says of the concentration of directions."""
