"""An analysis as Parquet and CSV tables, the same bytes for the same analysis.

Parquet holds every number exactly and is what `load` reads. CSV is rounded (time to the
microsecond, pixels and degrees to a hundredth, all else to six decimals), has empty cells for what
is not known, and no heatmaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from eyeline import spill
from eyeline.errors import DataError
from eyeline.export.columns import KINDS, SOURCE, WHOLE, Heatmaps, columns_of, schema_of
from eyeline.export.files import FRAMES, TABLES
from eyeline.files import replacing
from eyeline.results import Analysis, Floats

_ROW_GROUP = 1 << 16
_SMALL_BYTES = 1 << 20
"""Smaller files are read in less time than threads take to wake up."""
_ROUNDED_BELOW = 1e9
_DECIMALS = {"s": 6, "px": 2, "deg": 2}


def write_tables(analysis: Analysis, folder: Path) -> list[Path]:
    """Write the tables as `.parquet` and `.csv`, in row groups, and return the paths.

    That of the frames is left out where the clock was not kept.

    Raises:
        DataError: heatmaps that do not belong to rows of their points.
        OutputError: the folder cannot be written.
    """
    written: list[Path] = []
    for name in TABLES:
        answers = _answers(analysis, name)
        if name == FRAMES and not answers:
            continue
        paths = [folder / f"{name}.{kind}" for kind in ("parquet", "csv")]
        _write(name, answers, analysis.shown, *paths)
        written += paths
    return written


def read_tables(folder: Path) -> dict[str, Any]:
    """The tables of a folder as `pyarrow.Table`, by name.

    Raises:
        DataError: a table is missing, damaged or lacks a column.
    """
    names = (n for n in TABLES if n != FRAMES or (folder / f"{n}.parquet").is_file())
    return {name: read_table(folder, name) for name in names}


def read_table(folder: Path, name: str) -> Any:
    """One table as `pyarrow.Table`; DataError as for `read_tables`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise DataError(f"{folder} holds no {path.name}; is it the folder of an analysis?")
    try:
        with path.open("rb") as file:  # a name need not be text, which pyarrow demands
            threads = path.stat().st_size > _SMALL_BYTES
            table = pq.read_table(file, partitioning=None, use_threads=threads)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged: {error}. Analyse the video again.") from error
    lacking = set(schema_of(name, []).names) - {SOURCE} - set(table.column_names)
    if lacking:
        raise DataError(f"{path} lacks the columns {', '.join(sorted(lacking))}")
    return table


def plain_rows(analysis: Analysis, name: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Names of the columns of a table, and its rows as its CSV has them, None for empty cells."""
    answers = _answers(analysis, name)
    schema = schema_of(name, answers)
    plain = _without_heatmap(schema)

    def rows() -> Iterator[tuple[Any, ...]]:
        for answer in answers:
            for group in _groups(name, answer, schema, analysis.shown):
                part = csv_rounded(group.select(plain.names).cast(plain))
                yield from zip(*(column.to_pylist() for column in part.columns), strict=True)

    return list(plain.names), rows()


def _answers(analysis: Analysis, name: str) -> list[Any]:
    """What a table holds; nothing for that of the frames where the clock was not kept."""
    single = {"frames": analysis.clock, "people": analysis.people}
    answers = [single[name]] if name in single else analysis.of(KINDS[name])
    return [answer for answer in answers if answer is not None]


def _write(
    name: str, answers: Sequence[Any], shown: Callable[[str], str], parquet: Path, csv: Path
) -> None:
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    schema = schema_of(name, answers)
    plain = _without_heatmap(schema)
    texts = [f.name for f in schema if str(f.type) == "string"]
    with ExitStack() as stack:
        out = stack.enter_context(
            pq.ParquetWriter(
                _opened(stack, parquet),
                schema,
                compression="zstd",
                version="2.6",
                use_dictionary=[*texts, *sorted(WHOLE & set(schema.names))],
            )
        )
        text = stack.enter_context(pa_csv.CSVWriter(_opened(stack, csv), plain.remove_metadata()))
        for answer in answers:
            for group in _groups(name, answer, schema, shown):
                out.write_table(group, row_group_size=max(1, len(group)))
                for rows in spill.blocks(len(group)):
                    part = group.select(plain.names).slice(rows.start, rows.stop - rows.start)
                    text.write_table(csv_rounded(part.cast(plain)))
                spill.release()
    pa.default_memory_pool().release_unused()


def _opened(stack: ExitStack, path: Path) -> BinaryIO:
    """A file that replaces `path`; open, since a name need not be text, which pyarrow demands."""
    temporary = stack.enter_context(replacing(path))
    return stack.enter_context(temporary.open("wb"))


def _groups(name: str, answer: Any, schema: Any, shown: Callable[[str], str]) -> Iterator[Any]:
    import pyarrow as pa

    maps = Heatmaps(answer) if name == "points" else None
    size = _ROW_GROUP if maps is None else min(_ROW_GROUP, maps.rows_at_once)
    for begin in range(0, len(answer), size):
        rows = slice(begin, min(begin + size, len(answer)))
        columns = columns_of(name, answer, rows, shown)
        if maps is not None:
            columns["heatmap"] = maps.of(rows)
        arrays = [pa.array(columns[f.name], f.type) for f in schema]
        yield pa.Table.from_arrays(arrays, schema=schema)


def _without_heatmap(schema: Any) -> Any:
    """The schema of the CSV: no heatmap, and NaN may be empty."""
    import pyarrow as pa

    return pa.schema([f.with_nullable(True) for f in schema if f.name != "heatmap"])


def csv_rounded(table: Any) -> Any:
    """A `pyarrow.Table` as CSV has it: numbers rounded by their unit, nothing for NaN."""
    import pyarrow as pa

    for k, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            values: Floats = table.column(k).to_numpy()
            decimals = _DECIMALS.get(field.name.rpartition("_")[2], 6)
            mask = np.isnan(values)
            table = table.set_column(k, field, pa.array(_neat(values, decimals), mask=mask))
    return table


def _neat(values: Floats, decimals: int) -> Floats:
    """Rounded, without minus zero; numbers too large to have decimals stay as they are."""
    neat = values.copy()
    small = np.abs(values) < _ROUNDED_BELOW
    neat[small] = np.round(values[small], decimals) + 0.0
    return neat
