"""A growing table of measured faces, about 200 bytes a face and frame, most of it in a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline import spill

_AT_ONCE = 1 << 12

_ROW = np.dtype(
    [
        ("frame", "i4"),
        ("time_s", "f8"),
        ("end_s", "f8"),
        ("track_id", "i4"),
        ("shot", "i4"),
        ("box", "f4", 4),
        ("five", "f4", (5, 2)),
        ("score", "f4"),
        ("detected", "?"),
        ("six", "f4", (6, 2)),
        ("quality", "f4"),
        ("iris", "f4", 2),
        ("lids", "f4"),
        ("mouth", "f4"),
        ("turn", "f4", (3, 3)),
        ("turn_error", "f4"),
        ("look", "f4", 2),
        ("look_error", "f4"),
    ]
)


class Rows:
    """Appends rows, of which few are held in memory."""

    def __init__(self) -> None:
        """Begin empty, with room for some rows."""
        self._earlier: list[npt.NDArray[Any]] = []
        self._table, self._count = np.zeros(_AT_ONCE, _ROW), 0

    def add(self, **columns: Any) -> None:
        """Append one row; every column must be named."""
        if self._count == len(self._table):
            self._earlier.append(spill.on_disk(self._table.copy()))
            self._count = 0
        self._table[self._count] = tuple(columns[name] for name in _ROW.names or ())
        self._count += 1

    def table(self) -> npt.NDArray[Any]:
        """All rows, in order of arrival."""
        latest = self._table[: self._count]
        if not self._earlier:
            return latest
        self.replace(spill.on_disk(*self._earlier, latest))
        return self._earlier[0]

    def forget(self, before_s: float) -> None:
        """Drop the rows of frames that begin before a time."""
        table = self.table()
        self.replace(table[table["time_s"] >= before_s])

    def replace(self, table: npt.NDArray[Any]) -> None:
        """Hold other rows instead."""
        fits = len(table) < len(self._table)
        self._count = len(table) if fits else 0
        self._table[: self._count] = table[: self._count]
        self._earlier = [] if fits else [table]
