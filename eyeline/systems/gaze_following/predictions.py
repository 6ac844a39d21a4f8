"""Files of predicted looks: a table of points, and the authors' two tables of gaze points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column
from eyeline.results import Floats
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import texts
from eyeline.systems.gaze_following.formats import BestGaze, Prediction

COLUMNS = (
    *("frame_name", "head_xmin", "head_ymin", "head_xmax", "head_ymax"),
    *("gaze_x", "gaze_y"),
)
"""That every table has; an empty cell of the head or the gaze is not known."""
FURTHER = ("in_frame", "looked_at", "person")
"""That it may have: probability that the look stays in the image; name of the person looked at,
`0` for none, `-1` for off screen; name of the looker, where the image's name does not say it."""
NOBODY, OFF_SCREEN = "0", "-1"
"""Of `Predictions.looked_at`."""


@dataclass(frozen=True)
class Predictions(tables.Rows):
    """Predicted looks, one row a person and image."""

    source: tuple[str, ...]
    """`n` places, file and line."""
    frame_name: tuple[str, ...]
    """`n` names of images as the data set has them."""
    head_xyxy: Floats
    """`(n, 4)` pixels, NaN where not known."""
    point_px: Floats
    """`(n, 2)`, NaN without a point."""
    in_frame: Floats
    """`(n,)` probability that the look stays in the image, NaN where not known."""
    looked_at: tuple[str | None, ...]
    """`n` names; None where not known."""
    person: tuple[str | None, ...]
    """`n` names of the lookers; None where not known."""
    notes: tuple[str, ...] = ()

    WHOLE = ("notes",)

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


def predictions_of(
    frame_name: Sequence[str],
    point_px: Floats,
    *,
    head_xyxy: Floats | None = None,
    in_frame: Floats | None = None,
    looked_at: Sequence[str | None] | None = None,
    person: Sequence[str | None] | None = None,
    source: str = "the predictions",
) -> Predictions:
    """Predictions of columns, what is None is not known; see `Predictions`."""
    n = len(frame_name)
    nothing = (None,) * n
    return Predictions(
        tuple(f"{source}, row {i + 1}" for i in range(n)),
        tuple(frame_name),
        np.full((n, 4), np.nan) if head_xyxy is None else np.asarray(head_xyxy, np.float64),
        np.asarray(point_px, np.float64).reshape(n, 2),
        np.full(n, np.nan) if in_frame is None else np.asarray(in_frame, np.float64),
        nothing if looked_at is None else tuple(looked_at),
        nothing if person is None else tuple(person),
    )


def read(path: Path | str) -> Predictions:
    """Predictions of a table with a header, of the authors' `KETI_Sequence.csv` or best gaze.

    Raises:
        DataError: naming file and line: columns that are missing or unknown, a value of another
            kind, an `in_frame` outside of 0 to 1.
    """
    path = Path(path)
    names = {cell.strip() for _, head in islice(tables.lines(path), 1) for cell in head}
    if names >= {*formats.SEQUENCE_COLUMNS}:
        note = (
            f"{path} has the form of KETI_Sequence.csv: predictions of the authors' code, made "
            "with known faults; no truth"
        )
        return _of_authors(path, formats.read_sequence(path), (note,))
    if names >= {*formats.BEST_COLUMNS}:
        return _of_authors(path, formats.read_best(path))
    number = tables.maybe(tables.number)
    result, line = tables.read(
        path,
        [
            Column("frame_name", tables.text, object),
            *(Column(name, number) for name in COLUMNS[1:]),
            Column("in_frame", tables.maybe(tables.fraction), needed=False),
            *(Column(n, tables.maybe(str.strip, None), object, needed=False) for n in FURTHER[1:]),
        ],
        only=True,
    )
    head_xyxy = np.stack([result[name] for name in COLUMNS[1:5]], axis=1)
    source = tuple(f"{path}, line {n}" for n in line)
    for where, box in zip(source, head_xyxy, strict=True):
        if not np.isnan(box).any():
            texts.check_box(where, box.tolist())
    further: dict[str, Any] = {name: result.get(name) for name in FURTHER}
    return replace(
        predictions_of(
            tuple(result["frame_name"]),
            np.stack([result[name] for name in COLUMNS[5:]], axis=1),
            head_xyxy=head_xyxy,
            **further,
        ),
        source=source,
    )


def write(path: Path | str, predicted: Predictions) -> None:
    """Write a table of predictions; columns of which nothing is known are left out."""
    values = np.concatenate([predicted.head_xyxy, predicted.point_px], axis=1).T
    columns: dict[str, Sequence[Any]] = {"frame_name": predicted.frame_name}
    columns |= {name: _cells(column) for name, column in zip(COLUMNS[1:], values, strict=True)}
    further = {"in_frame": _cells(predicted.in_frame)}
    further |= {name: [n or "" for n in getattr(predicted, name)] for name in FURTHER[1:]}
    tables.write(Path(path), columns | {n: cells for n, cells in further.items() if any(cells)})


def _of_authors(
    path: Path, predicted: Sequence[Prediction] | Sequence[BestGaze], notes: tuple[str, ...] = ()
) -> Predictions:
    head_xyxy = np.array([row.head_xyxy for row in predicted], np.float64).reshape(-1, 4)
    points = np.array([row.point_px for row in predicted], np.float64).reshape(-1, 2)
    names = [row.name for row in predicted]
    return replace(
        predictions_of(names, points, head_xyxy=head_xyxy, source=str(path)), notes=notes
    )


def _cells(values: Floats) -> list[str]:
    return ["" if np.isnan(value) else repr(value) for value in values.tolist()]
