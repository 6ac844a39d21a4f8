"""A growing table of measured faces, about 250 bytes a face and frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

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
    """Appends rows; grows by doubling."""

    def __init__(self) -> None:
        """Begin empty, with room for some rows."""
        self._table = np.zeros(1024, _ROW)
        self._count = 0

    def add(self, **columns: Any) -> None:
        """Append one row; every column must be named."""
        if self._count == len(self._table):
            self._table = np.concatenate([self._table, np.zeros(self._count, _ROW)])
        self._table[self._count] = tuple(columns[name] for name in _ROW.names or ())
        self._count += 1

    def table(self) -> npt.NDArray[Any]:
        """All rows, in order of arrival."""
        return self._table[: self._count]

    def forget(self, before_s: float) -> None:
        """Drop the rows of frames that begin before a time."""
        kept = self.table()[self.table()["time_s"] >= before_s]
        self._table[: len(kept)] = kept
        self._count = len(kept)

    def replace(self, table: npt.NDArray[Any]) -> None:
        """Hold other rows instead."""
        self._table, self._count = table, len(table)
