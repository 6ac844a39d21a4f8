"""What is read again of the original video: areas that are tracked, images of people split off.

The tracker is Median Flow (Kalal, Mikolajczyk and Matas, 2010): a grid of points is followed by
Lucas and Kanade's method forwards and back; the better half says how the box moves and grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from eyeline.corrections.areas import NEAR_S, Tracks, boxes_of, corners_of, holds
from eyeline.corrections.model import Area, Corrections, SplitPerson
from eyeline.errors import VideoError
from eyeline.export.spans import clock_of
from eyeline.people.portraits import cut_thumbnail
from eyeline.results import Analysis, Clock, Floats, Image, Ints, Part

Grey: TypeAlias = npt.NDArray[np.uint8]
Frames = Mapping[int, int]
"""By person, the number of the frame that the image is from."""

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
    import cv2

    from eyeline.video.reader import VideoReader

    clock, chosen = clock_of(analysis), analysis.settings
    reader = VideoReader(
        video, video_track=chosen.get("video_track"), turn_deg=chosen.get("turn_deg") or 0
    )
    followers = {area.id: Follower(area, clock) for area in areas}
    rows = {frame: row for row, frame in enumerate(clock.frame.tolist())}
    for frame in reader:  # at the video's own rate, whatever the analysed frames are
        there = [one for one in followers.values() if one.holds_at(frame.time_s)]
        if there:
            rgb = frame.rgb()
            scale = min(1.0, _LONGER_SIDE_PX / max(rgb.shape[:2]))
            whole = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            small = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            grey = np.asarray(small, np.uint8)
            for one in there:
                one.see(rows.get(frame.index), frame.time_s, grey, scale)
    return {number: one.corners() for number, one in followers.items()}


class Follower:
    """Follows one area, frame by frame."""

    def __init__(self, area: Area, clock: Clock) -> None:
        """Of an area; `clock` is that of the analysed frames."""
        self._clock, self._there, self._corners = clock, holds(area, clock), corners_of(area)
        self._key_boxes = boxes_of(self._corners)
        self._times = np.array([frame.time_s for frame in area.keyframes])
        self._box = np.full((len(clock), 4), np.nan)
        self._ends = np.full((len(self._times), 4), np.nan)
        """Where the tracker had come to from each key frame when the next one came."""
        self._flow: _MedianFlow | None = None
        self._key = -1

    def _key_at(self, time_s: Floats) -> Ints:
        """The key frame that came last; -1 before the first."""
        return np.searchsorted(self._times, time_s + NEAR_S, "right") - 1

    def holds_at(self, time_s: float) -> bool:
        """Whether the area is there."""
        last = np.inf if len(self._times) == 1 else self._times[-1] + NEAR_S
        return bool(self._times[0] - NEAR_S <= time_s <= last)

    def see(self, row: int | None, time_s: float, grey: Grey, scale: float) -> None:
        """The next frame, with its row of the clock if it was analysed."""
        moved = self._flow.moved(grey) if self._flow else None
        box = np.full(4, np.nan) if moved is None else moved / scale
        key = int(self._key_at(np.array(time_s)))
        if key != self._key:
            if self._key >= 0:
                self._ends[self._key] = box
            self._key, box = key, self._key_boxes[key]
            self._flow = _MedianFlow(grey, box * scale)
        elif moved is None:
            self._flow = None
        if row is not None:
            self._box[row] = box

    def corners(self) -> Floats:
        """The corners `(frames, corners, 2)`."""
        key = self._key_at(self._clock.start_s)
        result = np.full((len(key), *self._corners.shape[1:]), np.nan)
        known = self._there & np.isfinite(self._box[:, 0])
        for k in np.unique(key[known]).tolist():
            rows = np.flatnonzero(known & (key == k))
            result[rows] = self._after(k, self._box[rows])
            if np.isfinite(self._ends[k, 0]):
                span_s = self._times[k + 1] - self._times[k]
                part = np.clip((self._clock.start_s[rows] - self._times[k]) / span_s, 0, 1)
                drift = self._after(k, self._ends[k : k + 1])[0] - self._corners[k + 1]
                result[rows] -= drift * part[:, None, None]
        return result

    def _after(self, key: int, box: Floats) -> Floats:
        """The corners `(n, corners, 2)` of a key frame, carried along with its box `(n, 4)`."""
        start = self._key_boxes[key]
        centre, size = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
        from_centre = self._corners[key] - (start[:2] + start[2:]) / 2
        growth = size / (start[2:] - start[:2])
        return np.asarray(centre[:, None] + from_centre * growth[:, None])


class _MedianFlow:
    """A box that goes along with what is in it."""

    def __init__(self, grey: Grey, box_xyxy: Floats) -> None:
        self._grey, self._box = grey, box_xyxy

    def moved(self, grey: Grey) -> Floats | None:
        """The box in the next image; None where it is lost."""
        import cv2

        x1, y1, x2, y2 = self._box.tolist()
        x, y = (np.linspace(*ends, _GRID + 2)[1:-1] for ends in ((x1, x2), (y1, y2)))
        points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 1, 2).astype(np.float32)
        none: Any = None  # OpenCV makes the arrays, which its types do not say
        there, seen, _ = cv2.calcOpticalFlowPyrLK(self._grey, grey, points, none)
        back, returned, _ = cv2.calcOpticalFlowPyrLK(grey, self._grey, there, none)
        off = np.linalg.norm(back - points, axis=-1)[:, 0]
        good = (seen[:, 0] == 1) & (returned[:, 0] == 1) & np.isfinite(off)
        if good.sum() < _FEWEST or np.median(off[good]) > _LOST_PX:
            return None
        good &= off <= np.median(off[good])
        before, after = points[good, 0], there[good, 0]
        a, b = np.triu_indices(len(before), 1)
        apart, later = (np.linalg.norm(p[a] - p[b], axis=1) for p in (before, after))
        growth = float(np.median(later / np.maximum(apart, 1e-6))) if len(a) else 1.0
        centre = (self._box[:2] + self._box[2:]) / 2 + np.median(after - before, axis=0)
        half = (self._box[2:] - self._box[:2]) / 2 * growth
        self._box, self._grey = np.concatenate([centre - half, centre + half]), grey
        inside = np.minimum(self._box[2:], grey.shape[1::-1]) > np.maximum(self._box[:2], 0)
        return self._box if inside.all() else None


def split_people(corrections: Corrections, analysis: Analysis) -> set[int]:
    """Those who were split, and split off: the computed images may show somebody else."""
    splits = [op for op in corrections.operations if isinstance(op, SplitPerson)]
    numbers = {number for op in splits for number in (op.person, op.new_person)}
    return {p.person for p in analysis.persons if p.person in numbers}


def seen_in(analysis: Analysis, frames: Frames) -> dict[int, int]:
    """The frames in which the persons are still seen."""
    rows = set(zip(analysis.people.person.tolist(), analysis.people.frame.tolist(), strict=True))
    return {person: frame for person, frame in frames.items() if (person, frame) in rows}


def cut_images(analysis: Analysis, people: set[int], video: Path) -> dict[int, tuple[int, Image]]:
    """The frame and image in which each of some people is seen best, in one pass of the video.

    Raises:
        VideoError: the video cannot be read.
    """
    from eyeline.video.reader import VideoReader

    table, rows = analysis.people, dict[int, int]()
    sides = (table.box_xyxy[:, 2:] - table.box_xyxy[:, :2]).mean(axis=1)
    quality = np.nan_to_num(table.detected * table.score * table.quality * sides)
    for person in sorted(people):
        mine = np.flatnonzero(table.person == person)
        rows[person] = int(mine[np.argmax(quality[mine])])
    times = sorted({float(table.time_s[row]) for row in rows.values()})
    reader = VideoReader(
        video,
        video_track=analysis.video.video_track,
        turn_deg=analysis.video.turn_deg,
        parts=[Part(max(t - NEAR_S, 0.0), t + NEAR_S) for t in times],
    )
    result: dict[int, tuple[int, Image]] = {}
    for frame in reader if times else ():
        for person, row in rows.items():
            if int(table.frame[row]) == frame.index:
                image = cut_thumbnail(frame.rgb(), table.box_xyxy[row].astype(np.float64))
                result[person] = frame.index, image
    return result


def with_images(analysis: Analysis, images: Mapping[int, Image]) -> Analysis:
    """An analysis with other images of some persons."""
    persons = (replace(p, thumbnail=images.get(p.person, p.thumbnail)) for p in analysis.persons)
    return replace(analysis, persons=tuple(persons))


def renewed(
    analysis: Analysis, people: set[int], video: Path | None
) -> tuple[Analysis, dict[int, int]]:
    """An analysis with images of some people out of its video, and the frames that they are from.

    Without the video, and where people are to be covered, the images stay as they are.
    """
    if not people or video is None or analysis.settings.get("anonymise"):
        return analysis, {}
    try:
        cut = cut_images(analysis, people, video)
    except VideoError as error:
        warning = f"no new images of people who were split: {error}"
        return replace(analysis, warnings=(*analysis.warnings, warning)), {}
    images = {n: image for n, (_, image) in cut.items()}
    return with_images(analysis, images), {n: frame for n, (frame, _) in cut.items()}
