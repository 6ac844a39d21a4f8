"""How the fields of the result types become named columns of the tables, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eyeline.errors import DataError
from eyeline.geometry.directions import to_yaw_pitch
from eyeline.results import (
    Answer,
    Directions,
    Ints,
    Points,
    Scores,
    Segments,
    person_label,
    target_label,
)

COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "frames": {"frame": ("frame",), "start_s": ("time_s",), "end_s": ("end_s",)},
    "people": {
        "frame": ("frame",),
        "time_s": ("time_s",),
        "person": ("person",),
        "track_id": ("track_id",),
        "box_xyxy": ("x1_px", "y1_px", "x2_px", "y2_px"),
        "score": ("score",),
        "detected": ("detected",),
        "quality": ("quality",),
        "eyes_px": ("eyes_x_px", "eyes_y_px"),
        "yaw_deg": ("yaw_deg",),
        "pitch_deg": ("pitch_deg",),
        "roll_deg": ("roll_deg",),
    },
    "scores": {
        "frame": ("frame",),
        "time_s": ("time_s",),
        "person": ("person",),
        "value": ("value",),
    },
    "directions": {
        "frame": ("frame",),
        "time_s": ("time_s",),
        "person": ("person",),
        "origin_px": ("origin_x_px", "origin_y_px"),
        "direction": ("direction_x", "direction_y", "direction_z"),
        "concentration": ("concentration",),
    },
    "points": {
        "frame": ("frame",),
        "time_s": ("time_s",),
        "person": ("person",),
        "point_px": ("x_px", "y_px"),
        "target": ("target",),
        "probability": ("probability",),
        "target_xyxy": ("target_x1_px", "target_y1_px", "target_x2_px", "target_y2_px"),
    },
    "segments": {
        "person": ("person",),
        "start_s": ("start_s",),
        "end_s": ("end_s",),
        "score": ("score",),
    },
}
"""For each table the numeric fields of the result type and the columns that hold them."""

KINDS: Mapping[str, type[Any]] = {
    "scores": Scores,
    "directions": Directions,
    "points": Points,
    "segments": Segments,
}

WHOLE = frozenset({"frame", "person", "track_id", "target"})
"""Columns of whole numbers."""
SOURCE = "source"
"""Column that says whether people have corrected a row; tables of before 0.2 lack it."""
COMPUTED, CORRECTED = "computed", "corrected"
SOURCED = frozenset({"people", *KINDS})
_LABELS: Mapping[str, Callable[[int], str]] = {"person": person_label, "target": target_label}
_HEATMAP_BYTES = 1 << 25


def schema_of(name: str, answers: Sequence[Any]) -> Any:
    """The `pyarrow.Schema` of a table; that of points keeps the size of each answer's heatmaps."""
    import pyarrow as pa

    fields = []
    if name in KINDS:
        fields += [pa.field(n, pa.string(), nullable=False) for n in ("system", "builder", "name")]
    for columns in COLUMNS[name].values():
        for column in columns:
            fields.append(pa.field(column, _type(column), nullable=False))
            if column in _LABELS:
                fields.append(pa.field(f"{column}_label", pa.string(), nullable=False))
    fields += [pa.field(n, kind(), nullable=n == "heatmap") for n, kind in _extra(name).items()]
    if name in SOURCED:
        fields.append(pa.field(SOURCE, pa.string(), nullable=False))
    metadata = {"eyeline.table": name}
    if name == "points":
        metadata["eyeline.heatmap_rows_columns"] = json.dumps([heatmap_shape(a) for a in answers])
    return pa.schema(fields, metadata=metadata)


def _extra(name: str) -> dict[str, Callable[[], Any]]:
    import pyarrow as pa

    return {
        "scores": {"threshold": pa.float64},
        "directions": {"yaw_deg": pa.float64, "pitch_deg": pa.float64},
        "points": {"heatmap": pa.binary},
        "segments": {"duration_s": pa.float64, "label": pa.string},
    }.get(name, {})


def _type(column: str) -> Any:
    import pyarrow as pa

    if column == "detected":
        return pa.bool_()
    return pa.int64() if column in WHOLE else pa.float64()


def heatmap_shape(answer: Answer) -> list[int] | None:
    """Rows and columns of the heatmaps that points carry, None without."""
    heatmap = getattr(answer, "heatmap", None)
    return None if heatmap is None else [int(n) for n in heatmap.shape[1:]]


def columns_of(
    name: str, answer: Any, rows: slice, shown: Callable[[str], str] = str
) -> dict[str, Any]:
    """All columns of some rows of an answer but the heatmap: arrays `(n,)` and lists, by name.

    Args:
        name: the table's name.
        answer: the answer, the people or the clock.
        rows: which rows.
        shown: what to write for a label, see `Analysis.shown`.
    """
    n = rows.stop - rows.start
    columns: dict[str, Any] = {}
    for field, names in COLUMNS[name].items():
        array = getattr(answer, field)[rows]
        parts = [array] if len(names) == 1 else list(array.T)
        columns |= {c: _wide(c, part) for c, part in zip(names, parts, strict=True)}
    for column in _LABELS.keys() & columns.keys():
        columns[f"{column}_label"] = _labels(columns[column], _LABELS[column], shown)
    if name in KINDS:
        columns |= {k: [getattr(answer, k)] * n for k in ("system", "builder", "name")}
    if name == "scores":
        columns["threshold"] = np.full(n, answer.threshold, np.float64)
    if name == "directions":
        yaw, pitch = to_yaw_pitch(answer.direction[rows].astype(np.float64))
        columns |= {"yaw_deg": np.degrees(yaw), "pitch_deg": np.degrees(pitch)}
    if name == "segments":
        columns["duration_s"] = columns["end_s"] - columns["start_s"]
        columns["label"] = [shown(label) for label in answer.label[rows]]
    if name in SOURCED:
        columns[SOURCE] = _sources(answer.corrected, rows)
    return columns


def _sources(corrected: Any, rows: slice) -> list[str]:
    if corrected is None:
        return [COMPUTED] * (rows.stop - rows.start)
    return [CORRECTED if one else COMPUTED for one in corrected[rows].tolist()]


def _wide(column: str, array: Any) -> Any:
    if column == "detected":
        return array.astype(bool)
    return np.ascontiguousarray(array, np.int64 if column in WHOLE else np.float64)


def _labels(numbers: Ints, name_of: Callable[[int], str], shown: Callable[[str], str]) -> list[str]:
    values, where = np.unique(numbers, return_inverse=True)
    names = np.array([shown(name_of(int(v))) for v in values], object)
    return [] if not len(values) else list(names[where])


def arrays_of(name: str, table: Any, dtypes: Mapping[str, str]) -> dict[str, Any]:
    """The numeric fields of a result type out of rows of its table.

    Args:
        name: the table's name.
        table: a `pyarrow.Table`, or a slice of one.
        dtypes: the type that each field had; a field not named keeps that of the table.
    """
    fields: dict[str, Any] = {}
    for field, columns in COLUMNS[name].items():
        parts = [table.column(column).to_numpy() for column in columns]
        array = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
        fields[field] = array.astype(dtypes.get(field, array.dtype))
    return fields


def dtypes_of(name: str, answer: Any) -> dict[str, str]:
    """The types of the fields that `arrays_of` restores."""
    return {field: getattr(answer, field).dtype.name for field in COLUMNS[name]}


class Heatmaps:
    """Bytes of the heatmaps of points, a slice of rows at a time."""

    def __init__(self, points: Points) -> None:
        """Sort the heatmaps by row; DataError where they do not belong to rows."""
        maps, at = points.heatmap, np.asarray(points.heatmap_row)
        if (maps is None and len(at)) or len(np.unique(at)) != len(at):
            raise DataError(f"points '{points.name}' name rows with no or two heatmaps")
        if len(at) and not (at.min() >= 0 and at.max() < len(points)):
            raise DataError(f"points '{points.name}' have heatmaps for rows they do not have")
        self._order = np.argsort(at, kind="stable")
        self._rows, self._maps = at[self._order], maps
        if maps is not None and maps.dtype != np.uint8:
            raise DataError(f"heatmaps of points '{points.name}' are {maps.dtype}, not uint8")
        cells = 0 if maps is None else int(np.prod(maps.shape[1:]))
        self.rows_at_once = max(1, _HEATMAP_BYTES // max(cells, 1))

    def of(self, rows: slice) -> list[bytes | None]:
        """For each row its heatmap in C order, or None."""
        cells: list[bytes | None] = [None] * (rows.stop - rows.start)
        low, high = np.searchsorted(self._rows, [rows.start, rows.stop])
        for k in range(int(low), int(high)):
            assert self._maps is not None
            cells[int(self._rows[k]) - rows.start] = self._maps[self._order[k]].tobytes()
        return cells
