"""The tables of a summary: long, wide, turns, transitions, sequences, statistics of groups."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eyeline.export.columns import COMPUTED, CORRECTED
from eyeline.results import Ints
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
_ABOUT = ("tier", "value", "partner", "measure")
_CHUNK_ROWS = 1 << 16
"""So many rows are kept as objects before they become arrays, a tenth of their size."""


class Columns:
    """Rows as they come, kept by column, with the groups of each.

    Whole chunks of them lie in a file, which is mapped into memory once all are there.
    """

    def __init__(self, names: Sequence[str], groups: Groups) -> None:
        """Begin with no rows."""
        self._names, self._groups = tuple(names), groups
        self._values: list[list[Any]] = [[] for _ in (*names, *groups.columns)]
        self._spilled: tempfile.TemporaryDirectory[str] | None = None
        self._writer: Any = None

    def add(self, video: str, person: str, *values: Any) -> None:
        """One row, its values in the order of the names."""
        row = (*values, *self._groups.of(video, person))
        for column, value in zip(self._values, row, strict=True):
            column.append(value)
        if len(self._values[0]) == _CHUNK_ROWS:
            self._flush()

    def table(self) -> Any:
        """All rows as `pyarrow.Table`: the video, the groups, then the rest."""
        import pyarrow as pa

        rest = self._rest()
        if self._spilled is None:
            return rest
        self._writer.write_table(rest)
        self._writer.close()
        table = pa.ipc.open_file(pa.memory_map(f"{self._spilled.name}/rows.arrow")).read_all()
        self._spilled.cleanup()  # what is mapped stays readable without a name
        return table

    def _flush(self) -> None:
        import pyarrow as pa

        chunk = self._rest()
        if self._spilled is None:
            self._spilled = tempfile.TemporaryDirectory("-eyeline", ignore_cleanup_errors=True)
            self._writer = pa.ipc.new_file(f"{self._spilled.name}/rows.arrow", chunk.schema)
        self._writer.write_table(chunk)

    def _rest(self) -> Any:
        """The rows that are kept as objects, which are so no more."""
        import pyarrow as pa

        names = (*self._names, *self._groups.columns)
        columns = dict(zip(names, self._values, strict=True))
        ordered = (self._names[0], *self._groups.columns, *self._names[1:])
        arrays = {name: pa.array(columns[name], _kind(name)) for name in ordered}
        self._values = [[] for _ in names]
        return pa.table({name: _rounded(array) for name, array in arrays.items()})


def _rounded(column: Any) -> Any:
    """Numbers to nine digits: the last bits of a sum say nothing."""
    import pyarrow as pa

    if not pa.types.is_floating(column.type):
        return column
    values = to_digits(column.to_numpy(zero_copy_only=False))
    return pa.array(values, mask=column.is_null().to_numpy(zero_copy_only=False))


def _kind(name: str) -> Any:
    import pyarrow as pa

    if name in _NUMBERS:
        return pa.float64()
    return pa.int64() if name in _WHOLE else pa.string()


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
    person, firsts = _codes(long, _KEY)
    about, examples = _codes(long, _ABOUT)
    named = {name: long.column(name).take(firsts) for name in (*_KEY[:1], *groups, *_KEY[1:])}
    by_hand = np.zeros(len(firsts), bool)
    by_hand[person[long.column("source").to_numpy() == CORRECTED]] = True
    named["source"] = long.column("source").take(firsts)
    named["source"] = pa.array(np.where(by_hand, CORRECTED, named["source"].to_numpy()))
    taken, number = {*named}, long.column("number")
    values, known = number.to_numpy(), number.is_valid().to_numpy()
    ordered = np.argsort(about, kind="stable")
    columns = np.split(ordered, np.searchsorted(about[ordered], np.arange(1, len(examples))))
    for example, rows in zip(long.select(_ABOUT).take(examples).to_pylist(), columns, strict=True):
        cells, lacking = np.zeros(len(firsts)), np.ones(len(firsts), bool)
        cells[person[rows]], lacking[person[rows]] = values[rows], ~known[rows]
        name = _column(tuple(example.values()), taken)
        taken.add(name)
        named[name] = pa.array(cells, mask=lacking)
    return pa.table(named)


def _codes(table: Any, names: Sequence[str]) -> tuple[Ints, Ints]:
    """A number from 0 for each row, equal where these columns are, and the first row of each."""
    import pyarrow as pa

    codes = np.zeros(table.num_rows, np.int64)
    for name in names:
        column = table.column(name).dictionary_encode("encode").unify_dictionaries()
        if column.num_chunks:
            indices = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
            codes = codes * max(1, len(column.chunk(0).dictionary)) + indices
        codes = pa.array(codes).dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes, np.unique(codes, return_index=True)[1]


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
