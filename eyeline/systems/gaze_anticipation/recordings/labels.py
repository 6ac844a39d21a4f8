"""The gaze of every frame of a video, as published: place in the image, and what kind of look.

The original's oddities are kept, since released weights were trained and measured on these labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.recordings.tables import Table, read_table

FIXATION, SACCADE, OUTSIDE, UNTRACKED = range(4)
"""Kinds of look; `OUTSIDE` the image, and `UNTRACKED` where the gaze is not known."""

GAP_S = 1.0
"""Stretches without gaze that are longer are no part of clips that we cut by rule."""

EGO4D_SIZE = (1088.0, 1080.0)
"""Width and height in pixels in which moves of the gaze are measured."""
EGO4D_SACCADE = 40.0
"""Pixels from one frame to the next beyond which a look is a saccade."""
ARIA_SIZE = (640.0, 640.0)
ARIA_SACCADE = 24.0
ARIA_SENSOR = 1408.0
"""Width and height of the image as the sensor lies, a quarter turn from upright."""

TIMES = {
    "component_timestamp_s": 1.0,
    "canonical_timestamp_s": 1.0,
    "gaze_timestamp": 1.0,
    "timestamp_s": 1.0,
    "time_s": 1.0,
    "timestamp": 1.0,
    "time": 1.0,
    "canonical_timestamp_ms": 1e-3,
    "timestamp_ms": 1e-3,
    "time_ms": 1e-3,
}
"""Columns of time in Ego4D's layout and in exports of Pupil, and the seconds that 1 is; the first
that a file has. As the original does, this takes the time within the component."""
PLACE_X, PLACE_Y = "norm_pos_x", "norm_pos_y"
"""Shares of the width from the left and of the height from the BOTTOM, in both."""

_CANONICAL = "canonical_timestamp_s"
_APART_S = 0.1
"""Beyond this, time within a component is not that of the video."""
_LEAST_ROWS = 3
_JITTER_S = 1.0
_SLOWEST_S = 0.5
"""Longest usual time from row to row: beyond it the times are in another unit."""
_OTHER_UNIT = 1.0
"""Usual distance from the middle, in widths or heights, of places in another unit."""


@dataclass(frozen=True)
class FrameGaze:
    """Where the wearer looks in each frame of a video."""

    xy: Floats
    """`(frame, 2)` as shares of the upright image's width and height, from its upper left."""
    kind: Ints
    """`(frame,)` one of `FIXATION`, `SACCADE`, `OUTSIDE`, `UNTRACKED`."""
    time_ns: Ints | None = None
    """`(frame,)` on the device's clock, -1 where there is none; only of Aria."""
    row_s: Floats | None = None
    """`(row,)` seconds of the rows that frames take their gaze from, however far away those are;
    None where `kind` shows which frames have none."""
    notes: tuple[str, ...] = ()
    """What is odd about the file."""

    def __post_init__(self) -> None:
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
    """`(row,)` share of the width from the left; NaN, as `y`, of a row without a place."""
    y: Floats
    """`(row,)` share of the height from the BOTTOM."""
    notes: tuple[str, ...] = ()


def read_ego4d_gaze(path: Path, duration_s: float | None = None) -> GazeRows:
    """Read `gaze/<uid>.csv` by the names of its columns: one of `TIMES`, `PLACE_X` and `PLACE_Y`.

    A row without a place, as of a blink, is one where gaze is not tracked. Times should lie in the
    video's duration. DataError: no such file or column, a row without a time, fewer than three
    rows, rows that run backwards, times or places that are in another unit or of another clock.
    """
    table = read_table(path)
    places = [table.need("places", name) for name in (PLACE_X, PLACE_Y)]
    name, time_s, notes = _times(table)
    x, y = (table.numbers(place, gaps=True) for place in places)
    blank = np.isnan(x) | np.isnan(y)
    x[blank] = y[blank] = np.nan
    if len(table) - blank.sum() < _LEAST_ROWS:
        raise DataError(
            f"{path} has {len(table) - blank.sum()} rows of gaze; at least {_LEAST_ROWS} are needed"
        )
    _check_order(table, name, time_s)
    _check_times(f"{path}, column {name}", time_s, duration_s)
    _check_places(path, x[~blank], y[~blank])
    if blank.any():
        notes.append(f"{int(blank.sum())} of {len(table)} rows of gaze have no place: not tracked")
    return GazeRows(time_s, x, y, tuple(notes))


def _times(table: Table) -> tuple[str, Floats, list[str]]:
    """The column of time, its seconds, and what is to be said of them."""
    name = table.need("times", *TIMES)
    time_s = table.numbers(name) * TIMES[name.lower()]
    whole = table.first_of(_CANONICAL)
    if whole is None or whole == name or not len(table):
        return name, time_s, []
    whole_s = table.numbers(whole)
    apart = float(np.abs(whole_s - time_s).max())
    if apart <= _APART_S:
        return name, time_s, []
    return whole, whole_s, [f"times are those of {whole}, up to {apart:.1f} s from {name}"]


def _check_order(table: Table, name: str, time_s: Floats) -> None:
    back = np.flatnonzero(np.maximum.accumulate(time_s) - time_s > _JITTER_S)
    if len(back):
        raise DataError(
            f"{table.path}, line {table.lines[back[0]]}: its time, column {name}, is long before "
            "that of a row above; rows should ascend in time"
        )


def _check_times(what: str, time_s: Floats, duration_s: float | None) -> None:
    """DataError for another unit or another clock than seconds from the video's first frame."""
    said = f"{what}, runs from {time_s[0]:g} to {time_s[-1]:g}"
    step = float(np.median(np.diff(time_s)))
    if step > _SLOWEST_S:
        raise DataError(
            f"{said} in steps of {step:g}: another unit than seconds; expected seconds from the "
            f"video's first frame on, in steps of {_SLOWEST_S:g} or less"
        )
    if duration_s is None:
        return
    inside = int(((time_s > -_JITTER_S) & (time_s < duration_s + _JITTER_S)).sum())
    if inside < _LEAST_ROWS:
        raise DataError(
            f"{said}, {inside} rows within the {duration_s:.1f} s of the video: another clock. "
            "Expected seconds from the video's first frame on"
        )


def _check_places(path: Path, x: Floats, y: Floats) -> None:
    """DataError for pixels, per cent, or places that count from elsewhere."""
    expected = "expected shares of width and height, 0 to 1, from the lower left"
    for name, place in ((PLACE_X, x), (PLACE_Y, y)):
        if np.median(np.abs(place - 0.5)) > _OTHER_UNIT:
            raise DataError(
                f"{path}, column {name}, runs from {place.min():g} to {place.max():g}: pixels or "
                f"another unit; {expected}"
            )
    outside = int(((x < 0) | (x > 1) | (y < 0) | (y > 1)).sum())
    if 2 * outside > len(x):
        raise DataError(f"{path}: {outside} of {len(x)} places lie outside the image; {expected}")


def ego4d_labels(rows: GazeRows, fps: float, frames: int) -> FrameGaze:
    """The row nearest in time for every frame, as published.

    Where rows end or have no place, frames are untracked and lie at (0, 0); the original stops two
    rows early, and fails if they end long before the video, or at a row without a place.
    """
    nearest = _nearest_rows(rows.time_s, fps, frames)
    x, y = rows.x[nearest], 1 - rows.y[nearest]
    xy = np.zeros((frames, 2))
    kind = np.full(frames, UNTRACKED, np.int64)
    kind[: len(nearest)] = _ego4d_kinds(x, y)
    xy[: len(nearest)] = np.nan_to_num(np.clip(np.stack([x, y], axis=1), 0, 1), nan=0.0)
    return FrameGaze(xy, kind, row_s=rows.time_s[~np.isnan(rows.x)], notes=rows.notes)


def _nearest_rows(time_s: Floats, fps: float, frames: int) -> Ints:
    """Row of each frame, up to where the rows end."""
    at, count, result = 0, len(time_s), []
    times = time_s.tolist()
    for frame in range(frames):
        t = frame * 1 / fps
        if at >= count - 2:
            break
        while at < count and times[at] < t:
            at += 1
        if at == count:
            break
        result.append(at - 1 if at and abs(times[at - 1] - t) < abs(times[at] - t) else at)
    return np.array(result, np.int64)


def _ego4d_kinds(x: Floats, y: Floats) -> Ints:
    """By the way from the place before, which is clipped, to this one, which is not yet."""
    width, height = EGO4D_SIZE
    stored_x, stored_y = np.clip(x, 0, 1), np.clip(y, 0, 1)
    way = np.sqrt(((x[1:] - stored_x[:-1]) * width) ** 2 + ((y[1:] - stored_y[:-1]) * height) ** 2)
    kind = np.zeros(len(x), np.int64)
    kind[1:][way > EGO4D_SACCADE] = SACCADE
    kind[(x < 0) | (x > 1) | (y < 0) | (y > 1)] = OUTSIDE
    kind[np.isnan(x)] = UNTRACKED
    return kind


def aria_labels(
    time_ns: npt.ArrayLike, x_px: npt.ArrayLike, y_px: npt.ArrayLike, frames: int
) -> FrameGaze:
    """Labels of the pilot release: gaze of 10 Hz in the sensor's pixels, two frames a row.

    `time_ns` `(row,)` int64; `x_px` and `y_px` `(row,)` are pixels of the unturned image; NaN is a
    row without a place, whose frames and those halfway to it are untracked, as are frames that no
    row belongs to. DataError for fewer than two rows.
    """
    time = np.asarray(time_ns, np.int64)
    if len(time) < 2:
        raise DataError(f"{len(time)} rows of gaze; at least 2 are needed")
    place = np.stack([np.asarray(x_px, np.float64), np.asarray(y_px, np.float64)], axis=1)
    at, sensor = _doubled(time, place, frames)
    at, sensor = at[:frames], sensor[:frames]
    xy, kind = aria_kinds(upright(sensor))
    blank = np.isnan(xy).any(axis=1)
    xy[blank], kind[blank] = 0.5, UNTRACKED
    missing = frames - len(kind)
    return FrameGaze(
        np.concatenate([xy, np.full((missing, 2), 0.5)]),
        np.concatenate([kind, np.full(missing, UNTRACKED)]),
        np.concatenate([at, np.full(missing, -1)]),
    )


def gaps(gaze: FrameGaze, fps: float, duration_s: float) -> list[tuple[int, int]]:
    """Intervals of a video without gaze, as `clips.cut` takes them."""
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
    """Pixels `(n, 2)` of the sensor's image to shares `(n, 2)` of the upright one."""
    return np.stack([1 - sensor_px[:, 1] / ARIA_SENSOR, sensor_px[:, 0] / ARIA_SENSOR], axis=1)


def aria_kinds(xy: Floats) -> tuple[Floats, Ints]:
    """Kinds of looks at shares of the image, and what the labels' places then are.

    Of a place outside, both coordinates become whole numbers, 0 unless they are 1 or more: also the
    one that is inside. The next frame's way is measured from there, as published.
    """
    result, kind = np.array(xy, np.float64), np.zeros(len(xy), np.int64)
    size = np.array(ARIA_SIZE)
    for i, here in enumerate(result):
        if i and np.sqrt((((here - result[i - 1]) * size) ** 2).sum()) > ARIA_SACCADE:
            kind[i] = SACCADE
        if ((here < 0) | (here > 1)).any():
            kind[i] = OUTSIDE
            result[i] = np.clip(here, 0, 1).astype(np.int64)
    return result, kind
