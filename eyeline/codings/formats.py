"""The formats of codings: a row for each, by which files are read and written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eyeline.codings import boris, datavyu, eaf, table, textgrid, webvtt
from eyeline.codings.coding import Coding
from eyeline.codings.table import Dialect, csv_bytes
from eyeline.documents import MIB
from eyeline.errors import DataError, UsageError

_MOST_BYTES = 512 * MIB
_XML_CODES = ("utf-8", "utf-16-le", "utf-16-be")
Read = Callable[[bytes, str, str], Coding]
"""Of the bytes of a file, its name for messages, and which part of it."""
Write = Callable[[Coding, Dialect], bytes]


@dataclass(frozen=True)
class Format:
    """One kind of file that holds a coding."""

    about: str
    suffixes: tuple[str, ...]
    write: Write
    read: Read | None = None
    """None for one that is only written."""


def text_of(data: bytes, source: str) -> str:
    """Text in UTF-8, or in UTF-16 with its mark, as Praat and Excel write it."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source} is no text in UTF-8 or UTF-16 (byte {error.start}): save it as UTF-8"
        ) from None


def _read_table(data: bytes, source: str, part: str) -> Coding:
    text = text_of(data, source)
    if datavyu.is_text(text):
        return datavyu.read_text(text, source)
    if boris.is_events(text):
        return boris.read_events(text, source, part)
    if datavyu.is_column(text):
        return datavyu.read_column(text, source)
    return table.read(text, source)


def _read_workbook(data: bytes, source: str, part: str) -> Coding:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _MOST_BYTES:
                raise DataError(f"{source} unpacks to more than {_MOST_BYTES // MIB} MiB")
            parts = (archive.read(member) for member in members)
            declares = any("<!DOCTYPE".encode(code) in xml for xml in parts for code in _XML_CODES)
    except table.BROKEN_ARCHIVE as error:
        raise DataError(f"{source} is no readable workbook: {error}") from None
    if declares:
        raise DataError(f"{source} has a document type declaration, which is refused")
    return table.read_workbook(io.BytesIO(data), source)


FORMATS: Mapping[str, Format] = {
    "eaf": Format(
        "ELAN", (".eaf", ".etf"), lambda c, _: eaf.write(c), lambda d, s, _: eaf.read(d, s)
    ),
    "textgrid": Format(
        "Praat TextGrid", (".textgrid",), lambda c, _: textgrid.write(c).encode(),
        lambda d, s, _: textgrid.read(text_of(d, s), s),
    ),
    "boris": Format(
        "BORIS project", (".boris",), lambda c, _: boris.write_project(c).encode(),
        lambda d, s, part: boris.read_project(text_of(d, s), s, part),
    ),
    "boris-events": Format(
        "BORIS tabular events", (".boris.csv", ".boris.tsv"),
        lambda c, dialect: csv_bytes(boris.write_events(c, dialect), dialect), _read_table,
    ),
    "datavyu": Format(
        "Datavyu spreadsheet", (".opf",), lambda c, _: datavyu.write_opf(c),
        lambda d, s, _: datavyu.read_opf(d, s),
    ),
    "datavyu-csv": Format(
        "Datavyu CSV", (".datavyu.csv",), lambda c, _: datavyu.write_text(c).encode(), _read_table
    ),
    "csv": Format(
        "table of intervals", (".csv", ".tsv"),
        lambda c, dialect: csv_bytes(table.write(c, dialect), dialect), _read_table,
    ),
    "xlsx": Format(
        "workbook", (".xlsx",), lambda c, _: table.write_workbook(c), _read_workbook
    ),
    "webvtt": Format("WebVTT subtitles", (".vtt",), lambda c, _: webvtt.write(c).encode()),
}  # fmt: skip


def format_of(path: Path) -> str:
    """The name of a file's format by its name; UsageError where none has it, with all there are."""
    return _ending(path)[1]


def stem_of(path: Path) -> str:
    """A file's name without the end that says its format; UsageError as for `format_of`."""
    return path.name[: -len(_ending(path)[0])]


def _ending(path: Path) -> tuple[str, str]:
    """The longest end of a file's name that a format has, and the format."""
    endings = [(suffix, key) for key, one in FORMATS.items() for suffix in one.suffixes]
    fitting = [one for one in endings if path.name.lower().endswith(one[0])]
    if not fitting:
        known = ", ".join(suffix for suffix, _ in endings)
        raise UsageError(f"{path}: no format is known by this name; a coding ends in {known}")
    return max(fitting, key=lambda one: len(one[0]))


def read_file(path: Path, part: str = "") -> Coding:
    """The coding of a file.

    Args:
        path: the file.
        part: which observation of a BORIS project; empty where there is one alone.

    Raises:
        UsageError: no format is known by its name, or one that is only written.
        DataError: the file cannot be read, or does not hold what its name says.
    """
    one = FORMATS[format_of(path)]
    if one.read is None:
        raise UsageError(f"{path}: {one.about} are written only, not read as a coding")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(
                f"{path} is larger than {_MOST_BYTES // MIB} MiB, too large for its kind"
            )
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    return replace(one.read(data, str(path), part), source=str(path))
