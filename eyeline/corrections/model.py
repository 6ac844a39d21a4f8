"""`corrections.json`: an append-only list of operations on the results of one video.

Ids of persons, names of tiers and values are those of the stored results: a person is the whole
number of the tables, from 1; a tier is the name of an answer, such as `gaze_target`, or
`eye_contact (landmarks_tcn)` where several builders give it; a value is a label of `segments`, such
as `person 2`, `camera` or `contact`. Whom or what the user has named may be called by that name.
Times are seconds since the first frame, points are pixels of the upright image.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Len
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from eyeline.errors import DataError
from eyeline.results import RESERVED_LABELS, WEARER

FIRST, VERSION = 1, 1
"""The first version of the file, and that which is written."""
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From each earlier version of the file to the next one."""
_LATEST_S = 1e7


def _check_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _check_name(text: str) -> str:
    """A name that reads as such in every export, and that no label of the results has."""
    if text != text.strip() or not text.isprintable():
        raise ValueError("a name has no blanks at its ends, tabs or line ends")
    if text.lower() in RESERVED_LABELS or re.fullmatch(r"(person|area) \d+", text.lower()):
        raise ValueError(f"'{text}' already means something in the results; choose another name")
    return text


PersonId = Annotated[int, Gt(WEARER), Le(10**9)]
Row = Annotated[int, Ge(-3), Le(10**9)]
"""A person, or who else tiers are about: the camera wearer and voices, see `results`."""
Seconds = Annotated[float, Ge(0), Le(_LATEST_S)]
Name = Annotated[str, Len(1, 100), AfterValidator(_check_name)]
Text = Annotated[str, Len(1, 200)]
Pixel = Annotated[float, Ge(-1e5), Le(1e5)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Entry(_Strict):
    id: Annotated[int, Ge(0)] = 0
    """Number from 1, without holes; 0 before it is kept."""
    time: Annotated[str, AfterValidator(_check_time)] = "1970-01-01T00:00:00Z"
    """When, in UTC."""
    who: Annotated[str, Len(0, 200)] = ""


class Span(_Strict):
    """A span of time."""

    from_s: Seconds
    to_s: Seconds

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.to_s <= self.from_s:
            raise ValueError(f"to_s ({self.to_s:g}) must be later than from_s ({self.from_s:g})")
        return self


class Episode(Span):
    """A span with a value."""

    value: Text


class NamePerson(_Entry):
    """Give a person a name, which exports show."""

    kind: Literal["name_person"]
    person: PersonId
    name: Name


class MergePeople(_Entry):
    """Make one person of several."""

    kind: Literal["merge_people"]
    people: Annotated[list[PersonId], Len(2, 1000)]
    into: PersonId

    @model_validator(mode="after")
    def _consistent(self) -> MergePeople:
        if len(set(self.people)) < 2 or self.into not in self.people:
            raise ValueError("people must be two or more, and into must be one of them")
        return self


class SplitPerson(_Entry):
    """Make another person of one from a time on."""

    kind: Literal["split_person"]
    person: PersonId
    at_s: Seconds
    new_person: PersonId | None = None
    """The other one's number, the next that was never used: filled in when the entry is kept."""


class DeleteFace(_Entry):
    """Say that what was taken for a person in a span is none; the whole video by default."""

    kind: Literal["delete_face"]
    person: PersonId
    from_s: Seconds = 0.0
    to_s: Seconds | None = None
    """None for the end of the video."""

    @model_validator(mode="after")
    def _in_order(self) -> DeleteFace:
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"to_s ({self.to_s:g}) must be later than from_s ({self.from_s:g})")
        return self


class AddEpisode(_Entry, Episode):
    """Add an episode; on tiers of looks and of speech it takes the place of what was there."""

    kind: Literal["add_episode"]
    tier: Text
    person: Row


class ChangeEpisode(_Entry):
    """Give an episode other bounds or another value."""

    kind: Literal["change_episode"]
    tier: Text
    person: Row
    old: Episode
    new: Episode


class DeleteEpisode(_Entry, Episode):
    """Say that there was no such episode."""

    kind: Literal["delete_episode"]
    tier: Text
    person: Row


class SplitEpisode(_Entry, Episode):
    """Cut an episode in two."""

    kind: Literal["split_episode"]
    tier: Text
    person: Row
    at_s: Seconds

    @model_validator(mode="after")
    def _inside(self) -> SplitEpisode:
        if not self.from_s < self.at_s < self.to_s:
            raise ValueError("at_s must lie within the episode")
        return self


class NotCodable(_Entry, Span):
    """Say that nothing can be said in a span: of one tier or all, of one person or everybody."""

    kind: Literal["not_codable"]
    tier: Text | None = None
    person: Row | None = None


class Keyframe(_Strict):
    """The shape of an area at a time."""

    time_s: Seconds
    points: Annotated[list[Annotated[list[Pixel], Len(2, 2)]], Len(2, 1000)]
    """Two opposite corners of a box, three or more corners of a polygon."""


class Area(_Entry):
    """An area of interest, which becomes a target of looks; another of its name is replaced.

    It holds from its first key frame to its last; with one for the whole video, or, where it is
    tracked, from there on.
    """

    kind: Literal["area"]
    name: Name
    shape: Literal["box", "polygon"]
    keyframes: Annotated[list[Keyframe], Len(1, 10_000)]
    between: Literal["interpolate", "track"] = "interpolate"

    @field_validator("keyframes")
    @classmethod
    def _in_order(cls, frames: list[Keyframe]) -> list[Keyframe]:
        times = [frame.time_s for frame in frames]
        if any(b <= a for a, b in itertools.pairwise(times)):
            raise ValueError("times of key frames must increase")
        return frames

    @model_validator(mode="after")
    def _corners(self) -> Area:
        counts = {len(frame.points) for frame in self.keyframes}
        if self.shape == "box" and counts != {2}:
            raise ValueError("each key frame of a box must have two points, opposite corners")
        if self.shape == "polygon" and (len(counts) > 1 or min(counts) < 3):
            raise ValueError("key frames of a polygon must have the same points, three or more")
        for frame in self.keyframes:
            if any(len({p[axis] for p in frame.points}) < 2 for axis in (0, 1)):
                raise ValueError(f"the area at {frame.time_s:g} s has no extent")
        return self


class DeleteArea(_Entry):
    """Take an area away."""

    kind: Literal["delete_area"]
    name: Name


class Undo(_Entry):
    """Take an operation back."""

    kind: Literal["undo"]
    entry: Annotated[int, Ge(1)]


class Redo(_Entry):
    """Let an operation hold again that was taken back."""

    kind: Literal["redo"]
    entry: Annotated[int, Ge(1)]


Operation: TypeAlias = (
    NamePerson
    | MergePeople
    | SplitPerson
    | DeleteFace
    | AddEpisode
    | ChangeEpisode
    | DeleteEpisode
    | SplitEpisode
    | NotCodable
    | Area
    | DeleteArea
)
Entry: TypeAlias = Annotated[Operation | Undo | Redo, Field(discriminator="kind")]


class Corrections(_Strict):
    """The content of a file; without entries where there is none."""

    version: Literal[1] = 1
    entries: list[Entry] = []

    @model_validator(mode="after")
    def _consistent(self) -> Corrections:
        undone: set[int] = set()
        for number, entry in enumerate(self.entries, start=1):
            if entry.id != number:
                raise ValueError(f"entry {number} has the id {entry.id}")
            if isinstance(entry, Undo | Redo):
                _check_turn(entry, self.entries[: number - 1], undone)
                undone ^= {entry.entry}
        return self

    @property
    def revision(self) -> int:
        """Number of entries; a write names the one that it saw."""
        return len(self.entries)

    @property
    def undone(self) -> list[int]:
        """Ids of operations that were taken back, the latest to be so last."""
        last = {e.entry: e for e in self.entries if isinstance(e, Undo | Redo)}
        turns = sorted(last.values(), key=lambda e: e.id)
        return [e.entry for e in turns if isinstance(e, Undo)]

    @property
    def operations(self) -> list[Operation]:
        """Those that hold, in their order."""
        undone = set(self.undone)
        return [e for e in self.entries if not isinstance(e, Undo | Redo) and e.id not in undone]


def _check_turn(entry: Undo | Redo, before: Sequence[Any], undone: set[int]) -> None:
    """ValueError unless an undo or redo is about an operation that holds, or does not."""
    where = f"entry {entry.entry}"
    if entry.entry > len(before) or isinstance(before[entry.entry - 1], Undo | Redo):
        raise ValueError(f"{where} is no operation, so that it has no {entry.kind}")
    if (entry.entry in undone) is not isinstance(entry, Redo):
        state = "undone already" if isinstance(entry, Undo) else "not undone"
        raise ValueError(f"{where} is {state}")


_ENTRY: TypeAdapter[Any] = TypeAdapter(Entry)


def parse_entry(content: Any, where: str = "the correction") -> Any:
    """An entry out of what JSON gives; DataError says what is wrong with it."""
    if isinstance(content, _Entry):
        return content
    try:
        return _ENTRY.validate_python(content)
    except ValidationError as error:
        raise DataError(f"{where} cannot be taken: {_first(error)}") from None


def parse_corrections(content: Any, where: str) -> Corrections:
    """The content of a file of this version or an earlier one.

    Raises:
        DataError: of a later version, or not what such a file holds.
    """
    version = content.get("version") if isinstance(content, dict) else None
    if type(version) is not int or version < FIRST:
        raise DataError(f"{where} is no file of corrections: it has no version")
    if version > VERSION:
        raise DataError(
            f"{where} has version {version}, this eyeline reads up to {VERSION}: a newer eyeline "
            "wrote it. Upgrade to read it; nothing is written over it."
        )
    while version < VERSION:
        content = MIGRATIONS[version](content)
        version += 1
    return _validated(content, f"{where} is damaged")


def with_entry(corrections: Corrections, entry: Any) -> Corrections:
    """The same with one more entry; DataError where it does not fit those before."""
    content = {"version": corrections.version, "entries": [*corrections.entries, entry]}
    return _validated(content, "the correction cannot be taken")


def _validated(content: Any, fault: str) -> Corrections:
    try:
        return Corrections.model_validate(content)
    except ValidationError as error:
        raise DataError(f"{fault}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, its place and what stands there."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    what = first["msg"].removeprefix("Value error, ")
    shown = (
        "" if isinstance(first["input"], dict | list | _Entry) else f" is {first['input']!r:.60}"
    )
    return f"{place}{shown}: {what[:1].lower()}{what[1:]}"
