"""The tables of a video's gaze points: `fixations.csv`, and with their clusters `training.csv`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.files import write_bytes
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.discovery.gaze_points import unrolled
from eyeline.systems.eye_contact.tracklets import read_csv, whole_number

FIXATIONS, TRAINING = "fixations.csv", "training.csv"

_POINT = ("x", "y", "z", "camera_x", "camera_y")
_CLUSTERED = ("virtual_x", "virtual_y", "optics")


@dataclass(frozen=True)
class GazePoints:
    """Gaze points of the person of a video, in order of time."""

    frame: Ints
    """`(n,)` frames at 25 Hz."""
    cylinder_mm: Floats
    """`(n, 3)` on the cylinder in the body's frame; (0, 0, 0) where it is missed."""
    camera_mm: Floats
    """`(n, 2)` on the plane through the camera."""

    def __post_init__(self) -> None:
        """Check the shapes."""
        sizes = check_shape(self.frame, "point", "frame")
        check_shape(self.cylinder_mm, "point 3", "cylinder_mm", sizes)
        check_shape(self.camera_mm, "point 2", "camera_mm", sizes)

    def __len__(self) -> int:
        """Number of points."""
        return len(self.frame)


def read_fixations(path: Path) -> GazePoints:
    """The gaze points of a `fixations.csv`; columns besides its own are passed over.

    Raises:
        DataError: no such file, a column is missing, or a cell is no number, with its line.
    """
    frames, values = [], []
    for line, cells in read_csv(path, ("frame", *_POINT)):
        where = f"{path}, line {line}"
        frames.append(whole_number(cells["frame"].removesuffix(".0"), "frame", where))
        values.append([_number(cells, name, where) for name in _POINT])
    table = np.array(values, np.float64).reshape(-1, len(_POINT))
    return GazePoints(np.array(frames, np.int64), table[:, :3], table[:, 3:])


def write_fixations(path: Path, points: GazePoints) -> None:
    """Write `fixations.csv`, whole or not at all, numbers to their last digit."""
    rows = zip(points.frame, points.cylinder_mm, points.camera_mm, strict=True)
    _write(path, ("frame", *_POINT), ([int(f), *map(float, (*p, *c))] for f, p, c in rows))


def write_training(path: Path, points: GazePoints, optics: Ints) -> None:
    """Write `training.csv`: the points that can be laid flat, with their place there and cluster.

    Args:
        path: where to.
        points: all gaze points of the video.
        optics: `(kept,)` cluster of each point that `gaze_points.unrolled` keeps.
    """
    kept, flat = unrolled(points.cylinder_mm)
    check_shape(optics, "point", "optics", {"point": len(flat)})
    columns = (points.frame[kept], points.cylinder_mm[kept], points.camera_mm[kept], flat, optics)
    rows = zip(*columns, strict=True)
    _write(
        path,
        ("frame", *_POINT, *_CLUSTERED),
        ([int(f), *map(float, (*p, *c, *v)), int(o)] for f, p, c, v, o in rows),
    )


def read_training(path: Path) -> tuple[Ints, Ints]:
    """Frames `(n,)` and clusters `(n,)` of a `training.csv`.

    Raises:
        DataError: as `read_fixations`.
    """
    rows = [
        [
            whole_number(cells[name].removesuffix(".0"), name, f"{path}, line {line}")
            for name in ("frame", "optics")
        ]
        for line, cells in read_csv(path, ("frame", "optics"))
    ]
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _write(path: Path, head: Iterable[str], rows: Iterable[Iterable[float]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def _number(cells: Mapping[str, str], column: str, where: str) -> float:
    try:
        value = float(cells[column])
    except ValueError:
        raise DataError(f"{where}: column '{column}' holds {cells[column]!r}, no number") from None
    # A look along the camera's plane meets it nowhere; only the cylinder's points are used.
    if not math.isfinite(value) and not column.startswith("camera"):
        raise DataError(f"{where}: column '{column}' holds {value}, no place")
    return value
