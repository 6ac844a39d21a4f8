"""Files of predicted looks: a table of points, and the authors' two tables of gaze points."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.files import write_bytes
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import rows
from eyeline.systems.gaze_following.formats import BestGaze, Prediction

COLUMNS = (
    "frame_name", "head_xmin", "head_ymin", "head_xmax", "head_ymax", "gaze_x", "gaze_y",
)  # fmt: skip
"""That every table has; an empty cell of the head or the gaze is not told."""
FURTHER = ("in_frame", "looked_at", "person")
"""That it may have: probability that the look stays in the picture; name of the person looked at,
`0` for none, `-1` for off screen; name of the looker, where the picture's name does not tell it."""
NOBODY, OFF_SCREEN = "0", "-1"
"""Of `Predictions.looked_at`."""


@dataclass(frozen=True)
class Predictions:
    """Predicted looks, one row a person and picture."""

    source: tuple[str, ...]
    """`n` places, file and line."""
    frame_name: tuple[str, ...]
    """`n` names of pictures as the data set has them."""
    head_xyxy: Floats
    """`(n, 4)` pixels, NaN where not told."""
    point_px: Floats
    """`(n, 2)`, NaN where no point was found."""
    in_frame: Floats
    """`(n,)` probability that the look stays in the picture, NaN where not told."""
    looked_at: tuple[str | None, ...]
    """`n` names; None where not told."""
    person: tuple[str | None, ...]
    """`n` names of the lookers; None where not told."""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the lengths; DataError says which is wrong."""
        sizes = {"row": len(self.source)}
        check_shape(self.head_xyxy, "row 4", "head boxes of predictions", sizes)
        check_shape(self.point_px, "row 2", "points of predictions", sizes)
        check_shape(self.in_frame, "row", "in_frame of predictions", sizes)
        for name in ("frame_name", "looked_at", "person"):
            if len(getattr(self, name)) != len(self):
                raise DataError(f"{name} of predictions has {len(getattr(self, name))} rows")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.source)

    def take(self, at: Ints) -> Predictions:
        """Some of the rows."""
        chosen = at.tolist()
        names = {
            name: tuple(getattr(self, name)[i] for i in chosen)
            for name in ("source", "frame_name", "looked_at", "person")
        }
        return Predictions(
            head_xyxy=self.head_xyxy[at], point_px=self.point_px[at], in_frame=self.in_frame[at],
            notes=self.notes, **names,
        )  # fmt: skip


def made(
    frame_name: Sequence[str],
    point_px: Floats,
    *,
    head_xyxy: Floats | None = None,
    in_frame: Floats | None = None,
    looked_at: Sequence[str | None] | None = None,
    person: Sequence[str | None] | None = None,
    source: str = "the predictions",
) -> Predictions:
    """Predictions of columns, what is None not told; see `Predictions`."""
    n = len(frame_name)
    nothing = (None,) * n
    return Predictions(
        tuple(f"{source}, row {i + 1}" for i in range(n)), tuple(frame_name),
        np.full((n, 4), np.nan) if head_xyxy is None else np.asarray(head_xyxy, np.float64),
        np.asarray(point_px, np.float64).reshape(n, 2),
        np.full(n, np.nan) if in_frame is None else np.asarray(in_frame, np.float64),
        nothing if looked_at is None else tuple(looked_at),
        nothing if person is None else tuple(person),
    )  # fmt: skip


def read(path: Path | str) -> Predictions:
    """Predictions of a table with a header, of the authors' `KETI_Sequence.csv` or best gaze.

    Raises:
        DataError: naming file and line: columns that are missing or unknown, a value of another
            kind, an `in_frame` outside of 0 to 1.
    """
    path = Path(path)
    lines = rows.read(path, 1, len(COLUMNS) + len(FURTHER))
    where, header = next(lines, (f"{path}, line 1", []))
    names = tuple(cell.strip() for cell in header)
    if set(formats.SEQUENCE_COLUMNS) <= {*names}:
        return _sequence(path)
    if set(formats.BEST_COLUMNS) <= {*names}:
        return _best(path)
    lacking = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in (*COLUMNS, *FURTHER)]
    if lacking or unknown or len(set(names)) < len(names):
        fault = f"no column {', '.join(lacking)}" if lacking else f"columns {', '.join(names)}"
        raise DataError(
            f"{where}: {fault}; a table of looks has {','.join(COLUMNS)} and may have "
            f"{','.join(FURTHER)}"
        )
    return _table(names, lines)


def write(path: Path | str, found: Predictions) -> None:
    """Write a table of predictions; columns of which nothing is told are left out."""
    told = {
        "in_frame": not np.isnan(found.in_frame).all(),
        "looked_at": any(name is not None for name in found.looked_at),
        "person": any(name is not None for name in found.person),
    }
    further = [name for name in FURTHER if told[name]]
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *further])
    for i in range(len(found)):
        values = (*found.head_xyxy[i].tolist(), *found.point_px[i].tolist())
        cells = {
            "in_frame": _cell(float(found.in_frame[i])), "looked_at": found.looked_at[i] or "",
            "person": found.person[i] or "",
        }  # fmt: skip
        row = [found.frame_name[i], *map(_cell, values), *(cells[name] for name in further)]
        table.writerow(row)
    write_bytes(Path(path), text.getvalue().encode())


def _table(names: tuple[str, ...], lines: rows.Lines) -> Predictions:
    source, frame_name, head, point, chance = [], [], [], [], []
    looked_at: list[str | None] = []
    person: list[str | None] = []
    for where, cells in lines:
        if len(cells) != len(names):
            raise DataError(f"{where}: {len(cells)} columns, expected {len(names)}")
        cell = dict(zip(names, (c.strip() for c in cells), strict=True))
        values = _numbers(where, cell, (*COLUMNS[1:], "in_frame"))
        if not np.isnan(values[6]) and not 0 <= values[6] <= 1:
            raise DataError(f"{where}: in_frame is {values[6]:g}, expected one in [0, 1]")
        if not np.isnan(values[:4]).any():
            rows.check_box(where, values[:4])
        source.append(where)
        frame_name.append(cell["frame_name"])
        head.append(values[:4])
        point.append(values[4:6])
        chance.append(values[6])
        looked_at.append(cell.get("looked_at") or None)
        person.append(cell.get("person") or None)
    return Predictions(
        tuple(source), tuple(frame_name), _block(head, 4), _block(point, 2),
        np.array(chance, np.float64), tuple(looked_at), tuple(person),
    )  # fmt: skip


def _sequence(path: Path) -> Predictions:
    note = (
        f"{path} has the form of KETI_Sequence.csv: predictions of the authors' code, made with "
        "known faults; no truth"
    )
    return _of_authors(path, formats.read_sequence(path), (note,))


def _best(path: Path) -> Predictions:
    return _of_authors(path, formats.read_best(path))


def _of_authors(
    path: Path, found: Sequence[Prediction] | Sequence[BestGaze], notes: tuple[str, ...] = ()
) -> Predictions:
    n = len(found)
    return Predictions(
        tuple(f"{path}, row {i + 1}" for i in range(n)), tuple(row.name for row in found),
        _block([list(row.head_xyxy) for row in found], 4),
        _block([list(row.point_px) for row in found], 2),
        np.full(n, np.nan), (None,) * n, (None,) * n, notes,
    )  # fmt: skip


def _numbers(where: str, cell: dict[str, str], names: Sequence[str]) -> list[float]:
    told = [name for name in names if cell.get(name)]
    values = dict(zip(told, rows.numbers(where, [cell[n] for n in told], told), strict=True))
    return [values.get(name, float("nan")) for name in names]


def _block(values: list[list[float]], width: int) -> npt.NDArray[np.float64]:
    return np.array(values, np.float64).reshape(-1, width)


def _cell(value: float) -> str:
    return "" if np.isnan(value) else repr(value)
