"""What annotators wrote: spans of eye contact as ELAN texts or EAF files, and labels of frames."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.results import Ints
from eyeline.systems.eye_contact import eaf

RATE_HZ = 25
"""Frames a second of the annotated videos; all frame numbers count these."""

TARGETS = ("none", "host", "host2", "host3", "camera")
"""Names of the gaze targets by their number; every one but the first is eye contact."""
UNCERTAIN = "uncertain"
"""The tier of spans in which the annotators could not tell."""
TIERS = (*TARGETS[1:], UNCERTAIN)
"""Names of the tiers that are read."""

_COLUMNS = 5


@dataclass(frozen=True)
class Interval:
    """One span of a tier."""

    tier: str
    """One of `TIERS`, or a tier of another name that `annotation` leaves out."""
    start_s: float
    end_s: float
    participant: str = ""
    value: str = ""
    line: int = field(default=0, compare=False)
    """Where it stands in its file; 0 for none."""


@dataclass(frozen=True)
class Annotation:
    """What one file says of eye contact."""

    rows: tuple[Interval, ...]
    """Those of `TIERS`, in file order."""
    notes: tuple[str, ...]
    """What was left out or looks odd, naming file and line."""


def read_annotation(path: Path | str, *, end_s: float | None = None) -> Annotation:
    """The eye contact that a file tells of, checked.

    Args:
        path: a tab-delimited ELAN export (any suffix) or an `.eaf`.
        end_s: end of the video on its own clock, where that is known.

    Raises:
        DataError: as `read_elan` and `annotation`.
    """
    return annotation(read_elan(path), str(path), end_s=end_s)


def read_elan(path: Path | str) -> list[Interval]:
    """All rows of all tiers of an ELAN export or `.eaf`, in file order.

    Raises:
        DataError: naming the file, and the line where there is one: not readable, empty, or a row
            that is no span.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the annotation {path}: {error.strerror}") from error
    if path.suffix.lower() == ".eaf":
        return parse_eaf(data, str(path))
    try:
        return parse_elan(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a text in UTF-8 (byte {error.start})") from error


def parse_elan(text: str, source: str) -> list[Interval]:
    """The rows of a tab-delimited ELAN export: tier, participant, begin s, end s, value.

    Args:
        text: the export, without a head line.
        source: what to call it in a message.

    Raises:
        DataError: for a text without rows, and naming the line that has other columns, no tier or
            times that are none.
    """
    lines = text.splitlines()
    rows = [
        _parse_row(line, number, source) for number, line in enumerate(lines, 1) if line.strip()
    ]
    if not rows:
        raise DataError(f"{source}, line 1: the file is empty; expected a row for each annotation")
    return rows


def parse_eaf(data: bytes, source: str) -> list[Interval]:
    """All annotations of an EAF document; empty where one of `TIERS` is there but holds nothing.

    Raises:
        DataError: as `eaf.read_spans`, for an end before its begin, and for a document that has
            neither annotations nor one of `TIERS`.
    """
    document = eaf.read_spans(data, source)
    if not document.spans and not set(document.tiers) & set(TIERS):
        has = ", ".join(document.tiers) or "none"
        raise DataError(f"{source}: no annotation, and no tier of {', '.join(TIERS)}; tiers: {has}")
    for span in document.spans:
        _check_order(span.start_ms / 1000, span.end_ms / 1000, f"{source}, line {span.line}")
    return [
        Interval(s.tier, s.start_ms / 1000, s.end_ms / 1000, s.participant, s.value, s.line)
        for s in document.spans
    ]


def annotation(rows: Sequence[Interval], source: str, *, end_s: float | None = None) -> Annotation:
    """The rows of `TIERS` among all, checked against each other and the end of the video.

    Rows need not be in order, and different tiers may overlap: the published files have both. ELAN
    lets no two rows of one tier overlap and the published files have none that do, so that such
    rows are an error.

    Raises:
        DataError: naming file and line: rows overlap within a tier, a row begins after the video's
            end, or none of the rows is of `TIERS`.
    """
    known = [row for row in rows if row.tier in TIERS]
    others = Counter(row.tier for row in rows if row.tier not in TIERS)
    if rows and not known:
        raise DataError(
            f"{source}: no row of the tiers {', '.join(TIERS)}; its tiers: {', '.join(others)}"
        )
    _check_overlap(known, source)
    notes = [f"{source}: tier '{t}' left out, {n} rows" for t, n in others.items()]
    if end_s is not None:
        notes += [n for row in known for n in _beyond(row, source, end_s)]
    return Annotation(tuple(known), tuple(notes))


def frame_labels(rows: Iterable[Interval], frames: Ints) -> tuple[Ints, Ints, Ints]:
    """Labels of video frames by the published rule.

    A row covers the frames from `ceil(start * 25)` to `floor(end * 25)`, both included, in double
    arithmetic as published: `0.28 * 25` is a little over 7, so that its first frame is 8. Rows that
    come later in the file overwrite the target.

    Args:
        rows: the annotation in file order.
        frames: `(n,)` increasing video frame numbers.

    Returns:
        label 0 or 1, target as index into `TARGETS`, and uncertain 0 or 1, each `(n,)`.
    """
    target = np.zeros(len(frames), np.int64)
    uncertain = np.zeros(len(frames), np.int64)
    for row in rows:
        first, last = math.ceil(row.start_s * RATE_HZ), math.floor(row.end_s * RATE_HZ)
        span = slice(*np.searchsorted(frames, [first, last + 1]))
        if row.tier == UNCERTAIN:
            uncertain[span] = 1
        else:
            target[span] = TARGETS.index(row.tier)
    return (target > 0).astype(np.int64), target, uncertain


def _parse_row(line: str, number: int, source: str) -> Interval:
    where = f"{source}, line {number}"
    cells = line.split("\t")
    if len(cells) != _COLUMNS:
        raise DataError(f"{where}: {len(cells)} columns, expected {_COLUMNS} parted by tabs")
    if not cells[0].strip():
        raise DataError(f"{where}: no name of a tier")
    start_s, end_s = _number(cells[2], where), _number(cells[3], where)
    _check_order(start_s, end_s, where)
    return Interval(cells[0].strip(), start_s, end_s, cells[1].strip(), cells[4].strip(), number)


def _check_order(start_s: float, end_s: float, where: str) -> None:
    if not 0 <= start_s <= end_s:
        raise DataError(f"{where}: the span {start_s} to {end_s} s does not run forward from 0")


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: '{cell}' is no time in seconds")
    return value


def _check_overlap(rows: Sequence[Interval], source: str) -> None:
    ordered = sorted(rows, key=lambda r: (r.tier, r.participant, r.start_s, r.end_s))
    open_row: Interval | None = None
    for row in ordered:
        same = open_row and (open_row.tier, open_row.participant) == (row.tier, row.participant)
        if open_row and same and row.start_s < open_row.end_s:
            raise DataError(
                f"{source}, line {row.line}: {row.start_s} to {row.end_s} s of tier '{row.tier}' "
                f"overlaps line {open_row.line}, {open_row.start_s} to {open_row.end_s} s"
            )
        open_row = row


def _beyond(row: Interval, source: str, end_s: float) -> list[str]:
    where = f"{source}, line {row.line}"
    if row.start_s >= end_s:
        raise DataError(
            f"{where}: {row.start_s} to {row.end_s} s lies beyond the end of the video, "
            f"{end_s:.3f} s"
        )
    if row.end_s > end_s + 1 / RATE_HZ:
        return [f"{where}: ends at {row.end_s} s, after the end of the video, {end_s:.3f} s"]
    return []
