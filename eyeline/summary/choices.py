"""Spans of interest and groups, from CSV files that name videos, or from a tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eyeline.codings.table import named_rows, seconds
from eyeline.errors import DataError
from eyeline.export.intervals import Spans, as_spans, merged
from eyeline.results import WEARER, person_label
from eyeline.summary.corpus import Corpus
from eyeline.summary.observed import Video

WHOLE = "whole video"
_MISTAKES = 10
"""So many are listed."""

SpansByVideo = Mapping[str, Mapping[str, Spans]]


@dataclass(frozen=True)
class Groups:
    """What each video, or each person of it, belongs to."""

    columns: tuple[str, ...] = ()
    rows: Mapping[tuple[str, str], tuple[str | None, ...]] = field(default_factory=dict)
    """By video and person; the person is empty for a row about all of a video."""

    def of(self, video: str, person: str) -> tuple[str | None, ...]:
        """The groups of a person, by themselves or with their video; None where none is given."""
        none = (None,) * len(self.columns)
        return self.rows.get((video, person)) or self.rows.get((video, "")) or none

    def lacking(self, videos: list[str]) -> list[str]:
        """Videos that no row is about."""
        named = {video for video, _ in self.rows}
        return [video for video in videos if video not in named] if self.columns else []


def spans_from_csv(path: Path, corpus: Corpus) -> SpansByVideo:
    """Spans of interest by video and name; those of one name are joined.

    Args:
        path: a table with the columns `video`, `span`, `from_s` and `to_s`.
        corpus: whose videos are named.

    Raises:
        DataError: all mistakes of the file.
    """
    durations = {r.video: float(r.index["video"]["duration_s"]) for r in corpus.results}
    spans: dict[str, dict[str, list[tuple[float, float]]]] = {}

    def add(row: Mapping[str, str]) -> None:
        video = corpus.video_named(row["video"])
        start, end = (_seconds(row, name) for name in ("from_s", "to_s"))
        if not row["span"]:
            raise DataError("the span has no name")
        if not 0 <= start < end:
            raise DataError(f"a span from {start:g} to {end:g} s; from_s is at least 0, to_s later")
        if start >= durations.get(video, end):
            raise DataError(f"{start:g} s is after the end of {video} ({durations[video]:g} s)")
        spans.setdefault(video, {}).setdefault(row["span"], []).append((start, end))

    _each(path, named_rows(path, ("video", "span", "from_s", "to_s"))[1], add)
    return {
        video: {name: merged(as_spans(sorted(pairs))) for name, pairs in named.items()}
        for video, named in spans.items()
    }


def spans_of_tier(video: Video, tier: str) -> dict[str, Spans]:
    """The episodes of a tier as spans of interest: a name each person and value."""
    segments = video.observations.spans.get(tier)
    if segments is None:
        return {}
    return {
        video.value_name(f"{person_label(person)} {label}" if person > WEARER else label): merged(
            segments.of(person, label)
        )
        for person in segments.persons
        for label in sorted(segments.labels(person))
    }


def groups_from_csv(path: Path, corpus: Corpus, taken: tuple[str, ...]) -> Groups:
    """Groups by video, or by video and person where there is a column `person`.

    Args:
        path: a table with the column `video` and one for each kind of group.
        corpus: whose videos are named.
        taken: names that a column cannot have.

    Raises:
        DataError: all mistakes of the file.
    """
    rows: dict[tuple[str, str], tuple[str | None, ...]] = {}
    header, given = named_rows(path, ("video",))
    columns = tuple(name for name in header if name not in ("video", "person"))
    clash = [name for name in columns if name in taken or not name]
    if clash or not columns:
        what = (
            f"a column called '{clash[0]}', a name that the summary uses" if clash else "no group"
        )
        raise DataError(f"{path} has {what}; expected video, perhaps person, and a column a group")

    def add(row: Mapping[str, str]) -> None:
        key = corpus.video_named(row["video"]), row.get("person", "")
        if key in rows:
            raise DataError(f"a second row about {' '.join(key).strip()}")
        rows[key] = tuple(row[name] or None for name in columns)

    _each(path, given, add)
    return Groups(columns, rows)


def _each(
    path: Path, rows: Mapping[int, Mapping[str, str]], add: Callable[[Mapping[str, str]], None]
) -> None:
    """Take every row of a file, and raise all mistakes at once, each with its line."""
    mistakes = list[str]()
    for line, row in rows.items():
        try:
            add(row)
        except DataError as error:
            mistakes.append(f"line {line}: {error}")
    if not rows:
        raise DataError(f"{path} has no rows below its head")
    if mistakes:
        more = len(mistakes) - _MISTAKES
        listed = [*mistakes[:_MISTAKES], *([f"and {more} more"] if more > 0 else [])]
        raise DataError(f"{path} has mistakes:\n  " + "\n  ".join(listed))


def _seconds(row: Mapping[str, str], name: str) -> float:
    try:
        return seconds(row[name], comma=True)
    except ValueError:
        raise DataError(f"{name} is '{row[name]}'; must be seconds or hh:mm:ss") from None
