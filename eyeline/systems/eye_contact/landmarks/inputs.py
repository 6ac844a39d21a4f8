"""From six landmarks a frame to what the network sees: a head against its person's habits.

What contact looks like differs from video to video, so that nearly all features are deviations from
the person's own
distribution: over the whole video, over the same camera view, over the track, over ten seconds.
Training and raw video both go through `person_features`; everything is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline import spill
from eyeline.errors import DataError, check_shape
from eyeline.geometry.camera import Camera
from eyeline.results import Floats
from eyeline.systems.eye_contact.head import assumed_camera, shape_residuals_mm, solve_heads

RATE_HZ = 25
"""Frames a second that the network sees; other rates are resampled by time."""

_SMOOTHING_FRAMES = 1.5  # standard deviation: 60 ms, against the whole-pixel landmarks
_LOCAL_FRAMES = 10 * RATE_HZ + 1
_SHAPE_LOCAL_FRAMES = 5 * RATE_HZ + 1
_SPREAD_FRAMES = 2 * RATE_HZ + 1
_VIEW_FRAMES = 4 * RATE_HZ + 1
_REFERENCES = 500  # frames, evenly over the person's video, that stand for its distribution
_ROWS_AT_ONCE = 8192  # so that memory does not grow with the square of the video's length

_POSE = ("yaw", "pitch", "roll", "azimuth", "elevation", "distance")
_POSE_UNITS = np.array([10.0, 8.0, 6.0, 5.0, 3.0, 0.1])  # degrees, the last a logarithm
_SHAPE = ("outer_width", "inner_width", "nose_width", "outer_height", "inner_height", "nose_height")
_SHAPE_UNIT_MM = 0.325
_IN_VIEW = (*_POSE[:3], *_SHAPE[:5])

_POSE_KINDS = ("video", "track", "local", "far", "speed", "pace", "spread")
_SHAPE_KINDS = ("video", "posed", "posed_local", "posed_track")


@dataclass(frozen=True)
class Landmarks:
    """The points of one face followed without a break."""

    time_s: Floats
    """`(n,)` increasing."""
    six_px: Floats
    """`(n, 6, 2)` points `people.tracks.SIX_OF_68` in pixels, all finite."""

    def __post_init__(self) -> None:
        sizes = check_shape(self.time_s, "frame", "Landmarks.time_s")
        check_shape(self.six_px, "frame 6 2", "Landmarks.six_px", sizes)
        if not np.isfinite(self.six_px).all() or not np.isfinite(self.time_s).all():
            raise DataError("Landmarks hold values that are no numbers; leave such frames out")
        if np.any(np.diff(self.time_s) <= 0):
            raise DataError("Landmarks.time_s must increase from frame to frame")


def grid_s(time_s: Floats) -> Floats:
    """`(m,)` times 1 / 25 s apart from the first to the last of `time_s` `(n,)`, n > 0."""
    span = float(time_s[-1] - time_s[0])
    return np.asarray(time_s[0] + np.arange(round(span * RATE_HZ) + 1) / RATE_HZ)


def nearest(time_s: Floats, at_s: Floats) -> npt.NDArray[np.intp]:
    """Index of the time `(n,)`, increasing, nearest to each of `(m,)`; the earlier of two."""
    centres = (time_s[1:] + time_s[:-1]) / 2
    return np.asarray(np.searchsorted(centres, at_s - 1e-9), np.intp)


def resample(time_s: Floats, values: Floats, at_s: Floats) -> Floats:
    """Values `(n, ...)` at `time_s` read off at `at_s` `(m,)`, linearly; held constant outside."""
    flat = values.reshape(len(values), -1)
    columns = [np.interp(at_s, time_s, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(len(at_s), *values.shape[1:])


def person_features(tracks: Sequence[Landmarks], width_px: int, height_px: int) -> list[Floats]:
    """Features of all tracks of one person in one video, which are each other's measure.

    For each track `(m, len(FEATURES))` float32 at the times `grid_s` of it; NaN for a track in
    which no head pose fits.
    """
    camera = assumed_camera(width_px, height_px)
    signals = [_signals(track, camera) for track in tracks]
    features = [np.full((len(s), len(FEATURES)), np.nan, np.float32) for s in signals]
    solved = [i for i, s in enumerate(signals) if np.isfinite(s).all()]
    for i, known in zip(
        solved, _relative([signals[i] for i in solved]) if solved else (), strict=True
    ):
        features[i] = known
    return features


def _names() -> tuple[str, ...]:
    return (
        *(f"{signal}.{kind}" for kind in _POSE_KINDS for signal in _POSE),
        *("mode_distance", "mode_yaw", "mode_pitch", "direction_density"),
        *(f"{signal}.{kind}" for kind in _SHAPE_KINDS for signal in _SHAPE),
        *(f"{signal}.view" for signal in _IN_VIEW),
        *("view_density", "pitch.rank", "inner_width.rank"),
    )


def _parities() -> Floats:
    def of(name: str) -> int:
        signal, _, kind = name.partition(".")
        signed = kind not in ("far", "pace", "spread", "rank")
        return -1 if name == "mode_yaw" or (signed and signal in ("yaw", "roll", "azimuth")) else 1

    return np.array([of(name) for name in FEATURES], np.float32)


FEATURES = _names()
"""Names of the features, in order."""
PARITY = _parities()
"""`(len(FEATURES),)` -1 for those whose sign turns when the image is mirrored, 1 for the
others."""


class _Tracks:
    """Row ranges of tracks that lie one behind the other in one array."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.cuts = np.cumsum(lengths)[:-1]

    def split(self, rows: Floats) -> list[Floats]:
        return np.split(rows, self.cuts)

    def each(self, rows: Floats, change: Callable[[Floats], Floats]) -> Floats:
        return spill.on_disk(*(change(part) for part in self.split(rows)))


def _signals(track: Landmarks, camera: Camera) -> Floats:
    """Head and shape of one track at 25 Hz, `(m, 12)`: the columns of `_POSE`, then of `_SHAPE`."""
    at_s = grid_s(track.time_s)

    def of(rows: slice) -> Floats:
        six_px = resample(track.time_s, track.six_px, at_s[rows])
        heads = solve_heads(six_px, camera)
        centre = heads.centre_mm
        distance = np.linalg.norm(centre, axis=1)
        place = [
            np.degrees(np.arctan2(centre[:, 0], centre[:, 2])),
            np.degrees(np.arcsin(-centre[:, 1] / distance)),
            np.log(distance),
        ]
        pose = np.column_stack([heads.angles_deg(), *place]) / _POSE_UNITS
        shape = shape_residuals_mm(six_px, heads, camera) / _SHAPE_UNIT_MM
        return np.column_stack([pose, shape])

    signals = spill.by_blocks(len(at_s), of)
    known = np.isfinite(signals).all(axis=1)
    if known.all() or not known.any():
        return signals
    return resample(at_s[known], signals[known], at_s)


def _relative(signals: Sequence[Floats]) -> list[Floats]:
    from scipy.ndimage import gaussian_filter1d

    tracks = _Tracks([len(s) for s in signals])
    rough = spill.on_disk(*signals)
    rows = tracks.each(rough, lambda part: gaussian_filter1d(part, _SMOOTHING_FRAMES, axis=0))
    pose, shape = rows[:, : len(_POSE)], rows[:, len(_POSE) :]
    in_view = spill.on_disk(np.column_stack([pose[:, :3], shape[:, : len(_IN_VIEW) - 3]]))
    # where the face stands in the image over four seconds, in units that separate views
    seen_from = tracks.each(rough[:, 3:6], lambda part: _moving_mean(part, _VIEW_FRAMES))
    seen_from = spill.on_disk(seen_from / np.array([0.6, 0.67, 1.2]))
    groups: list[Callable[[], Iterable[Floats]]] = [
        lambda: _pose_features(pose, tracks),
        lambda: [_mode_features(pose[:, :2])],
        lambda: _shape_features(pose, shape, tracks),
        lambda: [_view_features(in_view, seen_from)],
        lambda: [_rank(pose[:, 1])],
        lambda: [_rank(shape[:, 1])],
    ]
    # one at a time is made single and put away, so that hours of video stay small in memory
    parts = [spill.on_disk(part.astype(np.float32)) for make in groups for part in make()]
    return tracks.split(
        spill.by_blocks(len(pose), lambda rows: np.column_stack([part[rows] for part in parts]))
    )


def _pose_features(pose: Floats, tracks: _Tracks) -> Iterator[Floats]:
    deviation = pose - np.median(pose, axis=0)
    yield deviation
    yield tracks.each(pose, _from_median)
    yield tracks.each(pose, lambda rows: rows - _moving_mean(rows, _LOCAL_FRAMES))
    yield np.abs(deviation)
    speed = tracks.each(pose, _speed)
    yield speed
    yield np.log1p(2 * np.abs(speed))
    yield np.log(0.02 + tracks.each(pose, _spread))


def _mode_features(direction: Floats) -> Floats:
    """Distance and offset from the most frequent head direction, and the present one's density."""
    references = _references(direction)
    density = _kernel_mean(direction, references, np.ones((len(references), 1)), 0.35)[:, 0]
    own = _kernel_mean(references, references, np.ones((len(references), 1)), 0.35)[:, 0]
    offset = direction - references[int(np.argmax(own))]
    return np.column_stack([np.hypot(*offset.T), offset, np.log(density + 1e-3)])


def _shape_features(pose: Floats, shape: Floats, tracks: _Tracks) -> Iterator[Floats]:
    # less the person's usual shape at each head pose: ridge regression over the same frames
    yaw, pitch, roll = (pose[:, :3] / 2).T
    distance = (pose[:, 5] - np.median(pose[:, 5])) / 3
    terms = [yaw, pitch, roll, yaw**2, pitch**2, yaw * pitch, yaw * roll, np.abs(yaw), distance]
    design = np.column_stack([np.ones(len(pose)), *terms])
    ridge = np.diag([1e-6] + [30.0] * len(terms))
    posed = shape - design @ np.linalg.solve(design.T @ design + ridge, design.T @ shape)
    yield shape - np.median(shape, axis=0)
    yield posed
    yield tracks.each(posed, lambda rows: rows - _moving_mean(rows, _SHAPE_LOCAL_FRAMES))
    yield tracks.each(posed, _from_median)


def _view_features(rows: Floats, seen_from: Floats) -> Floats:
    """Deviation from what is usual when the camera shows the face at this place and size."""
    references, places = _references(rows), _references(seen_from)
    terms = np.column_stack([np.ones(len(references)), references])
    summed = _kernel_mean(seen_from, places, terms, 1.0) + 1e-4 * terms.mean(axis=0)
    density = _view_density(rows[:, :2], references[:, :2], seen_from, places)
    return np.column_stack([rows - summed[:, 1:] / summed[:, :1], density])


def _view_density(
    direction: Floats, references: Floats, seen_from: Floats, places: Floats
) -> Floats:
    """Log frequency of the head direction among frames seen from the same place."""
    width = 0.35
    joint = _kernel_mean(
        np.column_stack([direction / width, seen_from]),
        np.column_stack([references / width, places]),
        np.ones((len(places), 1)),
        1.0,
    )
    marginal = _kernel_mean(seen_from, places, np.ones((len(places), 1)), 1.0) + 1e-4
    return np.asarray(np.log(joint / marginal + 1e-3)[:, 0])


def _references(rows: Floats) -> Floats:
    count = min(len(rows), _REFERENCES)
    return np.asarray(rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)])


def _kernel_mean(at: Floats, references: Floats, values: Floats, width: float) -> Floats:
    """Mean of `values` `(r, v)` at `references` `(r, d)`, weighted by nearness to `at` `(n, d)`."""
    from scipy.spatial.distance import cdist

    blocks = []
    for start in range(0, len(at), _ROWS_AT_ONCE):
        apart = cdist(at[start : start + _ROWS_AT_ONCE], references, "sqeuclidean")
        np.divide(np.negative(apart, out=apart), 2 * width**2, out=apart)
        blocks.append(np.exp(apart, out=apart) @ values / len(references))
    return np.concatenate(blocks)


def _rank(column: Floats) -> Floats:
    """Rank of each frame among the person's, -1.5 to 1.5; equal values share a rank."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(column) - 1) / len(column) * 3 - 1.5)


def _moving_mean(rows: Floats, frames: int) -> Floats:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(rows, frames, axis=0))


def _from_median(rows: Floats) -> Floats:
    return np.asarray(rows - np.median(rows, axis=0))


def _speed(rows: Floats) -> Floats:
    """Change a second of each column `(n, c)`; zero for a single frame."""
    if len(rows) < 2:
        return np.zeros_like(rows)
    return np.asarray(np.gradient(rows, axis=0) * RATE_HZ)


def _spread(rows: Floats) -> Floats:
    """Standard deviation over two seconds."""
    square = _moving_mean(rows**2, _SPREAD_FRAMES) - _moving_mean(rows, _SPREAD_FRAMES) ** 2
    return np.sqrt(np.maximum(square, 0))
