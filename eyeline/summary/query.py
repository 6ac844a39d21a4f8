"""SQL over the tables of many videos, by DuckDB, which can reach no file and change nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.codings import table as tables
from eyeline.codings.table import Dialect
from eyeline.errors import DataError, UsageError
from eyeline.export.columns import COMPUTED, SOURCE, schema_of
from eyeline.export.files import FRAMES, TABLES
from eyeline.files import replacing
from eyeline.summary.corpus import (
    Corpus,
    Fault,
    Result,
    tables_of,
    text_of,
    video_row,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VIDEOS = "videos"
VIEWS = (VIDEOS, *(table for table in TABLES if table != FRAMES), FRAMES)
_CSV_ROWS = 1 << 16
"""So many are text at the same time."""
_ROWS = "_rows_of_"
"""Before the name of a view: the rows that it shows, as they are stored."""
_LOCKS = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


@dataclass(frozen=True)
class Answer:
    """What a query gave."""

    table: Any
    """`pyarrow.Table`."""
    faults: tuple[Fault, ...]
    """Videos that are left out."""


def query(corpus: Corpus, sql: str) -> Answer:
    """The result of one SELECT over the views `VIEWS`, each of which has the videos' names.

    The tables are handed over as Arrow data sets, which are read as they are needed, so that the
    connection needs no access to files and has none. What is not a number is NULL.

    Raises:
        UsageError: not one SELECT, or one that DuckDB refuses.
        DataError: no video is left whose tables can be read.
    """
    import duckdb

    with duckdb.connect() as connection:
        needed = _tables_of(connection, sql)
        datasets, faults = _datasets(corpus.results, needed)
        left_out = {fault.video for fault in faults}
        kept = [r for r in corpus.results if r.video not in left_out]
        if not kept:
            raise DataError("no video is left: " + "; ".join(f.message for f in faults))
        connection.register(f"{_ROWS}{VIDEOS}", videos_table(kept))
        for table, dataset in datasets.items():
            connection.register(f"{_ROWS}{table}", dataset)
        for view in (VIDEOS, *datasets):
            connection.execute(_view(connection, view))
        for lock in _LOCKS:
            connection.execute(lock)
        try:
            result = connection.sql(sql).to_arrow_table()
        except (duckdb.Error, OSError) as error:
            raise UsageError(f"the query failed: {_plain(error)}") from None
    return Answer(result, (*corpus.faults, *faults))


def _tables_of(connection: DuckDBPyConnection, sql: str) -> set[str]:
    """The tables that a query names; UsageError unless it is one statement that only reads."""
    import duckdb

    try:
        kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    except duckdb.Error as error:
        raise UsageError(f"the query cannot be read: {_plain(error)}") from None
    if kinds != ["SELECT"]:
        what = " and ".join(kinds) or "empty"
        raise UsageError(f"the query is {what}; give one SELECT, which changes nothing")
    if re.search(r"\bquery(_table)?\s*\(", sql, re.I):
        raise UsageError("query() and query_table() hide the views' names: write them out")
    return {table for table in TABLES if re.search(rf"\b{table}\b", sql, re.I)}


def _plain(error: Exception) -> str:
    """The message without the name of its class, and without how the views are made."""
    return re.sub(r"^\w+ Error: ", "", str(error)).replace(_ROWS, "").strip()


def _datasets(
    results: Sequence[Result], needed: Iterable[str]
) -> tuple[dict[str, Any], list[Fault]]:
    """An Arrow data set of each table, those that are needed checked, and what is left out."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    fragments: dict[str, list[Any]] = {table: [] for table in TABLES}
    faults: list[Fault] = []
    for result in results:
        try:
            paths = tables_of(result, needed)
            own = {table: _fragment(result.video, path, table) for table, path in paths.items()}
        except DataError as error:
            faults.append(Fault(result.video, str(error)))
            continue
        for table, fragment in own.items():
            fragments[table].append(fragment)
    video, form = pa.field("video", pa.string()), ds.ParquetFileFormat()
    schemas = {
        table: pa.schema([video, *(f.with_nullable(True) for f in schema_of(table, []))])
        for table in TABLES
    }
    return {
        table: ds.FileSystemDataset(fragments[table], schema, form)
        for table, schema in schemas.items()
    }, faults


def _fragment(name: str, path: Path, table: str) -> Any:
    """The rows of one file with the video's name; DataError where they are not as expected."""
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
    from pyarrow.fs import LocalFileSystem

    try:
        with path.open("rb") as file:
            schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged: {error}. Analyse the video again.") from error
    stored = {field.name: field.type for field in schema}
    expected = [f for f in schema_of(table, []) if f.name != SOURCE or SOURCE in stored]
    wrong = [f.name for f in expected if stored.get(f.name) != f.type]
    if wrong:
        raise DataError(f"{path} lacks the columns {', '.join(wrong)}, or they have other types")
    named, video = str(path.absolute()), ds.field("video") == name
    form = ds.ParquetFileFormat()
    if named == text_of(named):
        return form.make_fragment(named, LocalFileSystem(), partition_expression=video)
    content = pa.BufferReader(path.read_bytes())  # pyarrow takes no name that is no text
    return form.make_fragment(content, partition_expression=video)


def _view(connection: DuckDBPyConnection, view: str) -> str:
    """The statement that makes a view: no NaN, and a source for every row."""
    columns = connection.execute(f'DESCRIBE "{_ROWS}{view}"').fetchall()
    selected = [
        f'CASE WHEN isnan("{name}") THEN NULL ELSE "{name}" END AS "{name}"'
        if kind in ("DOUBLE", "FLOAT")
        else f"coalesce({SOURCE}, '{COMPUTED}') AS {SOURCE}"
        if name == SOURCE
        else f'"{name}"'
        for name, kind, *_ in columns
    ]
    return f'CREATE VIEW "{view}" AS SELECT {", ".join(selected)} FROM "{_ROWS}{view}"'


def videos_table(results: Sequence[Result]) -> Any:
    """One row a video as `pyarrow.Table`, from the indices."""
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    kinds = {
        "video": text, "path": text, "folder": text, "status": text, "duration_s": number,
        "analysed_s": number, "width_px": whole, "height_px": whole, "rate_hz": number,
        "analyzed_rate_hz": number, "frame_count": whole, "has_audio": pa.bool_(),
        "persons": whole, "version": text, "warnings": text,
    }  # fmt: skip
    rows = [video_row(result) for result in results]
    return pa.Table.from_pylist(rows, pa.schema(kinds.items()))


def as_bytes(table: Any, form: str, dialect: Dialect = "excel") -> bytes:
    """A table as the text of CSV or JSON, or as Parquet; bytes are written in hexadecimal.

    Args:
        table: `pyarrow.Table`.
        form: csv, json or parquet.
        dialect: of CSV.
    """
    import pyarrow as pa

    if form == "json":
        rows = [{name: _plain_value(v) for name, v in row.items()} for row in table.to_pylist()]
        return _json(rows).encode() + b"\n"
    out = pa.BufferOutputStream()
    _write(table, out, form, dialect)
    return bytes(out.getvalue())


def write_table(path: Path, table: Any, form: str, dialect: Dialect = "excel") -> Path:
    """Write a table as CSV or Parquet, chunk by chunk; OutputError where that cannot be."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        _write(table, file, form, dialect)
    return path


def _write(table: Any, out: Any, form: str, dialect: Dialect) -> None:
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    if form == "parquet":
        pq.write_table(table, out, compression="zstd")
        return
    if dialect != "excel":
        columns = [_flat(column) for column in table.columns]
        yes_no = [pa.types.is_boolean(c.type) for c in columns]  # true and false, as below
        texts = [c.cast(pa.string()) if y else c for c, y in zip(columns, yes_no, strict=True)]
        rows = zip(*(column.to_pylist() for column in texts), strict=True)
        text = tables.text_of(table.column_names, rows, dialect)
        out.write(tables.csv_bytes(text, dialect))
        return
    schema = pa.table([_flat(column) for column in table[:0].columns], table.column_names).schema
    with pa_csv.CSVWriter(out, schema) as writer:
        for batch in table.to_batches(_CSV_ROWS):
            columns = [_flat(column) for column in batch.columns]
            writer.write_table(pa.table(columns, schema=schema))


def _flat(column: Any) -> Any:
    """A column as CSV can hold it: lists, structs and bytes as text, NaN as null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([_plain_value(v) for v in column.to_pylist()], pa.string())
    if pa.types.is_nested(kind):
        return pa.array(
            [None if v is None else _json(_plain_value(v)) for v in column.to_pylist()], pa.string()
        )
    return column.cast(pa.string()) if pa.types.is_null(kind) else column


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, default=str)


def _plain_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _plain_value(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
