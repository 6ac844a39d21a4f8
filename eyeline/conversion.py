"""One coding or results folder into a file of another program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eyeline.codings.coding import Coding, renamed, revalued, some
from eyeline.codings.eaf_template import write_into
from eyeline.codings.formats import FORMATS, format_of, read_file
from eyeline.codings.table import Dialect, csv_bytes, text_of, workbook
from eyeline.corrections.rewrite import load_corrected
from eyeline.errors import DataError, UsageError
from eyeline.export.boxes import coco_bytes, mot
from eyeline.export.coding import coding_of
from eyeline.export.files import TABLES
from eyeline.export.tables import plain_rows
from eyeline.files import write_bytes
from eyeline.results import Analysis

BOXES: Mapping[str, Callable[[Analysis], bytes]] = {
    ".coco.json": coco_bytes,
    ".mot.txt": lambda analysis: mot(analysis).encode(),
}
"""Ends of names of files that hold boxes, which results folders alone have."""


@dataclass(frozen=True)
class Wishes:
    """What is written, and how."""

    tiers: Sequence[str] = ()
    """Names or kinds of the tiers; none for all."""
    names: Mapping[str, str] = field(default_factory=dict)
    """New names of tiers."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Other words for values."""
    template: Path | None = None
    """An ELAN file into whose tiers the annotations go."""
    table: str = ""
    """A table of a results folder, in place of its tiers."""
    dialect: Dialect = "excel"


def read_any(path: Path) -> Coding:
    """The coding of a results folder or a file; `FILE#NAME` names an observation of BORIS.

    Raises:
        DataError, UsageError: as of `load` and `read_file`.
    """
    if path.is_dir():
        return coding_of(load_corrected(path))
    name, hash_, part = str(path).rpartition("#")
    if not path.exists() and not (hash_ and Path(name).exists()):
        raise DataError(f"{path}: no such file or folder")
    return read_file(path) if path.exists() else read_file(Path(name), part)


def convert(source: Path, out: Path, wishes: Wishes) -> list[str]:
    """Write a file by the end of its name.

    Returns:
        Notes on what was left out.

    Raises:
        UsageError: no format of that name, or wishes that do not fit it.
        DataError: a source or template that cannot be read.
        OutputError: the file cannot be written.
    """
    boxes = next((end for end in BOXES if out.name.lower().endswith(end)), None)
    if boxes or wishes.table:
        data = _of_results(source, out, wishes, boxes)
        write_bytes(out, data)
        return []
    name = format_of(out)
    if wishes.template and name != "eaf":
        raise UsageError(f"--template belongs to ELAN files; {out} is none")
    coding = renamed(_chosen(read_any(source), wishes.tiers), wishes.names)
    coding = revalued(coding, wishes.values)
    notes = list(coding.notes)
    if wishes.template:
        try:
            template = wishes.template.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {wishes.template}: {error.strerror or error}") from None
        data, more = write_into(template, str(wishes.template), coding)
        notes += more
    else:
        dialect = "excel-tab" if out.suffix.lower() == ".tsv" else wishes.dialect
        data = FORMATS[name].write(coding, dialect)
    write_bytes(out, data)
    return notes


def _of_results(source: Path, out: Path, wishes: Wishes, boxes: str | None) -> bytes:
    if wishes.tiers or wishes.names or wishes.values or wishes.template:
        raise UsageError(
            "--tier, --map, --value and --template belong to tiers, not to boxes or tables"
        )
    if boxes and not wishes.table:
        return BOXES[boxes](load_corrected(source))
    if wishes.table not in TABLES:
        raise UsageError(f"--table {wishes.table}; must be one of {', '.join(TABLES)}")
    head, rows = plain_rows(load_corrected(source), wishes.table)
    if out.suffix.lower() == ".xlsx":
        return workbook({wishes.table: (head, rows)})
    if out.suffix.lower() != ".csv":
        raise UsageError(f"{out}: --table writes .csv or .xlsx")
    return csv_bytes(text_of(head, rows, wishes.dialect), wishes.dialect)


def _chosen(coding: Coding, wanted: Sequence[str]) -> Coding:
    if not wanted:
        return coding
    tiers = tuple(tier for tier in coding.tiers if tier.name in wanted or tier.kind in wanted)
    known = {name for tier in coding.tiers for name in (tier.name, tier.kind)}
    if lacking := [name for name in wanted if name not in known]:
        have = some(dict.fromkeys(tier.name for tier in coding.tiers)) or "none"
        raise UsageError(f"{coding.source} has no tier {some(lacking)}; it has: {have}")
    return replace(coding, tiers=tiers)
