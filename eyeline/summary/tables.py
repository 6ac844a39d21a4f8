"""The tables of a summary: long, wide, turns, transitions, sequences, statistics of groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from eyeline.export.columns import COMPUTED, CORRECTED
from eyeline.rounding import to_digits
from eyeline.summary.choices import Groups
from eyeline.summary.measures import Row
from eyeline.summary.sequences import Lagged, Transition
from eyeline.summary.turns import SeenTransfer

LONG = (
    "video", "span", "person", "partner", "tier", "value", "measure", "number", "unit", "of",
    "source",
)  # fmt: skip
STATISTICS = ("n", "missing", "videos", "mean", "sd", "median", "smallest", "largest")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "long": LONG[1:],
    "turns": (
        "span", "speaker", "taker", "turn_start_s", "turn_end_s", "taken_s", "offset_s",
        "speaker_looks_at", "taker_looks_at", "source",
    ),
    "transitions": (
        "span", "person", "tier", "from_value", "to_value", "count", "of_count", "probability",
        "source",
    ),
    "sequences": (
        "span", "given_person", "given_tier", "given_value", "then_person", "then_tier",
        "then_value", "lag", "count", "of_count", "probability", "expected", "z",
    ),
}  # fmt: skip
"""Of each table, behind the video and its groups."""
_NUMBERS = {
    "number", "of", "turn_start_s", "turn_end_s", "taken_s", "offset_s", "probability",
    "expected", "z",
}  # fmt: skip
_WHOLE = {"count", "lag", "of_count"}
_KEY = ("video", "span", "person")


class Collected:
    """The rows of all videos."""

    def __init__(self, groups: Groups) -> None:
        """Begin with no videos."""
        self._groups = groups
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _COLUMNS}

    def _add(self, table: str, video: str, person: str, *values: Any) -> None:
        self._rows[table].append((video, *self._groups.of(video, person), *values))

    def add_rows(self, video: str, span: str, rows: Iterable[Row]) -> None:
        """Measures."""
        for row in rows:
            m = row.measure
            self._add(
                "long", video, row.person, span, row.person, row.partner, row.tier, row.value,
                m.name, m.number, m.unit, m.of, row.source,
            )  # fmt: skip

    def add_turns(
        self, video: str, span: str, seen: Iterable[SeenTransfer], names: Any, source: str
    ) -> None:
        """Transfers of the floor; `names` gives the name of a person, and of a value."""
        for one in seen:
            t = one.transfer
            speaker, taker = names.name_of(t.speaker), names.name_of(t.taker)
            looks = [v and names.value_name(v) for v in (one.speaker_looks_at, one.taker_looks_at)]
            times = t.turn_start_s, t.turn_end_s, t.taken_s, t.offset_s
            self._add("turns", video, speaker, span, speaker, taker, *times, *looks, source)

    def add_transitions(self, video: str, span: str, rows: Iterable[Transition], of: Any) -> None:
        """Transitions; `of` gives the source of a tier."""
        for t in rows:
            self._add(
                "transitions", video, t.person, span, t.person, t.tier, t.before, t.after, t.count,
                t.of, t.probability, of(t.tier),
            )  # fmt: skip

    def add_lags(self, video: str, span: str, rows: Iterable[Lagged]) -> None:
        """The sequence lag table."""
        for one in rows:
            numbers = one.lag, one.count, one.of, one.count / one.of, one.expected, one.z
            self._add("sequences", video, one.given[0], span, *one.given, *one.then, *numbers)

    def tables(self) -> dict[str, Any]:
        """By name, with those that are made of the long one."""
        tables = {name: self._table(name) for name in _COLUMNS}
        long = tables.pop("long")
        return {"long": long, "wide": wide(long), **tables, "groups": group_statistics(long)}

    def _table(self, table: str) -> Any:
        """The rows of a table; numbers to nine digits: the last bits of a sum say nothing."""
        import pyarrow as pa

        names = ("video", *self._groups.columns, *_COLUMNS[table])
        columns = zip(*self._rows[table], strict=True) if self._rows[table] else [()] * len(names)
        arrays = {}
        for name, values in zip(names, columns, strict=True):
            if name in _NUMBERS:
                numbers = np.array([np.nan if v is None else v for v in values], np.float64)
                unknown = np.array([v is None for v in values], bool)
                arrays[name] = pa.array(to_digits(numbers), mask=unknown)
            else:
                arrays[name] = pa.array(values, pa.int64() if name in _WHOLE else pa.string())
        return pa.table(arrays)


def wide(long: Any) -> Any:
    """One row a video, span and person, one column a tier, value, partner and measure."""
    import pyarrow as pa

    groups = [name for name in long.column_names if name not in LONG]
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    columns: dict[tuple[str, ...], str] = {}
    taken = {*_KEY, *groups, "source"}
    for row in long.to_pylist():
        key = tuple(row[name] for name in _KEY)
        cells = rows.setdefault(key, {name: row[name] for name in (*_KEY, *groups)})
        if row["source"] == CORRECTED or "source" not in cells:
            cells["source"] = row["source"]
        about = tuple(row[name] for name in ("tier", "value", "partner", "measure"))
        if about not in columns:
            columns[about] = _column(about, taken)
            taken.add(columns[about])
        cells[columns[about]] = row["number"]
    names = ("video", *groups, "span", "person", "source")
    kinds = {name: pa.string() for name in names} | dict.fromkeys(columns.values(), pa.float64())
    return pa.table(
        {name: pa.array([c.get(name) for c in rows.values()], kind) for name, kind in kinds.items()}
    )


def _column(about: tuple[str, ...], taken: set[str]) -> str:
    """A name that statistics programs take: letters, digits, points and underscores."""
    tier, value, partner, measure = about
    parts = [tier, value, f"with_{partner}" if partner else "", measure]
    name = ".".join(re.sub(r"\W+", "_", part.strip()) for part in parts if part)
    candidate, n = name, 1
    while candidate in taken:
        n += 1
        candidate = f"{name}_{n}"
    return candidate


def group_statistics(long: Any) -> Any:
    """Statistics over persons and videos: one row a group, span, tier, value and measure.

    Values that are numbers of persons, and pairs, are left out: person 2 of one video is not
    person 2 of another one. A span of the whole video and the groups are kept apart.
    """
    import duckdb

    own = [name.replace('"', '""') for name in long.column_names if name not in LONG]
    groups = ", ".join(f'"{name}"' for name in own)
    by = f"{groups + ', ' if groups else ''}span, tier, value, measure, unit"
    with duckdb.connect() as connection:
        connection.register("long", long)
        return connection.sql(
            f"""SELECT {by}, count(number) AS n, count(*) - count(number) AS missing,
                count(DISTINCT video) AS videos, avg(number) AS mean, stddev_samp(number) AS sd,
                median(number) AS median, min(number) AS smallest, max(number) AS largest,
                CASE WHEN bool_or(source = '{CORRECTED}') THEN '{CORRECTED}' ELSE '{COMPUTED}' END
                AS source
            FROM long
            WHERE partner = '' AND NOT regexp_full_match(value, 'person \\d+')
                AND person NOT IN ('unseen', 'not sure who')
            GROUP BY {by} ORDER BY {by}"""
        ).to_arrow_table()
