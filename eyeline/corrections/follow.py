"""An area followed through the original video between its key frames, by OpenCV's optical flow.

The tracker is Median Flow (Kalal, Mikolajczyk and Matas, 2010): a grid of points is followed by
Lucas and Kanade's method forwards and back; the better half says how the box moves and grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from eyeline.corrections.areas import Tracks, boxes_of, corners_of, holds, shapes
from eyeline.corrections.model import Area
from eyeline.export.spans import clock_of
from eyeline.results import Analysis, Clock, Floats, Image, Ints

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

Grey: TypeAlias = npt.NDArray[np.uint8]

_LONGER_SIDE_PX = 640
"""Larger frames are made smaller for the tracker."""
_GRID = 10
"""Points a side that are followed inside of the box, as published."""
_LOST_PX = 10.0
"""Where points that are followed there and back end further from where they began, as published."""
_FEWEST = 4
"""Points that a movement is taken from."""


def follow(areas: Iterable[Area], video: Path, analysis: Analysis) -> Tracks:
    """The corners of areas in every analysed frame, by id, in one pass through the video.

    The tracker starts anew at each key frame; by the next one it has drifted, and the drift is
    taken back in proportion to the time, so that every key frame is met. Where it loses the area
    this has no corners until the next key frame.

    Raises:
        VideoError: the video cannot be read.
    """
    from eyeline.video.reader import VideoReader

    clock, chosen = clock_of(analysis), analysis.settings
    reader = VideoReader(
        video,
        rate_hz=chosen.get("rate_hz"),
        video_track=chosen.get("video_track"),
        turn_deg=chosen.get("turn_deg") or 0,
    )
    followers = {area.id: _Follower(area, clock) for area in areas}
    for row, rgb in _rows(reader, clock):
        for one in followers.values():
            one.see(row, rgb)
    return {number: one.corners() for number, one in followers.items()}


def _rows(frames: Iterable[Frame], clock: Clock) -> Iterator[tuple[int, Image]]:
    """The analysed frames by row of the clock."""
    rows = {frame: row for row, frame in enumerate(clock.frame.tolist())}
    for frame in frames:
        if frame.index in rows:
            yield rows[frame.index], frame.rgb()


class _Follower:
    """Follows one area."""

    def __init__(self, area: Area, clock: Clock) -> None:
        self._clock, self._there = clock, holds(area, clock)
        self._shape, self._corners = shapes(area, clock), corners_of(area)
        times = np.array([frame.time_s for frame in area.keyframes])
        last = np.searchsorted(times, clock.start_s + 1e-6, "right") - 1
        self._key = np.maximum(last, 0)
        """The key frame that each row comes after."""
        self._box = np.full((len(clock), 4), np.nan)
        self._flow: _MedianFlow | None = None
        self._started = -1

    def see(self, row: int, rgb: Image) -> None:
        """The next frame."""
        import cv2

        if not self._there[row]:
            return
        scale = min(1.0, _LONGER_SIDE_PX / max(rgb.shape[:2]))
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if self._started != self._key[row]:
            self._started = int(self._key[row])
            self._box[row] = boxes_of(self._shape[row : row + 1])[0]
            self._flow = _MedianFlow(np.asarray(grey, np.uint8), self._box[row] * scale)
        elif self._flow is not None:
            box = self._flow.moved(np.asarray(grey, np.uint8))
            self._flow = None if box is None else self._flow
            self._box[row] = np.nan if box is None else box / scale

    def corners(self) -> Floats:
        """The corners `(frames, corners, 2)`."""
        known = self._there & np.isfinite(self._box[:, 0])
        result = np.full_like(self._shape, np.nan)
        for key in np.unique(self._key[known]).tolist():
            rows = np.flatnonzero(known & (self._key == key))
            result[rows] = self._between(rows, key)
        return result

    def _between(self, rows: Ints, key: int) -> Floats:
        """The corners in rows from one key frame to before the next one, or to the end."""
        box = self._box[rows]
        centre, size = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
        first = self._shape[rows[0]] - centre[0]
        followed = centre[:, None] + first * (size / size[0])[:, None]
        if key + 1 >= len(self._corners):
            return np.asarray(followed)
        there = np.flatnonzero(self._there & (self._key == key))
        if rows[-1] != there[-1]:  # lost before the next key frame: how far it drifted is not known
            return np.asarray(followed)
        part = np.linspace(0, 1, len(rows))[:, None, None]
        return np.asarray(followed + (self._shape[rows[-1]] - followed[-1]) * part)


class _MedianFlow:
    """A box that goes along with what is in it."""

    def __init__(self, grey: Grey, box_xyxy: Floats) -> None:
        self._grey, self._box = grey, box_xyxy.astype(np.float64)

    def moved(self, grey: Grey) -> Floats | None:
        """The box in the next image; None where it is lost."""
        import cv2

        x, y = (np.linspace(*self._box[[k, k + 2]], _GRID + 2)[1:-1] for k in (0, 1))
        points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 1, 2).astype(np.float32)
        there, seen, _ = cv2.calcOpticalFlowPyrLK(self._grey, grey, points, None)  # type: ignore[call-overload]
        back, returned, _ = cv2.calcOpticalFlowPyrLK(grey, self._grey, there, None)
        off = np.linalg.norm(back - points, axis=-1)[:, 0]
        good = (seen[:, 0] == 1) & (returned[:, 0] == 1) & np.isfinite(off)
        if good.sum() < _FEWEST or np.median(off[good]) > _LOST_PX:
            return None
        good &= off <= np.median(off[good])
        self._box = _carried(self._box, points[good, 0], there[good, 0])
        self._grey = grey
        inside = np.minimum(self._box[2:], grey.shape[1::-1]) > np.maximum(self._box[:2], 0)
        return self._box if inside.all() else None


def _carried(box: Floats, points: Floats, there: Floats) -> Floats:
    """A box moved and made larger as most of its points `(n, 2)` have."""
    a, b = np.triu_indices(len(points), 1)
    before = np.linalg.norm(points[a] - points[b], axis=1)
    after = np.linalg.norm(there[a] - there[b], axis=1)
    growth = float(np.median(after / np.maximum(before, 1e-6))) if len(a) else 1.0
    centre = (box[:2] + box[2:]) / 2 + np.median(there - points, axis=0)
    half = (box[2:] - box[:2]) / 2 * growth
    return np.concatenate([centre - half, centre + half])
