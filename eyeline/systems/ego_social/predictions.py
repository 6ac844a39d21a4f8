"""Score files of the benchmark: tables of truth and of predictions, and challenge submissions."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.files import write_bytes
from eyeline.results import Floats, Ints
from eyeline.systems.ego_social.scoring import submissions

Column = npt.NDArray[Any]
Columns = Mapping[str, Sequence[Any] | Column]


@dataclass(frozen=True)
class Kind:
    """A layout of tables without head line: these columns, the label, of predictions the score."""

    name: str
    task: str
    """`lam` or `ttm`."""
    columns: tuple[str, ...]
    key: tuple[str, ...]
    """Columns that tell one row from another; truth and predictions must agree in the rest."""
    numbers: Mapping[str, type[np.generic]]
    """Columns that are no text."""


_BOX = dict.fromkeys(("x1", "y1", "x2", "y2"), np.float64)
_FACE, _FRAME = submissions.KEYS.values()
_SPAN = dict.fromkeys(("segment", "start_frame", "end_frame"), np.int64)
KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "lam",
            "lam",
            ("clip", "frame", *_BOX, "track"),
            ("clip", "frame", "track"),
            {"frame": np.int64, **_BOX},
        ),
        Kind("lam_challenge", "lam", _FACE, _FACE, {}),
        Kind("ttm", "ttm", ("clip", *_SPAN), ("clip", "segment"), _SPAN),
        Kind("ttm_challenge", "ttm", _FRAME, _FRAME, {}),
    )
}
"""Looking at me by face and frame, talking to me by segment, and the rows of both challenges."""


@dataclass(frozen=True)
class Rows(tables.Rows):
    """A table of truth or of predictions."""

    kind: Kind
    columns: Mapping[str, Column]
    """`(n,)` by the kind's columns."""
    label: Ints
    """`(n,)` 1 for me, 0 not; always 1 in predictions."""
    score: Floats | None
    """`(n,)` in [0, 1]; None: truth."""
    source: str
    line: Ints
    """`(n,)` line in the file, or place in a submission, from 1 on; 0 for none."""

    WHOLE = ("kind", "source")

    def __post_init__(self) -> None:
        """Check the lengths; DataError says which is wrong."""
        sizes = {"row": len(self.label)}
        for name, values in self.columns.items():
            check_shape(values, "row", f"column {name}", sizes)
        if self.score is not None:
            check_shape(self.score, "row", "scores", sizes)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.label)

    def name(self, row: int) -> str:
        """Where a row stands and what it is of, for messages."""
        at = ", ".join(f"{name} {self.columns[name][row]}" for name in self.kind.key)
        line = self.line[row]
        if not line:
            return at
        unit = f"results[{line - 1}]" if self.source.endswith(".json") else f"line {line}"
        return f"{unit}: {at}"

    def place(self, row: int) -> str:
        """The same with the file."""
        return f"{self.source}{', ' if self.line[row] else ': '}{self.name(row)}"


def rows(
    kind: str,
    columns: Columns,
    *,
    label: Ints | None = None,
    score: Floats | None = None,
    source: str = "the rows",
) -> Rows:
    """A table of one of `KINDS`, of columns `(n,)`: with labels the truth, with scores predictions.

    A message calls it `source`.
    """
    known = KINDS[kind]
    own = {n: _column(columns[n], known.numbers.get(n)) for n in known.columns}
    count = len(own[known.columns[0]])
    ones = np.ones(count, np.int64) if label is None else np.asarray(label, np.int64)
    return Rows(known, own, ones, score, source, np.arange(1, count + 1))


def read_truth(path: Path | str) -> Rows:
    """A table of truth: columns of its kind and the label; as `gt.csv` of the benchmark.

    DataError names file and line of what is wrong.
    """
    return _read_table(Path(path), scored=False)


def read_predictions(path: Path | str) -> Rows:
    """A table of predictions, as `pred.csv` of the benchmark, or a `.json` for a challenge.

    DataError names file and line of what is wrong.
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        return _read_table(path, scored=True)
    kind, columns, score = submissions.read(path)
    return rows(kind, columns, score=np.array(score, np.float64), source=str(path))


def write(path: Path | str, table: Rows) -> None:
    """Write a table as the benchmark does: no head line, scores and boxes as shortest decimals.

    A `.json` becomes a challenge's submission; DataError where there can be none of the rows.
    """
    path, score = Path(path), None if table.score is None else table.score.tolist()
    columns = {name: table.columns[name].tolist() for name in table.kind.columns}
    if path.suffix.lower() == ".json":
        _check_submission(table)
        write_bytes(path, submissions.text(table.kind.name, columns, score or []).encode())
        return
    scores = {} if score is None else {"score": score}
    tables.write(path, {**columns, "label": table.label.tolist(), **scores}, head=False)


def codes(tables: Sequence[Rows], names: Sequence[str]) -> list[Ints]:
    """A number for each row of tables of one kind: equal where these columns are."""
    import pyarrow as pa

    code = np.zeros(sum(map(len, tables)), np.int64)
    for name in names:
        whole = pa.chunked_array([pa.array(table.columns[name]) for table in tables])
        own = whole.combine_chunks().dictionary_encode()
        number = own.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        _, code = np.unique(code * (len(own.dictionary) + 1) + number, return_inverse=True)
    return np.split(code, np.cumsum([len(table) for table in tables])[:-1])


def first_of_each(table: Rows) -> Ints:
    """Rows in order without those whose key stood before; the benchmark drops these."""
    _, first = np.unique(codes([table], table.kind.key)[0], return_index=True)
    return np.sort(first)


def _check_submission(table: Rows) -> None:
    if table.score is None or not table.kind.name.endswith("_challenge"):
        raise DataError(
            f"{table.source} holds {'truth' if table.score is None else table.kind.name} rows; a "
            "submission is made of predictions for the challenge's own faces"
        )
    first = first_of_each(table)
    if len(first) < len(table):
        twice = np.setdiff1d(np.arange(len(table)), first)[0]
        raise DataError(f"{table.place(int(twice))} comes twice; a submission tells it once")


def _read_table(path: Path, *, scored: bool) -> Rows:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    kind = _kind(path, scored)
    types: dict[Any, Any] = {np.float64: pa.float64(), np.int64: pa.int64()}
    names = _names(kind, scored)
    numbers: dict[str, Any] = {**kind.numbers, "label": np.int64, "score": np.float64}
    try:
        table = pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(column_names=names),
            parse_options=pa_csv.ParseOptions(ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types={n: types.get(numbers.get(n), pa.string()) for n in names},
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(_fault(path, names, numbers) or f"cannot read {path}: {error}") from error
    got = {n: table.column(n).to_numpy() for n in names}
    own = {n: _column(got[n], kind.numbers.get(n)) for n in kind.columns}
    line = np.arange(1, table.num_rows + 1)
    created = Rows(kind, own, got["label"], got.get("score"), str(path), line)
    _check_values(created)
    return created


def _kind(path: Path, scored: bool) -> Kind:
    """By the number of columns in the first line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            width = len(next(csv.reader(file), []))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    widths = {len(_names(kind, scored)): kind for kind in KINDS.values()}
    if width not in widths:
        what = "predictions" if scored else "truth"
        layouts = "; ".join(",".join(_names(kind, scored)) for kind in KINDS.values())
        raise DataError(
            f"{path}, line 1: {width} columns are no table of {what}; there are: {layouts}"
        )
    return widths[width]


def _names(kind: Kind, scored: bool) -> list[str]:
    return [*kind.columns, "label", *(["score"] if scored else [])]


def _fault(path: Path, names: Sequence[str], numbers: Mapping[str, Any]) -> str | None:
    """The first line that is no row, for the message."""
    parsers: dict[Any, tables.Parser] = {np.int64: tables.whole, np.float64: tables.number}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file)
        for cells in lines:
            where = f"{path}, line {lines.line_num}"
            if len(cells) != len(names):
                return f"{where}: {len(cells)} columns, expected {len(names)}: {','.join(names)}"
            for name, cell in zip(names, cells, strict=True):
                parse = parsers.get(numbers.get(name), str)
                try:
                    parse(cell)
                except ValueError as error:
                    return f"{where}: {name} is '{cell}', expected {error}"
    return None


def _check_values(table: Rows) -> None:
    for name, values in table.columns.items():
        odd = ~np.isfinite(values) if values.dtype == np.float64 else np.zeros(0, bool)
        for row in np.flatnonzero(odd).tolist():
            raise DataError(f"{table.place(row)}: {name} is {values[row]}")
    allowed = (0, 1) if table.score is None else (1,)
    for row in np.flatnonzero(~np.isin(table.label, allowed)).tolist():
        known = " or ".join(map(str, allowed))
        raise DataError(f"{table.place(row)}: label {table.label[row]}, expected {known}")
    score = np.zeros(0) if table.score is None else table.score
    for row in np.flatnonzero(~((score >= 0) & (score <= 1))).tolist():
        raise DataError(f"{table.place(row)}: score {score[row]}, expected one in [0, 1]")


def _column(values: Sequence[Any] | Column, kind: type[np.generic] | None) -> Column:
    if kind is not None:
        return np.asarray(values, kind)
    if isinstance(values, np.ndarray) and values.dtype == object:
        return values
    column = np.empty(len(values), object)
    column[:] = [str(value) for value in values]
    return column
