"""`areas.parquet` and `areas.csv`: where areas of interest are, a row an area and frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.export.columns import CORRECTED, SOURCE
from eyeline.export.files import AREAS
from eyeline.export.spans import clock_of
from eyeline.export.tables import csv_rounded
from eyeline.files import replacing
from eyeline.results import Analysis, AreaShape, Clock, Floats


def write_areas(analysis: Analysis, folder: Path) -> None:
    """Write both tables, if people have drawn areas; OutputError where that cannot be."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    areas = analysis.corrected.areas if analysis.corrected else ()
    if not areas:
        return
    clock = clock_of(analysis)
    columns = [_columns(area, analysis.shown(area.label), clock) for area in areas]
    whole = {name: [v for c in columns for v in c[name]] for name in columns[0]}
    table = pa.table(whole)
    with replacing(folder / f"{AREAS}.parquet") as path:
        pq.write_table(table, path, compression="zstd")
    whole["corners_px"] = [_text(corners) for corners in whole["corners_px"]]
    with replacing(folder / f"{AREAS}.csv") as path:
        pa_csv.write_csv(csv_rounded(pa.table(whole)), path)


def read_corners(folder: Path, frames: int) -> dict[int, Floats]:
    """Corners `(frames, corners, 2)` of the areas in a folder that were tracked, by operation.

    Args:
        folder: where the table lies, if there is one.
        frames: analysed frames; areas of another number of them are left out.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / f"{AREAS}.parquet"
    try:
        rows = pq.read_table(path).to_pylist() if path.is_file() else []
        tracked = [row for row in rows if row["between"] == "track"]
        return {
            entry: np.array([r["corners_px"] for r in own], np.float64).reshape(frames, -1, 2)
            for entry, own in _by_entry(tracked)
            if len(own) == frames
        }
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError):
        return {}  # they are tracked again


def _by_entry(rows: list[dict[str, Any]]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    for entry in dict.fromkeys(row["entry"] for row in rows):
        yield entry, [row for row in rows if row["entry"] == entry]


def _columns(area: AreaShape, name: str, clock: Clock) -> dict[str, list[Any]]:
    n, corners = len(clock), area.corners_px
    low, high = corners.min(axis=1), corners.max(axis=1)
    return {
        "area": [int(area.label.removeprefix("area "))] * n,
        "area_label": [name] * n,
        "frame": clock.frame.tolist(),
        "time_s": clock.start_s.tolist(),
        "x1_px": low[:, 0].tolist(),
        "y1_px": low[:, 1].tolist(),
        "x2_px": high[:, 0].tolist(),
        "y2_px": high[:, 1].tolist(),
        "corners_px": corners.reshape(n, -1).tolist(),
        "between": [area.between] * n,
        "entry": [area.entry] * n,
        SOURCE: [CORRECTED] * n,
    }


def _text(corners: list[float]) -> str:
    """Corners as `x,y x,y`; empty where there are none."""
    if any(np.isnan(corners)):
        return ""
    pairs = np.reshape(corners, (-1, 2)).tolist()
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in pairs)
