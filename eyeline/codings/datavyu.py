"""Datavyu: spreadsheets (.opf), the text that they hold, and tables of the cells of one column."""

from __future__ import annotations

import io
import re
import zipfile

from eyeline.codings.coding import Coding, Rows, stamp
from eyeline.codings.table import BROKEN_ARCHIVE, rows_of
from eyeline.documents import MIB
from eyeline.errors import DataError

_VERSION = "#4"
_MOST_BYTES = 256 * MIB
_COLUMN = re.compile(r"(?P<name>.+?) \((?P<kind>\w+),(true|false),(?P<about>.*)\)-(?P<codes>.*)")
_CELL = re.compile(r"(?P<onset>[\d:]+),(?P<offset>[\d:]+),(?P<values>.*)")
_PROJECT = "!project\ndbFile: db\nname: {name}\norigpath: ''\nversion: 5\nviewerSettings: []\n"


def read_opf(data: bytes, source: str) -> Coding:
    """The columns of a spreadsheet; DataError for what is no .opf file, or declares a huge one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = archive.getinfo("db")
            if info.file_size > _MOST_BYTES:
                raise DataError(f"{source}: its 'db' is larger than {_MOST_BYTES // MIB} MiB")
            with archive.open(info) as db:
                content = db.read(_MOST_BYTES + 1)
        return read_text(content.decode("utf-8-sig"), source)
    except UnicodeDecodeError as error:
        raise DataError(f"{source}: its 'db' is not in UTF-8 (byte {error.start})") from None
    except (*BROKEN_ARCHIVE, KeyError) as error:
        raise DataError(f"{source} is no Datavyu spreadsheet: {error}") from None


def is_text(text: str) -> bool:
    """Whether a text is that of a spreadsheet: it begins with the format's number."""
    return bool(re.match(r"#\d+\s*\n", text))


def read_text(text: str, source: str) -> Coding:
    """The columns of a spreadsheet's text: a tier for each code of a column.

    A column with one code is the tier; of several, the tiers are called `column.code`. A cell
    whose offset was not set (0) is a point in time.
    """
    if not is_text(text):
        raise DataError(f"{source} is no Datavyu spreadsheet: it must begin with '{_VERSION}'")
    rows = Rows(source)
    tiers: list[str] = []
    for number, line in enumerate(text.splitlines()[1:], start=2):
        where = f"line {number}"
        if cell := _CELL.fullmatch(line):
            onset, offset = (_seconds(cell[k], f"{source}, {where}") for k in ("onset", "offset"))
            given = cell["values"].removeprefix("(").removesuffix(")")
            values = [_plain(part) for part in _split(given)]
            if len(values) < len(tiers) or not tiers:
                raise DataError(
                    f"{source}, {where}: {len(values)} codes, expected {len(tiers) or 'a column'}"
                )
            for tier, value in zip(tiers, values, strict=False):
                rows.add(tier, onset, offset or onset, value, where)
        elif column := _COLUMN.fullmatch(line):
            codes = [re.split(r"(?<!\\)\|", code)[0] for code in _split(column["codes"])]
            name = column["name"]
            tiers = [name] if len(codes) <= 1 else [f"{name}.{_plain(code)}" for code in codes]
            for tier in tiers:
                rows.tier(tier, kind=name)
        elif line.strip():
            raise DataError(f"{source}, {where}: neither a column nor a cell: {line[:60]}")
    return rows.coding()


def is_column(text: str) -> bool:
    """Whether a table holds the cells of one column: `ordinal`, `onset` and `offset`."""
    head = {name.strip().lower() for name in re.split(r"[,;\t]", text.split("\n", 1)[0])}
    return {"ordinal", "onset", "offset"} <= {name.rpartition(".")[2] for name in head}


def read_column(text: str, source: str) -> Coding:
    """A table of the cells of one column, times in milliseconds."""
    table, _ = rows_of(text, source)
    names = [name.strip() for name in table[0].cells]
    at = {name.lower().rpartition(".")[2]: n for n, name in enumerate(names)}
    codes = [
        (name, n) for n, name in enumerate(names)
        if name.lower().rpartition(".")[2] not in ("file", "column", "ordinal", "onset", "offset")
    ]  # fmt: skip
    rows = Rows(source)
    for line, cells in table[1:]:
        where = f"line {line}"
        try:
            onset, offset = (float(cells[at[side]]) / 1000 for side in ("onset", "offset"))
        except (ValueError, IndexError):
            raise DataError(
                f"{source}, {where}: onset and offset must be milliseconds, not {cells[:5]}"
            ) from None
        for name, n in codes:
            value = cells[n].strip() if n < len(cells) else ""
            rows.add(rows.tier(name, kind=name), onset, offset or onset, value, where)
    return rows.coding()


def _seconds(text: str, where: str) -> float:
    parts = text.split(":")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise DataError(f"{where}: '{text}' is no time; expected hh:mm:ss:mmm")
    hours, minutes, whole, milli = map(int, parts)
    return (hours * 60 + minutes) * 60 + whole + milli / 1000


def _split(text: str) -> list[str]:
    return re.split(r"(?<!\\),", text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).strip()


def write_text(coding: Coding) -> str:
    """The text of a spreadsheet, on the clock of players: a column with one code for each tier."""
    coding = coding.shifted(coding.origin_s)
    lines = [_VERSION]
    for tier in coding.tiers:
        lines.append(f"{_name(tier.name)} (MATRIX,true,)-value|NOMINAL")
        for from_s, to_s, value in tier.intervals:
            times = ",".join(stamp(round(time_s * 1000), ":") for time_s in (from_s, to_s))
            escaped = re.sub(r"([\\,()|-])", r"\\\1", " ".join(value.split()))
            lines.append(f"{times},({escaped})")
    return "\n".join([*lines, ""])


def _name(name: str) -> str:
    """Names of columns are words for Datavyu's scripts."""
    return re.sub(r"\W+", "_", name).strip("_") or "column"


def write_opf(coding: Coding) -> bytes:
    """A spreadsheet; the same bytes for the same coding."""
    file = io.BytesIO()
    name = _name(coding.media or "coding")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in (("db", write_text(coding)), ("project", _PROJECT.format(name=name))):
            archive.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), text.encode())
    return file.getvalue()
