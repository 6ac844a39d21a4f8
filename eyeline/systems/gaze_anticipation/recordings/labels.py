"""The gaze of every frame of a video, as published: place in the picture, and what kind of look.

The original's oddities are kept, since released weights were trained and measured on these labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Ints

FIXATION, SACCADE, OUTSIDE, UNTRACKED = range(4)
"""Kinds of look; `OUTSIDE` the picture, and `UNTRACKED` where the gaze is not known."""

GAP_S = 1.0
"""Stretches without gaze that are longer are no part of clips that we cut by rule."""

EGO4D_SIZE = (1088.0, 1080.0)
"""Width and height in pixels in which moves of the gaze are measured."""
EGO4D_SACCADE = 40.0
"""Pixels from one frame to the next beyond which a look is a saccade."""
ARIA_SIZE = (640.0, 640.0)
ARIA_SACCADE = 24.0
ARIA_SENSOR = 1408.0
"""Width and height of the picture as the sensor lies, a quarter turn from upright."""

_EGO4D_COLUMNS = (1, 5, 6)
_LEAST_ROWS = 3
_JITTER_S = 1.0


@dataclass(frozen=True)
class FrameGaze:
    """Where the wearer looks in each frame of a video."""

    xy: Floats
    """`(frame, 2)` as shares of the upright picture's width and height, from its upper left."""
    kind: Ints
    """`(frame,)` one of `FIXATION`, `SACCADE`, `OUTSIDE`, `UNTRACKED`."""
    time_ns: Ints | None = None
    """`(frame,)` on the device's clock, -1 where there is none; only of Aria."""
    row_s: Floats | None = None
    """`(row,)` seconds of the rows that frames take their gaze from, however far away those are;
    None where `kind` tells which frames have none."""

    def __post_init__(self) -> None:
        """Check shapes."""
        sizes = check_shape(self.xy, "frame 2", "gaze")
        check_shape(self.kind, "frame", "kind of gaze", sizes)

    def __len__(self) -> int:
        return len(self.kind)

    def counts(self) -> dict[str, int]:
        """Frames of each kind."""
        many = np.bincount(self.kind, minlength=4).tolist()
        return dict(zip(("fixation", "saccade", "outside", "untracked"), many, strict=True))


@dataclass(frozen=True)
class GazeRows:
    """Rows of a file of Ego4D's gaze."""

    time_s: Floats
    """`(row,)` ascending; a little disorder is taken as published."""
    x: Floats
    """`(row,)` share of the width from the left."""
    y: Floats
    """`(row,)` share of the height from the BOTTOM."""


def read_ego4d_gaze(path: Path) -> GazeRows:
    """Read `gaze/<uid>.csv`: a header, then columns 1 (seconds), 5 and 6 (places).

    Raises:
        DataError: no such file, fewer than three rows, or a row without these numbers; names file,
            line and column.
    """
    found = read_columns(path, _EGO4D_COLUMNS)
    if len(found) < _LEAST_ROWS:
        raise DataError(f"{path} has {len(found)} rows of gaze; {_LEAST_ROWS} or more are needed")
    back = np.flatnonzero(np.diff(found[:, 0]) < -_JITTER_S)
    if len(back):
        raise DataError(
            f"{path}, line {back[0] + 3}: its time, column 1, is long before that of the row above"
        )
    return GazeRows(*found.T)


def ego4d_labels(rows: GazeRows, fps: float, frames: int) -> FrameGaze:
    """The row nearest in time for every frame, as published.

    Where rows end, the frames that are left are untracked and lie at (0, 0); the original stops two
    rows early, and fails if they end long before the video.

    Args:
        rows: of the gaze file.
        fps: frames a second.
        frames: how many the video has.
    """
    nearest = _nearest_rows(rows.time_s, fps, frames)
    x, y = rows.x[nearest], 1 - rows.y[nearest]
    xy = np.zeros((frames, 2))
    kind = np.full(frames, UNTRACKED, np.int64)
    kind[: len(nearest)] = _ego4d_kinds(x, y)
    xy[: len(nearest)] = np.clip(np.stack([x, y], axis=1), 0, 1)
    return FrameGaze(xy, kind, row_s=rows.time_s)


def _nearest_rows(time_s: Floats, fps: float, frames: int) -> Ints:
    """Row of each frame, up to where the rows end."""
    at, count, found = 0, len(time_s), []
    times = time_s.tolist()
    for frame in range(frames):
        t = frame * 1 / fps
        if at >= count - 2:
            break
        while at < count and times[at] < t:
            at += 1
        if at == count:
            break
        found.append(at - 1 if at and abs(times[at - 1] - t) < abs(times[at] - t) else at)
    return np.array(found, np.int64)


def _ego4d_kinds(x: Floats, y: Floats) -> Ints:
    """By the way from the place before, which is clipped, to this one, which is not yet."""
    width, height = EGO4D_SIZE
    stored_x, stored_y = np.clip(x, 0, 1), np.clip(y, 0, 1)
    way = np.sqrt(((x[1:] - stored_x[:-1]) * width) ** 2 + ((y[1:] - stored_y[:-1]) * height) ** 2)
    kind = np.zeros(len(x), np.int64)
    kind[1:][way > EGO4D_SACCADE] = SACCADE
    kind[(x < 0) | (x > 1) | (y < 0) | (y > 1)] = OUTSIDE
    return kind


def aria_labels(
    time_ns: npt.ArrayLike, x_px: npt.ArrayLike, y_px: npt.ArrayLike, frames: int
) -> FrameGaze:
    """Labels of the pilot release: gaze of 10 Hz in the sensor's pixels, two frames a row.

    Args:
        time_ns: `(row,)` int64.
        x_px: `(row,)` pixels of the unturned picture, as `y_px`.
        y_px: as `x_px`.
        frames: how many the video has; frames that no row belongs to are untracked.

    Raises:
        DataError: fewer than two rows.
    """
    time = np.asarray(time_ns, np.int64)
    if len(time) < 2:
        raise DataError(f"{len(time)} rows of gaze; 2 or more are needed")
    place = np.stack([np.asarray(x_px, np.float64), np.asarray(y_px, np.float64)], axis=1)
    at, sensor = _doubled(time, place, frames)
    at, sensor = at[:frames], sensor[:frames]
    xy, kind = aria_kinds(upright(sensor))
    missing = frames - len(kind)
    return FrameGaze(
        np.concatenate([xy, np.full((missing, 2), 0.5)]),
        np.concatenate([kind, np.full(missing, UNTRACKED)]),
        np.concatenate([at, np.full(missing, -1)]),
    )


def gaps(gaze: FrameGaze, fps: float, duration_s: float) -> list[tuple[int, int]]:
    """Stretches of a video without gaze, as `clips.cut` takes them.

    Args:
        gaze: of all frames.
        fps: frames a second.
        duration_s: of the video.
    """
    known = gaze.row_s
    if known is None:
        known = np.flatnonzero(gaze.kind != UNTRACKED) / fps
    ends = np.concatenate([[0.0], known, [duration_s]])
    wide = np.flatnonzero(np.diff(ends) > GAP_S)
    stretches = zip(ends[wide].tolist(), ends[wide + 1].tolist(), strict=True)
    # whole seconds inside: a clip may end where gaze ends, and begin where it begins again
    return [(math.floor(begin) + 1, math.ceil(end) - 1) for begin, end in stretches]


def _doubled(time: Ints, place: Floats, frames: int) -> tuple[Ints, Floats]:
    """Rows at 20 Hz: each, and the mean of it and the next one."""
    count = 2 * len(time) - 1
    at, sensor = np.zeros(count, np.int64), np.zeros((count, 2))
    at[::2], sensor[::2] = time, place
    at[1::2] = (time[:-1] + time[1:]) // 2
    sensor[1::2] = (place[:-1] + place[1:]) / 2
    if frames % 2 == 0:
        last = time[-1] + (time[-1] - time[-2]) // 2
        at, sensor = np.append(at, last), np.concatenate([sensor, place[-1:]])
    return at, sensor


def upright(sensor_px: Floats) -> Floats:
    """Pixels `(n, 2)` of the sensor's picture to shares `(n, 2)` of the upright one."""
    return np.stack([1 - sensor_px[:, 1] / ARIA_SENSOR, sensor_px[:, 0] / ARIA_SENSOR], axis=1)


def aria_kinds(xy: Floats) -> tuple[Floats, Ints]:
    """Kinds of looks at shares of the picture, and what the labels' places then are.

    Of a place outside, both coordinates become whole numbers, 0 unless they are 1 or more: also the
    one that is inside. The next frame's way is measured from there, as published.
    """
    found, kind = np.array(xy, np.float64), np.zeros(len(xy), np.int64)
    size = np.array(ARIA_SIZE)
    for i, here in enumerate(found):
        if i and np.sqrt((((here - found[i - 1]) * size) ** 2).sum()) > ARIA_SACCADE:
            kind[i] = SACCADE
        if ((here < 0) | (here > 1)).any():
            kind[i] = OUTSIDE
            found[i] = np.clip(here, 0, 1).astype(np.int64)
    return found, kind


def read_columns(path: Path, columns: Sequence[int]) -> Floats:
    """Numbers `(row, column)` of a table with a header.

    Raises:
        DataError: no such file, or a row without a number there; names line and column.
    """
    import csv

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))[1:]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    found = np.zeros((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            found[i, k] = _number(row, column, path, i + 2)
    return found


def _number(row: Sequence[str], column: int, path: Path, line: int) -> float:
    said = row[column] if column < len(row) else ""
    try:
        value = float(said)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise DataError(f"{path}, line {line}, column {column}: '{said}' is no number")
    return value
