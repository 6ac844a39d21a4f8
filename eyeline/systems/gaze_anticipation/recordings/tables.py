"""Tables with a header, whose columns are taken by name: CSV of data sets and of spreadsheets."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError
from eyeline.results import Floats, Ints

_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header; lines without any cell filled are passed over."""

    path: Path
    header: tuple[str, ...]
    """Names as written, without blanks around them."""
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    """Where each row stands in the file."""
    decimal_comma: bool = False
    """Whether numbers may be written with a comma, since cells are not separated by one."""

    def __len__(self) -> int:
        return len(self.rows)

    def first_of(self, *names: str) -> str | None:
        """The first of some names that a column has; letters may be small or capital."""
        known = {own.lower(): own for own in reversed(self.header)}
        return next((known[name] for name in names if name in known), None)

    def need(self, what: str, *names: str) -> str:
        """As `first_of`; DataError where no column has any of the names."""
        result = self.first_of(*names)
        if result is None:
            raise DataError(
                f"{self.path} has no column of {what}, {' or '.join(names)}; its columns: "
                f"{', '.join(self.header) or 'none'}"
            )
        return result

    def numbers(self, name: str, *, gaps: bool = False) -> Floats:
        """The numbers `(row,)` of a column.

        With `gaps` empty cells and those of no number, such as nan, are NaN. DataError names line
        and column: a text, or no finite number where there are no gaps.
        """
        if self.header.count(name) > 1:
            raise DataError(f"{self.path} has the column {name} twice")
        at = self.header.index(name)
        cells = [row[at].strip() if at < len(row) else "" for row in self.rows]
        return np.array(
            [self._number(cell, name, n, gaps) for n, cell in enumerate(cells)], np.float64
        )

    def integers(self, name: str) -> Ints:
        """Whole numbers `(row,)` of a column, exact beyond what floats can hold; as `numbers`."""
        rounded = self.numbers(name)
        at = self.header.index(name)
        texts = [row[at].strip() for row in self.rows]
        pairs = zip(texts, rounded, strict=True)
        exact = [int(text) if text.isdecimal() else int(value) for text, value in pairs]
        try:
            return np.array(exact, np.int64)
        except OverflowError:
            raise DataError(f"{self.path}, column {name}: numbers of over 63 bits") from None

    def check_ascending(self, name: str, values: Ints) -> None:
        """DataError for the first row whose value `(row,)` is not after that of the one above."""
        back = np.flatnonzero(np.diff(values) <= 0)
        if len(back):
            line = self.lines[back[0] + 1]
            raise DataError(f"{self.path}, line {line}: {name} is not after that of the row above")

    def kept(self, which: npt.NDArray[np.bool_]) -> Table:
        """The rows of some places."""
        at = np.flatnonzero(which).tolist()
        rows, lines = [self.rows[n] for n in at], [self.lines[n] for n in at]
        return replace(self, rows=rows, lines=lines)

    def _number(self, cell: str, name: str, row: int, gaps: bool) -> float:
        text = cell
        if self.decimal_comma and "." not in cell and cell.count(",") == 1:
            text = cell.replace(",", ".")
        try:
            value = float(text) if text or not gaps else np.nan
        except ValueError:
            value, gaps = np.nan, gaps and cell.lower() in ("na", "n/a", "null", "none", "-")
        if not np.isfinite(value) and not gaps:
            raise DataError(
                f"{self.path}, line {self.lines[row]}, column {name}: '{cell[:40]}' is no number"
            )
        return value if np.isfinite(value) else float("nan")


def read_table(path: Path) -> Table:
    """A table in UTF-8 or UTF-16, of cells between commas, semicolons or tabs.

    DataError: no such file, no text, or no header in its first line.
    """
    text = _text(path)
    first = text.lstrip().partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        result = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a table ({error})") from None
    if not result:
        raise DataError(f"{path} is empty; expected a header and rows")
    header = tuple(cell.strip() for cell in result[0][1])
    if all(_is_number(cell) for cell in header):
        raise DataError(f"{path}, line {result[0][0]}: numbers, where the names of columns belong")
    rows, lines = [row for _, row in result[1:]], [line for line, _ in result[1:]]
    return Table(path, header, rows, lines, separator != ",")


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


_HEAD = ("new video name", "original video name")
_TEXTS, _SHEET = "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"
_MOST_BYTES = 4_000_000
"""Of a part of the table; the authors' has 30 kB."""
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_names(path: Path) -> dict[str, str]:
    """The authors' `aria_video_ids_matching.xlsx`: today's name -> the pilot's, `movie_<id>`.

    DataError: no such table, one that is too large or declares entities, or names twice.
    """
    rows = _rows(path)
    if not rows or tuple(rows[0]) != _HEAD:
        raise DataError(f"{path}: the first row of its first sheet is not {' | '.join(_HEAD)}")
    pairs = [(mended(today), former.strip()) for today, former in rows[1:] if today or former]
    if not all(today and former for today, former in pairs):
        raise DataError(f"{path}: a row has one name of two")
    result = dict(pairs)
    if len({*result.values()}) != len(pairs):
        raise DataError(f"{path}: a name stands there twice")
    return result


def mended(name: str) -> str:
    """A name of the authors' table without its slips: blanks, and `scrop` for `script`."""
    return name.strip().replace("scrop", "script")


def _rows(path: Path) -> list[tuple[str, str]]:
    """The texts of the first two columns."""
    try:
        with zipfile.ZipFile(path) as book:
            parts = set(book.namelist())
            texts = _parsed(book, _TEXTS) if _TEXTS in parts else ElementTree.Element("none")
            sheet = _parsed(book, _SHEET)
        strings = ["".join(t.text or "" for t in one.iter(f"{_SPACE}t")) for one in texts]
        return [_row(row, strings) for row in sheet.iter(f"{_SPACE}row")]
    except (
        OSError,
        zipfile.BadZipFile,
        ElementTree.ParseError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        IndexError,
        KeyError,
        EOFError,
        zlib.error,
    ) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error


def _parsed(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """A part of the table; what it says of its own size is not believed."""
    with book.open(name) as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{name} is larger than {_MOST_BYTES // 1_000_000} MB")
    if "<!" in content.decode("utf-8"):
        raise ValueError(f"{name} declares a document type")
    return ElementTree.fromstring(content)


def _row(row: ElementTree.Element, strings: list[str]) -> tuple[str, str]:
    result = {"A": "", "B": ""}
    for cell in row.iter(f"{_SPACE}c"):
        column = cell.get("r", "").rstrip("0123456789")
        value = cell.findtext(f"{_SPACE}v", "")
        if cell.get("t") == "s":
            value = strings[int(value)]
        elif cell.get("t") == "inlineStr":
            value = "".join(t.text or "" for t in cell.iter(f"{_SPACE}t"))
        if column in result:
            result[column] = value
    return result["A"], result["B"]
