"""Names of Aria's recordings: those of today's release to those of the pilot, in the lists."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

from eyeline.errors import DataError

_HEAD = ("new video name", "original video name")
_TEXTS, _SHEET = "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"
_MOST_BYTES = 4_000_000
"""Of a part of the table; the authors' has 30 kB."""
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_names(path: Path) -> dict[str, str]:
    """The authors' `aria_video_ids_matching.xlsx`: today's name -> the pilot's, `movie_<id>`.

    Raises:
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
        said = ["".join(t.text or "" for t in one.iter(f"{_SPACE}t")) for one in texts]
        return [_row(row, said) for row in sheet.iter(f"{_SPACE}row")]
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


def _row(row: ElementTree.Element, said: list[str]) -> tuple[str, str]:
    result = {"A": "", "B": ""}
    for cell in row.iter(f"{_SPACE}c"):
        column = cell.get("r", "").rstrip("0123456789")
        value = cell.findtext(f"{_SPACE}v", "")
        if cell.get("t") == "s":
            value = said[int(value)]
        elif cell.get("t") == "inlineStr":
            value = "".join(t.text or "" for t in cell.iter(f"{_SPACE}t"))
        if column in result:
            result[column] = value
    return result["A"], result["B"]
