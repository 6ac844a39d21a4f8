"""Codings as tables: CSV in both dialects of Excel, tab-separated text and workbooks."""

from __future__ import annotations

import csv
import datetime
import functools
import io
import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from eyeline.codings.coding import Coding, Rows
from eyeline.documents import MIB, read_text
from eyeline.errors import DataError
from eyeline.extras import needed_by

Dialect = Literal["excel", "excel-eu", "excel-tab"]
"""`,` and decimal point, `;` and decimal comma, or tab and decimal point."""
_DELIMITERS: Mapping[Dialect, str] = {"excel": ",", "excel-eu": ";", "excel-tab": "\t"}
COLUMNS = ("tier", "person", "value", "from_s", "to_s", "duration_s")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "tier": ("tier",),
    "name": ("name",),
    "person": ("person_label", "person", "subject", "participant"),
    "value": ("value", "label", "code"),
    "from_s": ("from_s", "start_s", "onset_s", "start (s)", "onset"),
    "to_s": ("to_s", "end_s", "offset_s", "stop (s)", "offset"),
}
"""Names of columns that are read, the first that is there; those of segments.csv among them."""
SHEET = "coding"
BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError)
"""What zipfile raises at archives that are damaged."""
_DAMAGED = (*BROKEN_ARCHIVE, AttributeError, LookupError, SyntaxError, TypeError)
"""What openpyxl raises at workbooks that are damaged."""
_MOST_SHEET_ROWS = 1_048_576
_MOST_TABLE_BYTES = 64 * MIB


class Cells(NamedTuple):
    """A row of a table."""

    line: int
    cells: list[str]


def rows_of(text: str, source: str) -> tuple[list[Cells], bool]:
    """The rows of a table, and whether its numbers may have decimal commas.

    Of tab, `;` and `,` the one that the first lines have most often divides cells.
    """
    head = "\n".join(text.splitlines()[:20])
    bare = re.sub(r'"[^"]*"', "", head)
    delimiter = max("\t;,", key=bare.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [Cells(reader.line_num, row) for row in reader if any(c.strip() for c in row)]
    except csv.Error as error:
        raise DataError(f"{source} cannot be read as a table: {error}") from None
    return rows, delimiter != ","


def seconds(cell: str, comma: bool = False) -> float:
    """A time: seconds, or `hh:mm:ss` with a fraction; ValueError otherwise."""
    text = cell.strip()
    if comma and "." not in text:
        text = text.replace(",", ".", 1)
    *hours, last = text.split(":")
    number = re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", last)
    if number and len(hours) <= 2 and all(part.isdecimal() for part in hours):
        value = functools.reduce(lambda whole, part: whole * 60 + int(part), hours, 0) * 60
        if math.isfinite(value + float(last)):
            return value + float(last)
    raise ValueError(f"'{cell}' is no time")


def named_rows(path: Path, needed: Sequence[str]) -> tuple[list[str], dict[int, dict[str, str]]]:
    """The columns of a user's CSV file, and its rows by line, in any of the dialects.

    Raises:
        DataError: a file that cannot be read, is empty, lacks a column or has one twice.
    """
    rows, _ = rows_of(read_text(path, _MOST_TABLE_BYTES), str(path))
    if not rows:
        raise DataError(f"{path} is empty")
    names = [name.strip() for name in rows[0].cells]
    lacking = [name for name in needed if name not in names]
    if lacking or len({*names}) < len(names):
        what = f"lacks the column {', '.join(lacking)}" if lacking else "has a column twice"
        raise DataError(f"{path} {what}; its first line is {', '.join(names)}")
    empty = [""] * len(names)
    return names, {
        line: dict(zip(names, [*(cell.strip() for cell in cells), *empty], strict=False))
        for line, cells in rows[1:]
    }


def read(text: str, source: str) -> Coding:
    """A coding of a CSV in any of the dialects, of ours or another program's.

    Times are seconds or `hh:mm:ss`. Without a column for the tier, a person's answer (`name`) is
    the tier, or the person alone; without one for the value it is `yes`.
    """
    rows, comma = rows_of(text, source)
    return coding_of(rows, source, comma=comma)


def coding_of(rows: Sequence[Cells], source: str, *, comma: bool = False) -> Coding:
    """The coding of the rows of a table, the first with the names of columns."""
    if not rows:
        raise DataError(f"{source} is empty; expected the columns {', '.join(COLUMNS[:5])}")
    names = [name.strip().lower() for name in rows[0].cells]
    at = {
        key: next(names.index(alias) for alias in aliases if alias in names)
        for key, aliases in ALIASES.items()
        if any(alias in names for alias in aliases)
    }
    lacking = [key for key in ("from_s", "to_s") if key not in at]
    if lacking:
        raise DataError(
            f"{source} has no column {' or '.join(lacking)}, nor one called "
            f"{' or '.join(alias for key in lacking for alias in ALIASES[key][1:])}; "
            f"it has: {', '.join(names)}"
        )
    result = Rows(source)
    for line, cells in rows[1:]:
        if len(cells) < len(names):
            raise DataError(f"{source}, line {line}: {len(cells)} cells, expected {len(names)}")
        own = {key: cells[place].strip() for key, place in at.items()}
        person, kind = own.get("person", ""), own.get("name", "")
        tier = own.get("tier") or f"{person} {kind}".strip() or "coding"
        kind = kind or tier.removeprefix(f"{person} ")
        try:
            start, end = (seconds(own[key], comma) for key in ("from_s", "to_s"))
        except ValueError as error:
            where = f"{source}, line {line}"
            raise DataError(f"{where}: {error}; expected seconds or hh:mm:ss.fff") from None
        result.tier(tier, person=person, kind=kind)
        result.add(tier, start, end, own.get("value", "yes"), f"line {line}")
    return result.coding()


def _rows(coding: Coding) -> Iterable[tuple[str, str, str, float, float, float]]:
    for tier in coding.tiers:
        for from_s, to_s, value in tier.intervals:
            numbers = (round(number, 6) for number in (from_s, to_s, to_s - from_s))
            yield (tier.name, tier.person, value, *numbers)  # type: ignore[misc]


def write(coding: Coding, dialect: Dialect = "excel") -> str:
    """A row for each interval, in one of the dialects."""
    return text_of(COLUMNS, _rows(coding), dialect)


def text_of(head: Sequence[str], rows: Iterable[Sequence[Any]], dialect: Dialect = "excel") -> str:
    """A table as text; None and NaN are empty cells."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n", delimiter=_DELIMITERS[dialect])
    writer.writerow(head)
    writer.writerows([_cell(value, dialect) for value in row] for row in rows)
    return file.getvalue()


def csv_bytes(text: str, dialect: Dialect) -> bytes:
    """With the mark by which Excel knows UTF-8, where it is for Excel."""
    return text.encode("utf-8-sig" if dialect == "excel-eu" else "utf-8")


def _cell(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        text = repr(float(value)).removesuffix(".0")
        return text.replace(".", ",") if dialect == "excel-eu" else text
    return "" if value is None else value


def workbook(sheets: Mapping[str, tuple[Sequence[str], Any]]) -> bytes:
    """An XLSX workbook.

    Args:
        sheets: by name the names of columns and the rows.

    Raises:
        DataError: openpyxl is not installed, or a sheet is longer than Excel takes.
    """
    file, book = io.BytesIO(), _openpyxl().Workbook(write_only=True)
    for name, (head, rows) in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(list(head))
        for n, row in enumerate(rows, start=2):
            if n > _MOST_SHEET_ROWS:
                raise DataError(
                    f"'{name}' has more than {_MOST_SHEET_ROWS:,} rows, which no workbook takes: "
                    "write CSV"
                )
            sheet.append([_excel_cell(sheet, value) for value in row])
    book.save(file)
    return file.getvalue()


def _excel_cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", value)
        if not text.startswith("="):
            return text
        cell = _openpyxl().cell.WriteOnlyCell(sheet, text)
        cell.data_type = "s"  # a text, which Excel must not compute
        return cell
    return value


def write_workbook(coding: Coding) -> bytes:
    """A workbook with a row for each interval."""
    return workbook({SHEET: (COLUMNS, _rows(coding))})


def read_workbook(file: IO[bytes], source: str) -> Coding:
    """The coding of the first sheet of a workbook, or the one called `coding`."""
    try:
        workbook = _openpyxl().load_workbook(file, read_only=True, data_only=True)
        names = workbook.sheetnames
        sheet = workbook[SHEET if SHEET in names else names[0]]
        rows = [
            Cells(n, ["" if v is None else _text(v) for v in row])
            for n, row in enumerate(sheet.iter_rows(values_only=True), start=1)
        ]
    except _DAMAGED as error:
        raise DataError(f"{source} is no readable workbook: {error}") from None
    return coding_of([row for row in rows if any(row.cells)], source)


def _text(value: Any) -> str:
    if isinstance(value, datetime.time):  # a cell of the format hh:mm:ss
        return f"{value:%H:%M:%S.%f}"
    return str(value)


def _openpyxl() -> Any:
    with needed_by("a workbook"):
        import openpyxl
    return openpyxl
