"""Rows of comma separated text with places for messages."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from eyeline.errors import DataError

Lines = Iterator[tuple[str, list[str]]]
"""Places and cells."""


def read(path: Path, least: int, most: int | None = None) -> Lines:
    """Place and cells of each row that is not empty.

    Args:
        path: the file.
        least: cells that a row has at least.
        most: cells that it has at most, by default as many.

    Raises:
        DataError: no such file, no text, or a row of another length.
    """
    most = least if most is None else most
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.reader(file)
            for cells in table:
                where = f"{path}, line {table.line_num}"
                if not any(cell.strip() for cell in cells):
                    continue
                if not least <= len(cells) <= most:
                    known = f"{least}" if least == most else f"{least} to {most}"
                    raise DataError(f"{where}: {len(cells)} columns, expected {known}")
                yield where, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def numbers(where: str, cells: Sequence[str], names: Sequence[str]) -> list[float]:
    """Cells as numbers; DataError names the first that is none."""
    result = []
    for name, cell in zip(names, cells, strict=True):
        try:
            value = float(cell)
        except ValueError:
            raise DataError(f"{where}: {name} is '{cell.strip()}', expected a number") from None
        if value != value or value in (float("inf"), float("-inf")):
            raise DataError(f"{where}: {name} is {cell.strip()}")
        result.append(value)
    return result


def check_box(where: str, box: Sequence[float], what: str = "head box") -> None:
    """DataError unless a box has its corners in order."""
    if not (box[0] < box[2] and box[1] < box[3]):
        raise DataError(f"{where}: the {what} {', '.join(f'{v:g}' for v in box)} is empty")
