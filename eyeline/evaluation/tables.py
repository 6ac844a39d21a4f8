"""Tables of predictions and truth: typed columns of CSV files, and rows joined by key."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, cast

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, first_names
from eyeline.files import write_bytes
from eyeline.results import Ints

Parser = Callable[[str], Any]
"""A cell's value; ValueError says what is expected."""
"""Rows that a message names."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    parse: Parser
    dtype: Any = np.float64
    needed: bool = True
    """Whether a table without it is refused."""


class Read(NamedTuple):
    """A table as it stands in a file."""

    columns: dict[str, npt.NDArray[Any]]
    """`(n,)` by name, without those that the file lacks."""
    line: Ints
    """`(n,)` line in the file."""


def text(cell: str) -> str:
    """What is not empty."""
    if not cell.strip():
        raise ValueError("a name")
    return cell.strip()


def whole(cell: str) -> int:
    """A whole number from 0."""
    if not (result := re.fullmatch(r"([0-9]{1,18})(\.0+)?", cell.strip())):
        raise ValueError("a whole number of at most 18 digits")
    return int(result[1])


def number(cell: str) -> float:
    """A finite number."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def fraction(cell: str) -> float:
    """A number in [0, 1]."""
    try:
        value = number(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ValueError("a number in [0, 1]")
    return value


def one_of(*words: str) -> Parser:
    """A parser of words to their numbers."""

    def parse(cell: str) -> int:
        if cell.strip() not in words:
            raise ValueError(" or ".join(words))
        return words.index(cell.strip())

    return parse


def maybe(parse: Parser, empty: Any = math.nan) -> Parser:
    """A parser that has a value for empty cells, too."""
    return lambda cell: parse(cell) if cell.strip() else empty


def lines(path: Path) -> Iterable[tuple[int, list[str]]]:
    """Line numbers and cells, without empty lines; DataError for a file that is no CSV in UTF-8."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            yield from ((reader.line_num, cells) for cells in reader if cells)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def read(path: Path, columns: Sequence[Column], *, only: bool = False) -> Read:
    """The columns of a table with a head line, in any order.

    Args:
        path: a CSV in UTF-8.
        columns: those that are wanted.
        only: whether a table with others is refused.

    Raises:
        DataError: naming file, line and column: a column that lacks, is unknown or comes twice, a
            row of another length, a value of another kind.
    """
    rows = iter(lines(path))
    head = [name.strip() for name in next(rows, (1, []))[1]]
    known = [column.name for column in columns]
    lacking = [c.name for c in columns if c.needed and c.name not in head]
    odd = [n for n in head if (only and n not in known) or (n in known and head.count(n) > 1)]
    if lacking or odd:
        fault = f"no column {', '.join(lacking)}" if lacking else f"columns {', '.join(odd)}"
        raise DataError(f"{path}, line 1: {fault}; expected {','.join(known)}")
    result, line = [], []
    for number_, cells in rows:
        if len(cells) != len(head):
            raise DataError(f"{path}, line {number_}: {len(cells)} cells, expected {len(head)}")
        result.append(cells)
        line.append(number_)
    there = [column for column in columns if column.name in head]
    at = {name: place for place, name in enumerate(head)}
    return Read(
        {c.name: _parsed(path, c, [row[at[c.name]] for row in result], line) for c in there},
        np.array(line, np.int64),
    )


def _parsed(path: Path, column: Column, cells: list[str], line: list[int]) -> npt.NDArray[Any]:
    values = np.empty(len(cells), column.dtype)
    for row, cell in enumerate(cells):
        try:
            values[row] = column.parse(cell)
        except ValueError as error:
            where = f"{path}, line {line[row]}: {column.name} is '{cell}'"
            raise DataError(f"{where}, expected {error}") from None
    return values


def write(path: Path, columns: Mapping[str, Iterable[Any]], *, head: bool = True) -> None:
    """Write columns as CSV, whole or not at all; OutputError where that cannot be."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    if head:
        writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    write_bytes(path, file.getvalue().encode())


class Rows:
    """A dataclass of columns with a row each: arrays, tuples, or arrays by name; None is no column.

    Fields in `WHOLE` are of the table as a whole.
    """

    WHOLE: ClassVar[tuple[str, ...]] = ()

    def take(self, at: Ints | npt.NDArray[np.bool_]) -> Self:
        """Some of the rows, by number in any order, or by flags."""
        result: Self = replace(cast(Any, self), **self.taken(at))
        return result

    def taken(self, at: Ints | npt.NDArray[np.bool_]) -> dict[str, Any]:
        """The columns of some of the rows."""
        rows = np.flatnonzero(at) if at.dtype == np.bool_ else np.asarray(at, np.int64)
        names = (each.name for each in fields(cast(Any, self)) if each.name not in self.WHOLE)
        return {name: _taken(getattr(self, name), rows) for name in names}


def _taken(column: Any, at: Ints) -> Any:
    if isinstance(column, tuple):
        return tuple(column[row] for row in at.tolist())
    if isinstance(column, Mapping):
        return {name: values[at] for name, values in column.items()}
    return None if column is None else column[at]


class Side(NamedTuple):
    """A table that is joined."""

    source: str
    keys: Sequence[Hashable]
    """`n` values that tell rows apart."""
    name: Callable[[int], str]
    """A row in words, for messages."""


def first_of_each(keys: Sequence[Hashable]) -> npt.NDArray[np.bool_]:
    """Which rows `(n,)` have a key that no row before them has."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(key, row) == row for row, key in enumerate(keys)], np.bool_)


def check_once(side: Side, line: Ints | None = None) -> None:
    """DataError naming a row whose key stands before; `line` `(n,)` of a file."""
    seen: dict[Hashable, int] = {}
    for row, key in enumerate(side.keys):
        before = seen.setdefault(key, row)
        if before != row and line is None:
            both = f"{side.name(before)} and {side.name(row)}"
            raise DataError(f"{side.source} tells of one row twice: {both}")
        if before != row and line is not None:
            where = f"{side.source}, line {line[row]}: {side.name(row)}"
            raise DataError(f"{where} stands in line {line[before]} too")


def join(
    predicted: Side,
    known: Side,
    *,
    subset: bool = False,
    what: str = "rows",
    notes: list[str] | None = None,
    hint: str = "With subset=true they are left out",
) -> Ints:
    """Of each predicted row the row of the truth `(n,)`.

    Args:
        predicted: predictions.
        known: the truth, each key once.
        subset: whether rows of the truth may lack.
        what: the rows are, in the plural.
        notes: gets a line that counts those that lack.
        hint: what to do about them.

    Raises:
        DataError: naming rows: no predictions, predictions that the truth does not have or that
            come twice, rows of the truth without one.
    """
    if not len(predicted.keys):
        raise DataError(f"{predicted.source} has no rows")
    place = {key: row for row, key in enumerate(known.keys)}
    at = np.array([place.get(key, -1) for key in predicted.keys], np.int64)
    if (at < 0).any():
        some = named(predicted, np.flatnonzero(at < 0))
        raise DataError(f"{predicted.source} has {some}, which {known.source} does not have")
    check_once(predicted)
    lacking = np.setdiff1d(np.arange(len(known.keys)), at)
    if len(lacking) and not subset:
        raise DataError(
            f"{predicted.source} lacks {len(lacking)} of {len(known.keys)} {what}: "
            f"{named(known, lacking)}. {hint}"
        )
    if len(lacking) and notes is not None:
        notes.append(f"{len(lacking)} of {len(known.keys)} {what} were not predicted: left out")
    return at


def named(side: Side, rows: Ints) -> str:
    """Some rows in words."""
    return first_names(map(side.name, rows.tolist()), sign="; ")


def groups(names: Iterable[Any]) -> dict[Any, Ints]:
    """Rows of each name, names in order of first appearance."""
    rows: dict[Any, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return {name: np.array(own) for name, own in rows.items()}
