"""A part of a stored analysis: rows between two times, read by row group, never the whole."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.corrections.rows import chosen
from eyeline.errors import DataError
from eyeline.export.columns import COLUMNS, KINDS, arrays_of, schema_of
from eyeline.export.files import FRAMES
from eyeline.export.spans import clock_of
from eyeline.export.stored import (
    answer_from_json,
    index_checked,
    person_from_json,
    video_from_json,
)
from eyeline.results import Analysis, Answer, Clock, Floats, Ints, People, Segments

_NO_CLOCK_STEP_S = 1.0
"""How far back a frame may begin that still holds, where the clock was not kept."""


@index_checked
def read_span(
    folder: Path,
    index: Mapping[str, Any],
    start_s: float = 0.0,
    end_s: float = math.inf,
    *,
    tables: Collection[str] = ("people", *KINDS),
    names: Collection[str] | None = None,
) -> Analysis:
    """The rows of an analysis whose frames begin in, or hold at the begin of, a span of time.

    Segments are those that reach into the span. Heatmaps and thumbnails are left out, and hashes
    are not compared: `export.stored.load` reads a folder as a whole and vouches for it.

    Args:
        folder: the folder of the analysis.
        index: what its analysis.json holds.
        start_s: begin of the span.
        end_s: its end.
        tables: those to read; the others stay empty.
        names: of the answers to read; all by default.

    Raises:
        DataError: a table or the index is missing or damaged.
    """
    path = folder / f"{FRAMES}.parquet"
    clock = _whole_clock(path, path.stat().st_mtime_ns) if path.is_file() else None
    first = _begin(clock, start_s)
    rows = {n: _rows(folder, n, first, end_s, names) for n in tables}
    people = rows.get("people") or schema_of("people", []).empty_table()
    return Analysis(
        video=video_from_json(index["video"]),
        status=index["status"],
        persons=tuple(map(person_from_json, index["persons"])),
        people=People(**arrays_of("people", people, index["people"]["dtypes"])),
        answers=tuple(_answers(rows, index, names)),
        settings=index["settings"],
        warnings=tuple(index["warnings"]),
        folder=folder,
        clock=None if clock is None else _part(clock, first, end_s),
    )


@lru_cache(maxsize=8)
def _whole_clock(path: Path, _modified_ns: int) -> Clock:
    return Clock.exact(**arrays_of(FRAMES, _read(path), {}))


def _begin(clock: Clock | None, start_s: float) -> float:
    """Where the frame begins that holds at a time."""
    if clock is None or not len(clock):
        return start_s - _NO_CLOCK_STEP_S
    return float(clock.start_s[max(0, int(np.searchsorted(clock.start_s, start_s, "right")) - 1)])


def _part(clock: Clock, start_s: float, end_s: float) -> Clock:
    at = slice(*np.searchsorted(clock.start_s, [start_s, end_s]).tolist())
    return Clock(clock.frame[at], clock.start_s[at], clock.end_s[at], clock.next_frame[at])


def part_of(analysis: Analysis, start_s: float, end_s: float) -> Analysis:
    """The same part of an analysis in memory; all its segments stay."""
    clock = clock_of(analysis)
    first = _begin(clock, start_s)
    frames = slice(*np.searchsorted(clock.start_s, [first, end_s]).tolist())

    def inside(table: Any) -> Any:
        return chosen(table, np.flatnonzero((table.time_s >= first) & (table.time_s < end_s)))

    corrected = analysis.corrected
    if corrected is not None:
        areas = (replace(area, corners_px=area.corners_px[frames]) for area in corrected.areas)
        corrected = replace(corrected, areas=tuple(areas))
    return replace(
        analysis,
        people=inside(analysis.people),
        answers=tuple(a if isinstance(a, Segments) else inside(a) for a in analysis.answers),
        clock=_part(clock, first, end_s),
        corrected=corrected,
    )


def read_column(
    folder: Path, table: str, column: str, name: str | None, start_s: float, end_s: float
) -> tuple[Ints, Floats, Floats]:
    """Person, time and one column of the rows of a span, of one answer where tables have several.

    Raises:
        DataError: the table is missing or damaged.
    """
    import pyarrow.compute as pc

    wanted = (pc.field("time_s") < end_s) & (pc.field("time_s") >= start_s)
    if name is not None:
        wanted &= pc.field("name") == name
    rows = _read(folder / f"{table}.parquet", ["person", "time_s", column], wanted)
    person, time_s, value = (rows[c].to_numpy() for c in ("person", "time_s", column))
    return person, time_s, value


def _rows(
    folder: Path, name: str, start_s: float, end_s: float, names: Collection[str] | None
) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    begin, end = ("start_s", "end_s") if name == "segments" else ("time_s", "time_s")
    wanted = (pc.field(begin) < end_s) & (
        pc.field(end) > start_s if name == "segments" else pc.field(end) >= start_s
    )
    if name in KINDS and names is not None:
        wanted &= pc.field("name").isin(pa.array(sorted(names), pa.string()))
    columns = [column for columns in COLUMNS[name].values() for column in columns]
    columns += ["system", "builder", "name"] if name in KINDS else []
    columns += ["label"] if name == "segments" else []
    return _read(folder / f"{name}.parquet", columns, wanted)


def _read(path: Path, columns: list[str] | None = None, rows: Any = None) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"{path.parent} is not complete: {path.name} is missing")
    try:
        with path.open("rb") as file:  # a name need not be text, which pyarrow demands
            return pq.read_table(file, columns=columns, filters=rows, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged: {error}. Analyse the video again.") from error


def _answers(
    rows: Mapping[str, Any], index: Mapping[str, Any], names: Collection[str] | None
) -> Iterator[Answer]:
    import pyarrow.compute as pc

    for entry in index["answers"]:
        kind = entry["kind"]
        if kind in rows and (names is None or entry["name"] in names):
            origin = [entry[key] for key in ("system", "builder", "name")]
            system, builder, name = (pc.field(c) for c in ("system", "builder", "name"))
            same = (system == origin[0]) & (builder == origin[1]) & (name == origin[2])
            mine = rows[kind].filter(same)
            yield answer_from_json(entry, mine)
