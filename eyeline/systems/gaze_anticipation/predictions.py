"""Tables of predictions and of truth, one row a frame of a clip, and their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column, Side, number, text, whole
from eyeline.results import Floats, Ints

KINDS = ("fixation", "saccade", "outside", "untracked")
"""Words for the kinds of look in files, by number."""

Names = npt.NDArray[np.object_]
Key = tuple[str, int, int]
"""Video, second at which the clip begins, and frame of the video."""
Table = TypeVar("Table", bound="Frames")


@dataclass(frozen=True)
class Frames(tables.Rows):
    """Frames whose gaze is predicted."""

    video: Names
    """`(n,)`."""
    clip_start_s: Ints
    """`(n,)`."""
    slot: Ints
    """`(n,)` which of a sample's predictions, from 0 on."""
    frame: Ints
    """`(n,)` number in the video."""
    time_s: Floats
    """`(n,)` since the video's first frame."""
    ahead_s: Floats
    """`(n,)` since the last frame seen; 0 in estimation."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("video", text, object),
        *(Column(name, whole, np.int64) for name in ("clip_start_s", "slot", "frame")),
        *(Column(name, number) for name in ("time_s", "ahead_s")),
    )
    """Of files."""
    PARTS: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Fields with an axis of their own, and their columns."""

    def __post_init__(self) -> None:
        for each in fields(self):
            width = len(self.PARTS.get(each.name, ()))
            axes = f"row {width}" if width else "row"
            what = f"column {each.name}"
            check_shape(getattr(self, each.name), axes, what, {"row": len(self.video)})

    def __len__(self) -> int:
        return len(self.video)

    @property
    def keys(self) -> list[Key]:
        """What distinguishes one row from another."""
        columns = (self.clip_start_s.tolist(), self.frame.tolist())
        return list(zip(self.video.tolist(), *columns, strict=True))

    def side(self, source: object) -> Side:
        """Its keys, to be joined."""
        keys = self.keys
        return Side(
            str(source), keys, lambda row: "frame {2} of clip {1} s of {0}".format(*keys[row])
        )


@dataclass(frozen=True)
class Predictions(Frames):
    """Where a wearer is predicted to look."""

    xy: Floats
    """`(n, 2)` shares of the upright image's width and height."""
    probability: Floats
    """`(n,)` of the map's cell there; what the map is for is in another file."""

    PARTS = {"xy": ("x", "y")}  # noqa: RUF012
    COLUMNS = (*Frames.COLUMNS, *(Column(name, number) for name in ("x", "y", "probability")))


@dataclass(frozen=True)
class Truth(Frames):
    """Where a wearer looks."""

    kind: Ints
    """`(n,)` as of `labels.FrameGaze`; words in files."""
    xy: Floats
    """`(n, 2)` shares of the upright image's width and height."""
    square: Floats
    """`(n, 2)` shares of the square that the network sees, clipped to it."""
    last: Floats
    """`(n, 2)` the last gaze known before what is predicted, as `square`."""
    size_wh: Ints
    """`(n, 2)` pixels of the upright image."""
    dataset: Names
    """`(n,)` `ego4d` or `aria`."""

    PARTS = {  # noqa: RUF012
        "xy": ("x", "y"),
        "square": ("square_x", "square_y"),
        "last": ("last_x", "last_y"),
        "size_wh": ("width_px", "height_px"),
    }
    COLUMNS = (
        *Frames.COLUMNS,
        Column("kind", tables.one_of(*KINDS), np.int64),
        *(Column(n, number) for n in (*PARTS["xy"], *PARTS["square"], *PARTS["last"])),
        *(Column(name, whole, np.int64) for name in PARTS["size_wh"]),
        Column("dataset", text, object),
    )

    @property
    def task(self) -> str:
        """`anticipation` where any frame is ahead of what is seen, else `estimation`."""
        return "anticipation" if (self.ahead_s > 0).any() else "estimation"


def write(path: Path, table: Frames) -> None:
    """Write a table as CSV with a head line; numbers as shortest decimals."""
    columns: dict[str, list[Any]] = {}
    for each in fields(table):
        values, parts = getattr(table, each.name), table.PARTS.get(each.name, (each.name,))
        for name, own in zip(parts, values.T.reshape(len(parts), -1), strict=True):
            columns[name] = own.tolist()
    if "kind" in columns:
        columns["kind"] = [KINDS[kind] for kind in columns["kind"]]
    tables.write(path, columns)


def read_predictions(path: Path | str) -> Predictions:
    """A table of predictions, as `write` leaves it; further columns are not heeded.

    DataError names file, line and column: a column that lacks, a value of another kind, a row that
    comes twice.
    """
    return _read(Path(path), Predictions)


def read_truth(path: Path | str) -> Truth:
    """A table of truth; as `read_predictions`."""
    result = _read(Path(path), Truth)
    if len(datasets := np.unique(result.dataset.astype(str))) > 1:
        raise DataError(f"{path} has frames of {' and '.join(datasets)}; give one data set")
    return result


def _read(path: Path, kind: type[Table]) -> Table:
    result, line = tables.read(path, kind.COLUMNS)
    values: dict[str, Any] = {}
    for each in fields(kind):
        parts = kind.PARTS.get(each.name)
        values[each.name] = np.stack([result[p] for p in parts], 1) if parts else result[each.name]
    table = kind(**values)
    tables.check_once(table.side(path), line)
    return table
