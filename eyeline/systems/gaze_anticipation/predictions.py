"""Tables of answers and of truth, one row a frame of a clip, and their files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.files import write_bytes
from eyeline.results import Floats, Ints

KINDS = ("fixation", "saccade", "outside", "untracked")
"""Words for the kinds of look in files, by number."""

Names = npt.NDArray[np.object_]
Key = tuple[str, int, int]
"""Video, second at which the clip begins, and frame of the video."""
Table = TypeVar("Table", bound="Frames")


@dataclass(frozen=True)
class Frames:
    """Frames whose gaze is asked for."""

    video: Names
    """`(n,)`."""
    clip_start_s: Ints
    """`(n,)`."""
    slot: Ints
    """`(n,)` which of a sample's answers, from 0 on."""
    frame: Ints
    """`(n,)` number in the video."""
    time_s: Floats
    """`(n,)` since the video's first frame."""
    ahead_s: Floats
    """`(n,)` since the last frame seen; 0 in estimation."""

    _places: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Columns with an axis of their own, and what files call its parts."""

    def __post_init__(self) -> None:
        """Check the lengths; DataError says which is wrong."""
        sizes = {"row": len(self.video)}
        for each in fields(self):
            width = len(self._places.get(each.name, ()))
            axes = f"row {width}" if width else "row"
            check_shape(getattr(self, each.name), axes, f"column {each.name}", sizes)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.video)

    @property
    def keys(self) -> list[Key]:
        """What tells one row from another."""
        columns = (self.clip_start_s.tolist(), self.frame.tolist())
        return list(zip(self.video.tolist(), *columns, strict=True))

    def take(self: Table, at: Ints) -> Table:
        """Some of the rows."""
        return type(self)(*(getattr(self, each.name)[at] for each in fields(self)))

    @classmethod
    def columns(cls) -> list[tuple[str, str, int]]:
        """Of files: name, field, and its part."""
        return [
            (name, each.name, part)
            for each in fields(cls)
            for part, name in enumerate(cls._places.get(each.name, (each.name,)))
        ]


@dataclass(frozen=True)
class Predictions(Frames):
    """Where a wearer is said to look."""

    xy: Floats
    """`(n, 2)` shares of the upright picture's width and height."""
    probability: Floats
    """`(n,)` of the map's cell there; what the map is for is in a file beside."""

    _places: ClassVar[Mapping[str, tuple[str, ...]]] = {"xy": ("x", "y")}


@dataclass(frozen=True)
class Truth(Frames):
    """Where a wearer looks."""

    kind: Ints
    """`(n,)` as of `labels.FrameGaze`; words in files."""
    xy: Floats
    """`(n, 2)` shares of the upright picture's width and height."""
    square: Floats
    """`(n, 2)` shares of the square that the network sees, clipped to it."""
    last: Floats
    """`(n, 2)` the last gaze known before what is asked for, as `square`."""
    size_wh: Ints
    """`(n, 2)` pixels of the upright picture."""
    dataset: Names
    """`(n,)` `ego4d` or `aria`."""

    _places: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "xy": ("x", "y"), "square": ("square_x", "square_y"), "last": ("last_x", "last_y"),
        "size_wh": ("width_px", "height_px"),
    }  # fmt: skip

    @property
    def task(self) -> str:
        """`anticipation` where any frame is ahead of what is seen, else `estimation`."""
        return "anticipation" if (self.ahead_s > 0).any() else "estimation"


def write(path: Path, table: Frames) -> None:
    """Write a table as CSV with a head line; numbers as shortest decimals.

    Raises:
        OutputError: the place cannot be written.
    """
    names = table.columns()
    columns = [_words(table, field, part) for _, field, part in names]
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([name for name, _, _ in names])
    lines.writerows(zip(*columns, strict=True))
    write_bytes(path, text.getvalue().encode())


def read_predictions(path: Path | str) -> Predictions:
    """A table of answers, as `write` leaves it; further columns are not heeded.

    Raises:
        DataError: naming file, line and column: a column that lacks, a value of another kind, a
            row that comes twice.
    """
    return _read(Path(path), Predictions)


def read_truth(path: Path | str) -> Truth:
    """A table of truth; as `read_predictions`."""
    found = _read(Path(path), Truth)
    if len(datasets := np.unique(found.dataset.astype(str))) > 1:
        raise DataError(f"{path} has frames of {' and '.join(datasets)}; give one data set")
    return found


def first_of_each(table: Frames) -> npt.NDArray[np.bool_]:
    """Which rows `(n,)` have a key that no row before them has."""
    first = {key: row for row, key in reversed([*enumerate(table.keys)])}
    found = np.zeros(len(table), np.bool_)
    found[[*first.values()]] = True
    return found


def named(keys: Sequence[Key], shown: int = 3) -> str:
    """Some rows in words, for a message."""
    told = [f"frame {frame} of clip {start} s of {video}" for video, start, frame in keys[:shown]]
    return ", ".join(told) + (f" and {len(keys) - shown} more" if len(keys) > shown else "")


def _words(table: Frames, field: str, part: int) -> list[Any]:
    values = getattr(table, field)
    if field == "kind":
        return [KINDS[kind] for kind in values.tolist()]
    return cast("list[Any]", (values[:, part] if values.ndim > 1 else values).tolist())


def _read(path: Path, kind: type[Table]) -> Table:
    columns = {name: list[Any]() for name, _, _ in kind.columns()}
    readers = {name: _reader(kind, field) for name, field, _ in kind.columns()}
    for line, row in _lines(path, [*columns]):
        for name, values in columns.items():
            try:
                values.append(readers[name](row[name]))
            except (ValueError, TypeError) as error:
                raise DataError(f"{path}, line {line}: {name} is '{row[name]}': {error}") from None
    found = kind(*(_column(kind, each.name, columns) for each in fields(kind)))
    if not first_of_each(found).all():
        twice = int(np.flatnonzero(~first_of_each(found))[0])
        raise DataError(f"{path}: {named([found.keys[twice]])} comes twice")
    return found


def _lines(path: Path, needed: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            if lacking := [name for name in needed if name not in (lines.fieldnames or ())]:
                raise DataError(f"{path} lacks the columns {', '.join(lacking)}")
            for row in lines:
                yield lines.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _column(kind: type[Frames], field: str, columns: Mapping[str, list[Any]]) -> Any:
    parts = [columns[name] for name in kind._places.get(field, (field,))]
    values = np.array(parts if len(parts) > 1 else parts[0], _DTYPES.get(field, np.float64))
    return values.T if len(parts) > 1 else values


def _reader(kind: type[Frames], field: str) -> Callable[[str], Any]:
    if field == "kind":
        return _kind
    known = _DTYPES.get(field, np.float64)
    if known is object:
        return _text
    return _whole if known is np.int64 else _number


def _kind(word: str) -> int:
    if word not in KINDS:
        raise ValueError(f"there are {', '.join(KINDS)}")
    return KINDS.index(word)


def _text(word: str) -> str:
    if not word:
        raise ValueError("it should not be empty")
    return word


def _whole(word: str) -> int:
    if len(word) > 18:
        raise ValueError("it has more than 18 digits")
    return int(word)


def _number(word: str) -> float:
    found = float(word)
    if not np.isfinite(found):
        raise ValueError("it should be finite")
    return found


_DTYPES: Mapping[str, Any] = {
    "video": object, "dataset": object, "clip_start_s": np.int64, "slot": np.int64,
    "frame": np.int64, "kind": np.int64, "size_wh": np.int64,
}  # fmt: skip
