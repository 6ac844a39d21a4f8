"""Which parts of videos are analysed: times as people write them, from options or from a file."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eyeline.documents import MIB, read_text
from eyeline.errors import DataError, UsageError
from eyeline.results import Part

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)", re.ASCII)
_FORMS = "give seconds (90 or 90.5), minutes:seconds (1:30) or hours:minutes:seconds (0:01:30)"
_LATE_S = 0.5
"""By how much a span may end after its video: players show times in whole seconds."""
_COLUMNS = ("name", "from", "to")


@dataclass(frozen=True)
class Span:
    """A part that is to be analysed, on the clock of each video or of their session."""

    part: Part
    video: str = ""
    """The only video that it is of, by a name; empty for all."""


def read_time(text: str) -> float:
    """Seconds of `90.5`, `1:30.5` or `0:01:30.5`; UsageError for anything else."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a time; {_FORMS}")
    hours, minutes, seconds = (float(one or 0) for one in match.groups())
    parts = text.count(":")
    if (parts and seconds >= 60) or (parts == 2 and minutes >= 60):
        raise UsageError(f"'{text}' is not a time: 60 or more where at most 59 fit; {_FORMS}")
    total = hours * 3600 + minutes * 60 + seconds
    if not math.isfinite(total):
        raise UsageError(f"'{text}' is not a time; {_FORMS}")
    return total


def from_options(starts: Sequence[str], ends: Sequence[str]) -> tuple[Part, ...]:
    """The parts that pairs of `--from` and `--to` name; one of a single pair may be missing.

    Raises:
        UsageError: a time that cannot be read, or unequal numbers of the two options.
    """
    if len(starts) != len(ends) and max(len(starts), len(ends)) > 1:
        raise UsageError(
            f"{len(starts)} --from and {len(ends)} --to; several parts need one of each for a part"
        )
    pairs = itertools.zip_longest(starts, ends)
    return ordered([_part(start or "0", end or "") for start, end in pairs], "--from, --to")


def from_file(path: Path) -> tuple[Span, ...]:
    """The spans of a CSV file with the columns name, from and to, and perhaps video.

    `to` may be empty in the last row of a video, `video` in a row that is of all.

    Raises:
        UsageError: no such file, no such columns, no rows, or a row that is no part.
    """
    try:
        text = read_text(path, MIB)
    except DataError as error:
        raise UsageError(f"--spans: {error}") from None
    head = text.partition("\n")[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="")
    missing = [name for name in _COLUMNS[1:] if name not in (rows.fieldnames or [])]
    if missing:
        raise UsageError(
            f"--spans {path} has no column {' and none called '.join(missing)}; its first line "
            f"must name the columns {', '.join(_COLUMNS)}"
        )
    spans = []
    for row in rows:
        try:
            part = _part(row["from"], row["to"], row.get("name", "").strip())
            spans.append(Span(part, row.get("video", "").strip()))
        except UsageError as error:
            raise UsageError(f"--spans {path}, line {rows.line_num}: {error}") from None
    if not spans:
        raise UsageError(f"--spans {path} names no span; give a line for each below the first")
    for video in {span.video for span in spans}:
        ordered([s.part for s in spans if s.video in ("", video)], f"--spans {path}")
    return tuple(sorted(spans, key=lambda span: span.part.start_s))


def _part(start: str, end: str, name: str = "") -> Part:
    part = Part(read_time(start), read_time(end) if end.strip() else math.inf, name)
    if part.end_s <= part.start_s:
        raise UsageError(
            f"the span from {start.strip()} to {end.strip()} does not end after its start; "
            "exchange the two times, or correct one"
        )
    return part


def ordered(parts: Sequence[Part], whence: str) -> tuple[Part, ...]:
    """Parts in order of time; UsageError where two overlap."""
    result = sorted(parts, key=lambda part: part.start_s)
    for before, after in itertools.pairwise(result):
        if after.start_s < before.end_s:
            raise UsageError(
                f"{whence}: the spans {words(before)} and {words(after)} overlap; give spans that "
                "do not, or one span for both"
            )
    return tuple(result)


def words(part: Part) -> str:
    """A part in a message: `warm-up (1:00 to 3:00)`."""
    end = "the end" if part.end_s == math.inf else written(part.end_s)
    span = f"{written(part.start_s)} to {end}"
    return f"{part.name} ({span})" if part.name else span


def written(time_s: float) -> str:
    """A time as `1:00`, `1:00:00` or `1:00.5`."""
    ms = round(time_s * 1000)
    seconds = f"{ms // 1000 % 60:02d}" + (f".{ms % 1000:03d}".rstrip("0") if ms % 1000 else "")
    hours, minutes = ms // 3_600_000, ms // 60_000 % 60
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def check(parts: Sequence[Part], video: str | Path, video_track: int | None = None) -> None:
    """Look whether parts lie in a video, without decoding it.

    Raises:
        UsageError: a part that begins or ends after the video.
        VideoError: the video cannot be read.
    """
    duration_s = _duration_s(parts, video, video_track)
    for part in _outside(parts, duration_s):
        raise UsageError(
            f"the span {words(part)} is outside of {video}, which lasts {written(duration_s)}; "
            "give times on the video's own clock, up to its end"
        )


def recorded(
    parts: Sequence[Part], begins_s: float, video: str | Path, video_track: int | None = None
) -> tuple[Part | None, ...]:
    """Parts on the clock of a session on that of one of its videos, as far as it recorded them.

    Args:
        parts: on the clock of the session.
        begins_s: when the video begins on that clock.
        video: the video.
        video_track: as of `Settings`.

    Returns:
        For each part what the video has of it; None for nothing.

    Raises:
        VideoError: the video cannot be read.
    """
    own = [
        replace(p, start_s=round(p.start_s - begins_s, 6), end_s=round(p.end_s - begins_s, 6))
        for p in parts
    ]
    duration_s = _duration_s(own, video, video_track)
    return tuple(
        replace(p, start_s=max(p.start_s, 0.0), end_s=p.end_s if p.end_s < duration_s else math.inf)
        if p.start_s < duration_s and p.end_s > 0
        else None
        for p in own
    )


def _duration_s(parts: Sequence[Part], video: str | Path, video_track: int | None) -> float:
    """How long a video lasts, as its header says or as parts that end later need it."""
    from eyeline.video.decode import last_stamp
    from eyeline.video.reader import probe

    info = probe(video, video_track=video_track)
    if not _outside(parts, info.duration_s):
        return info.duration_s
    until_s = float(last_stamp(video, info.video_track)) - info.start_s
    return max(info.duration_s, until_s)  # a header may say less than there is


def _outside(parts: Sequence[Part], duration_s: float) -> list[Part]:
    late_s = duration_s + _LATE_S
    return [p for p in parts if p.start_s >= duration_s or late_s < p.end_s < math.inf]
