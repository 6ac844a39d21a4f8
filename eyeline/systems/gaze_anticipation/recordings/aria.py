"""Gaze of Aria recordings: today's files of angles, the pilot's of pixels, and labels of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.recordings import labels
from eyeline.systems.gaze_anticipation.recordings.device import Calibration
from eyeline.systems.gaze_anticipation.recordings.labels import UNTRACKED, FrameGaze
from eyeline.systems.gaze_anticipation.recordings.tables import Table, read_table

DEPTH_M = 1.0
"""How far away the gaze is where nothing gives it."""
PUPILS_M = 0.063
"""From one pupil to the other."""
GAP_NS = 150_000_000
"""Rows further apart than this have no gaze between them."""
PAIRINGS = ("linear", "nearest")

_TIME, _PITCH, _DEPTH = "tracking_timestamp_us", "pitch_rads_cpf", "depth_m"
_YAW, _LEFT, _RIGHT = "yaw_rads_cpf", "left_yaw_rads_cpf", "right_yaw_rads_cpf"
_LATEST_US = 2**63 // 1000
_PILOT_TIMES = ("timestamp_unix_ns", "timestamp_ns", "time_ns", "timestamp", "time")
_PILOT_X, _PILOT_Y = ("calib_x [pixel]", "x_px", "x"), ("calib_y [pixel]", "y_px", "y")


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
    result: Floats = ray / np.linalg.norm(ray, axis=1, keepdims=True) * depth_m[:, None]
    return result


def combined(left_rad: Floats, right_rad: Floats, pitch_rad: Floats) -> tuple[Floats, Floats]:
    """Yaw `(n,)` of both eyes together, and distance `(n,)` of where they meet.

    As Project Aria's own tools have it, the distance has no sign; it is NaN for parallel eyes.
    """
    left, right = np.tan(left_rad), np.tan(right_rad)
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = PUPILS_M / (right - left)
        aside = PUPILS_M / 2 * (left + right) / (right - left)
        depth = np.linalg.norm([aside, forward * np.tan(pitch_rad), forward], axis=0)
    return np.arctan((left + right) / 2), np.where(np.isfinite(forward), depth, np.nan)


def read_angles(path: Path) -> Angles:
    """Read `general_eye_gaze.csv`, of one yaw or of one an eye; columns may stand in any order.

    Depth is what the file says, or else where the eyes meet, or else 1 m. A row without angles, as
    of a blink, is left out, so that frames near it are not tracked.

    DataError names file, line and column: no such file, a column that is missing, a row without a
    time, angles that are no radians, or times that go back.
    """
    table = read_table(path)
    time = table.need("times", _TIME)
    names = [table.need("angles", name) for name in (*_yaws(table), _PITCH)]
    angles = np.stack([table.numbers(name, gaps=True) for name in names])
    table = table.kept(np.asarray(np.isfinite(angles).all(axis=0), np.bool_))
    if not len(table):
        raise DataError(f"{path} has no rows of gaze")
    *yaws, pitch = (table.numbers(name) for name in names)
    for name, angle in zip(names, (*yaws, pitch), strict=True):
        _check_radians(table, name, angle)
    yaw, depth = combined(yaws[0], yaws[1], pitch) if len(yaws) == 2 else (yaws[0], None)
    time_us = table.integers(time)
    table.check_ascending(time, time_us)
    if time_us[-1] > _LATEST_US:
        raise DataError(f"{path}, column {time}: {time_us[-1]} is no time in microseconds")
    return Angles(time_us * 1000, yaw, pitch, _depths(table, depth))


def _yaws(table: Table) -> tuple[str, ...]:
    """The column of yaw, or those of both eyes."""
    both = table.first_of(_YAW) is None and table.first_of(_LEFT) is not None
    return (_LEFT, _RIGHT) if both else (_YAW,)


def _check_radians(table: Table, name: str, angle: Floats) -> None:
    far = np.flatnonzero(np.abs(angle) > np.pi)
    if len(far):
        raise DataError(
            f"{table.path}, line {table.lines[far[0]]}, column {name}: {angle[far[0]]:g} is no "
            "angle in radians"
        )


def _depths(table: Table, met: Floats | None) -> Floats:
    """How far away the gaze is: as the file says, where the eyes meet, or 1 m."""
    depth = np.full(len(table), np.nan) if met is None else met
    if (name := table.first_of(_DEPTH)) is not None:
        given_m = table.numbers(name, gaps=True)
        depth = np.where(given_m > 0, given_m, depth)
    return np.where(np.isfinite(depth), depth, DEPTH_M)


def sensor_places(angles: Angles, calibrations: Sequence[Calibration]) -> Floats:
    """Pixels `(row, 2)` of the image as the sensor lies; NaN where the camera does not see them.

    Of several calibrations each row takes the one nearest in time.
    """
    point = angles.points()
    if len(calibrations) == 1:
        return calibrations[0].project(point)
    at = np.array([calibration.time_us * 1000 for calibration in calibrations], np.int64)
    order = np.argsort(at, kind="stable")
    centre = (at[order][1:] + at[order][:-1]) / 2
    which = order[np.searchsorted(centre, angles.time_ns)]
    result = np.zeros((len(point), 2))
    for number in np.unique(which):
        rows = which == number
        result[rows] = calibrations[number].project(point[rows])
    return result


def frame_labels(
    time_ns: Ints, sensor_px: Floats, frame_ns: Ints, pairing: str = "linear"
) -> FrameGaze:
    """Gaze of frames by their time, then the pilot's rules for kinds.

    Only the pilot release has two frames a row; here a frame between two rows gets what lies
    between them. One without rows nearby is untracked, at the middle of the image.

    Args:
        time_ns: `(row,)` ascending.
        sensor_px: `(row, 2)` pixels as the sensor lies; NaN is outside the image.
        frame_ns: `(frame,)` on the same clock.
        pairing: one of `PAIRINGS`: between two rows, or the nearest one's.
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
    fraction = np.clip((frame_ns - time_ns[before]) / span, 0, 1)
    nearest = np.where(fraction > 0.5, after, before)
    result = place[nearest]
    if pairing == "linear":
        between = place[before] + fraction[:, None] * (place[after] - place[before])
        result = np.where(np.isnan(between), result, between)
    return result, gap <= GAP_NS


def read_pilot_rows(path: Path) -> tuple[Ints, Floats]:
    """Times `(row,)` in ns and pixels `(row, 2)` of the sensor, of the pilot release's gaze file.

    Two frames belong to each row; a row without a place, as of a blink, has NaN. DataError: no such
    file or column, fewer than two rows with a place, a row without a time, times that go back, or
    places that are no pixels of the sensor.
    """
    table = read_table(path)
    wanted = (("times", _PILOT_TIMES), ("places", _PILOT_X), ("places", _PILOT_Y))
    names = [table.need(what, *known) for what, known in wanted]
    time_ns = table.integers(names[0])
    sensor = np.stack([table.numbers(name, gaps=True) for name in names[1:]], axis=1)
    known = sensor[~np.isnan(sensor).any(axis=1)]
    if len(known) < 2:
        raise DataError(f"{path} has {len(known)} rows of gaze; at least 2 are needed")
    table.check_ascending(names[0], time_ns)
    inside = ((known >= 0) & (known <= labels.ARIA_SENSOR)).all(axis=1)
    if 2 * inside.sum() < len(known) or np.abs(known).max() <= 1:
        raise DataError(
            f"{path}, columns {names[1]} and {names[2]}, run from {known.min():g} to "
            f"{known.max():g}; expected pixels of the sensor, 0 to {labels.ARIA_SENSOR:g}"
        )
    return time_ns, sensor
