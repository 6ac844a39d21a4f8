"""Gaze of Aria recordings: today's files of angles, the pilot's of pixels, and labels of frames."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.recordings import labels
from eyeline.systems.gaze_anticipation.recordings.device import Calibration
from eyeline.systems.gaze_anticipation.recordings.labels import UNTRACKED, FrameGaze

DEPTH_M = 1.0
"""How far away the gaze is where nothing tells."""
PUPILS_M = 0.063
"""From one pupil to the other."""
GAP_NS = 150_000_000
"""Rows further apart than this have no gaze between them."""
PAIRINGS = ("linear", "nearest")

_TIME, _PITCH, _DEPTH = "tracking_timestamp_us", "pitch_rads_cpf", "depth_m"
_YAW, _LEFT, _RIGHT = "yaw_rads_cpf", "left_yaw_rads_cpf", "right_yaw_rads_cpf"


@dataclass(frozen=True)
class Angles:
    """Where the wearer looks, seen from between the pupils."""

    time_ns: Ints
    """`(row,)` ascending, on the device's clock."""
    yaw_rad: Floats
    """`(row,)` to the left."""
    pitch_rad: Floats
    """`(row,)` upwards."""
    depth_m: Floats
    """`(row,)` how far away."""

    def points(self) -> Floats:
        """`(row, 3)` metres: left, up, forward."""
        return points(self.yaw_rad, self.pitch_rad, self.depth_m)


def points(yaw_rad: Floats, pitch_rad: Floats, depth_m: Floats) -> Floats:
    """Points `(n, 3)` at some distance in some directions, seen from between the pupils."""
    ray = np.stack([np.tan(yaw_rad), np.tan(pitch_rad), np.ones_like(yaw_rad)], axis=1)
    found: Floats = ray / np.linalg.norm(ray, axis=1, keepdims=True) * depth_m[:, None]
    return found


def combined(left_rad: Floats, right_rad: Floats, pitch_rad: Floats) -> tuple[Floats, Floats]:
    """Yaw `(n,)` of both eyes together, and distance `(n,)` of where they meet.

    As Project Aria's own tools have it, the distance has no sign; it is NaN for parallel eyes.

    Args:
        left_rad: `(n,)` yaw of the left eye.
        right_rad: of the right one.
        pitch_rad: of both.
    """
    left, right = np.tan(left_rad), np.tan(right_rad)
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = PUPILS_M / (right - left)
        aside = PUPILS_M / 2 * (left + right) / (right - left)
        depth = np.linalg.norm([aside, forward * np.tan(pitch_rad), forward], axis=0)
    return np.arctan((left + right) / 2), np.where(np.isfinite(forward), depth, np.nan)


def read_angles(path: Path) -> Angles:
    """Read `general_eye_gaze.csv`, of one yaw or of one an eye; columns may stand in any order.

    Depth is what the file says, or else where the eyes meet, or else 1 m.

    Raises:
        DataError: no such file, a column that is missing, a row without a number, or times that go
            back; names file, line and column.
    """
    columns, lines = _table(path)
    if not lines:
        raise DataError(f"{path} has no rows of gaze")
    both = _YAW not in columns and _LEFT in columns
    needed = (_TIME, _PITCH, *((_LEFT, _RIGHT) if both else (_YAW,)))
    if lacking := [name for name in needed if name not in columns]:
        raise DataError(f"{path} lacks the columns {', '.join(lacking)}")
    found = {name: _column(path, lines, columns[name], name) for name in needed}
    depth = np.full(len(lines), np.nan)
    if both:
        yaw, depth = combined(found[_LEFT], found[_RIGHT], found[_PITCH])
    else:
        yaw = found[_YAW]
    if _DEPTH in columns:
        said = _column(path, lines, columns[_DEPTH], _DEPTH, empty=True)
        depth = np.where(said > 0, said, depth)
    time_ns = np.round(found[_TIME]).astype(np.int64) * 1000
    back = np.flatnonzero(np.diff(time_ns) <= 0)
    if len(back):
        raise DataError(f"{path}, line {back[0] + 3}: {_TIME} is not after that of the row above")
    return Angles(time_ns, yaw, found[_PITCH], np.where(np.isfinite(depth), depth, DEPTH_M))


def sensor_places(angles: Angles, calibrations: Sequence[Calibration]) -> Floats:
    """Pixels `(row, 2)` of the picture as the sensor lies; NaN where the camera does not see them.

    Of several calibrations each row takes the one nearest in time.
    """
    point = angles.points()
    if len(calibrations) == 1:
        return calibrations[0].project(point)
    at = np.array([calibration.time_us * 1000 for calibration in calibrations], np.int64)
    order = np.argsort(at, kind="stable")
    middle = (at[order][1:] + at[order][:-1]) / 2
    which = order[np.searchsorted(middle, angles.time_ns)]
    found = np.zeros((len(point), 2))
    for number in np.unique(which):
        rows = which == number
        found[rows] = calibrations[number].project(point[rows])
    return found


def frame_labels(
    time_ns: Ints, sensor_px: Floats, frame_ns: Ints, pairing: str = "linear"
) -> FrameGaze:
    """Gaze of frames by their time, then the pilot's rules for kinds.

    Only the pilot release has two frames a row; here a frame between two rows gets what lies
    between them. One without rows nearby is untracked, at the middle of the picture.

    Args:
        time_ns: `(row,)` ascending.
        sensor_px: `(row, 2)` pixels as the sensor lies; NaN is outside the picture.
        frame_ns: `(frame,)` on the same clock.
        pairing: one of `PAIRINGS`: between two rows, or the nearest one's.

    Raises:
        UsageError: another pairing.
        DataError: no rows.
    """
    check_pairing(pairing)
    if not len(time_ns):
        raise DataError("no rows of gaze")
    place, known = _paired(time_ns, sensor_px, frame_ns, pairing)
    xy = np.full((len(frame_ns), 2), 0.5)
    kind = np.full(len(frame_ns), UNTRACKED, np.int64)
    upright = labels.upright(place[known])
    upright[np.isnan(upright).any(axis=1)] = -1  # as published, outside is a corner
    xy[known], kind[known] = labels.aria_kinds(upright)
    return FrameGaze(xy, kind, np.asarray(frame_ns, np.int64))


def check_pairing(pairing: str) -> None:
    """UsageError unless there is such a way to pair."""
    if pairing not in PAIRINGS:
        raise UsageError(f"no pairing '{pairing}'; there are {', '.join(PAIRINGS)}")


def _paired(
    time_ns: Ints, place: Floats, frame_ns: Ints, pairing: str
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A place of each frame, and which frames have one."""
    last = len(time_ns) - 1
    after = np.clip(np.searchsorted(time_ns, frame_ns), 0, last)
    before = np.clip(after - (time_ns[after] > frame_ns), 0, last)
    gap = np.where(
        after > before, time_ns[after] - time_ns[before], 2 * np.abs(frame_ns - time_ns[after])
    )
    span = np.maximum(time_ns[after] - time_ns[before], 1)
    share = np.clip((frame_ns - time_ns[before]) / span, 0, 1)
    nearest = np.where(share > 0.5, after, before)
    found = place[nearest]
    if pairing == "linear":
        between = place[before] + share[:, None] * (place[after] - place[before])
        found = np.where(np.isnan(between), found, between)
    return found, gap <= GAP_NS


def read_pilot_rows(path: Path) -> tuple[Ints, Floats]:
    """Times `(row,)` in ns and pixels `(row, 2)` of the sensor, of the pilot release's gaze file.

    Raises:
        DataError: no such file, fewer than two rows, or a row without numbers.
    """
    found = labels.read_columns(path, (0, 1, 2))
    if len(found) < 2:
        raise DataError(f"{path} has {len(found)} rows of gaze; 2 or more are needed")
    return found[:, 0].astype(np.int64), found[:, 1:]


def _table(path: Path) -> tuple[Mapping[str, int], list[list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    head = rows[0] if rows else []
    return {name.strip(): n for n, name in enumerate(head)}, rows[1:]


def _column(
    path: Path, lines: Sequence[Sequence[str]], at: int, name: str, *, empty: bool = False
) -> Floats:
    found = np.full(len(lines), np.nan)
    for number, line in enumerate(lines):
        said = line[at].strip() if at < len(line) else ""
        try:
            found[number] = float(said) if said or not empty else np.nan
        except ValueError:
            raise DataError(f"{path}, line {number + 2}, {name}: '{said}' is no number") from None
        if not empty and not np.isfinite(found[number]):
            raise DataError(f"{path}, line {number + 2}, {name}: '{said}' is no number")
    return found
