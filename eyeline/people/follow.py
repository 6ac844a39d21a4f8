"""The streaming pass over a video: faces found at a low rate, followed between, measured in every frame.

Detection runs at every `interval_s`. Between two detections boxes and points are interpolated, unless a face moved too far,
turned too much, appeared or vanished: then the frames between are searched too, by halving, down to every frame. A cut ends
all tracks; the frames on both of its sides are always searched. So memory is bounded by a handful of frames, and neither
fast motion nor a cut is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment

from eyeline.geometry import boxes
from eyeline.people import eyes, landmarks
from eyeline.people.detect import Detector, Faces
from eyeline.people.portraits import Portraits
from eyeline.people.rows import Rows
from eyeline.people.tracks import SIX_OF_68
from eyeline.results import Floats

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

FAR_MOVED = 0.30
"""Shift between two detections, in face sizes, beyond which the frames between are searched."""
FAR_TURNED_RAD = 0.26
"""Likewise for the turn of the head as the five points show it."""
SURE = 0.6
"""Least confidence with which a face starts a track; weaker ones only carry a track on."""


class Shots(Protocol):
    """Whatever tells that a frame begins a new shot."""

    def feed(self, frame: Frame) -> bool:
        """True if this frame is the first one of a new shot."""


@dataclass
class _Seen:
    """A frame that was searched, with the track of each face."""

    frame: Frame
    faces: Faces
    yaw_rad: Floats
    track_id: list[int] = field(default_factory=list)


class Follower:
    """Follows faces through the frames of one video and measures them.

    Args:
        detector: finds faces in a frame.
        shots: tells the cuts.
        interval_s: time between two searched frames where little happens.
        keep_lost_s: how long a face may be missed before its track ends.
    """

    def __init__(
        self, detector: Detector, shots: Shots, interval_s: float = 0.125, keep_lost_s: float = 1.0
    ) -> None:
        self._detector = detector
        self._shots = shots
        self._interval_s = interval_s
        self._tracker = Tracker(keep_lost_s)
        self._measure = Measure()
        self.rows = Rows()
        self.portraits = Portraits()
        self.frames_searched = 0
        self.shot_starts_s: list[float] = []

    def run(self, frames: Iterable[Frame]) -> None:
        """Follow all frames to the end."""
        waiting: list[Frame] = []
        last: _Seen | None = None
        for frame in frames:
            if self._shots.feed(frame) or last is None:
                self._finish(last, waiting)
                self._cut(frame)
                last, waiting = self._first(frame), []
                continue
            waiting.append(frame)
            if frame.time_s - last.frame.time_s >= self._interval_s - 1e-6:
                last, waiting = self._between(last, waiting), []
        self._finish(last, waiting)
        self.portraits.close()

    def _cut(self, frame: Frame) -> None:
        self.shot_starts_s.append(frame.time_s)
        self._tracker.restart()

    def _first(self, frame: Frame) -> _Seen:
        seen = self._search(frame)
        self._tracker.assign(seen)
        self._store(seen)
        return seen

    def _finish(self, last: _Seen | None, waiting: list[Frame]) -> None:
        if last is not None and waiting:
            self._between(last, waiting)

    def _between(self, last: _Seen, waiting: list[Frame]) -> _Seen:
        """Search the last waiting frame and as many of the others as needed; store all; return the last."""
        end = self._search(waiting[-1])
        seen = [*self._halve(last, waiting[:-1], end), end]
        for one in seen:
            self._tracker.assign(one)
        queue = list(waiting)
        before = last
        for one in seen:
            while queue[0] is not one.frame:
                self._carry(before, queue.pop(0), one)
            self._store(one)
            before = queue.pop(0) and one
        return end

    def _halve(self, a: _Seen, between: list[Frame], b: _Seen) -> list[_Seen]:
        """The frames between two searched ones that must be searched too, in order."""
        if not between or _alike(a, b):
            return []
        middle = len(between) // 2
        found = self._search(between[middle])
        left = self._halve(a, between[:middle], found)
        return [*left, found, *self._halve(found, between[middle + 1 :], b)]

    def _search(self, frame: Frame) -> _Seen:
        self.frames_searched += 1
        faces = self._detector.detect(frame)
        yaw = landmarks.quick_pose(faces.five_px).yaw_rad if len(faces) else np.zeros(0)
        return _Seen(frame, faces, yaw)

    def _store(self, seen: _Seen) -> None:
        for i, track_id in enumerate(seen.track_id):
            if track_id:
                faces = seen.faces
                self._add(seen.frame, track_id, faces.box_xyxy[i], faces.five_px[i], faces.score[i], True)

    def _carry(self, a: _Seen, frame: Frame, b: _Seen) -> None:
        """Rows of an unsearched frame: faces that both neighbours have, in proportion of time."""
        share = (frame.time_s - a.frame.time_s) / (b.frame.time_s - a.frame.time_s)
        for i, track_id in enumerate(a.track_id):
            if track_id and track_id in b.track_id:
                j = b.track_id.index(track_id)
                box, five, score = (
                    (1 - share) * x[i] + share * y[j]
                    for x, y in zip(_columns(a.faces), _columns(b.faces), strict=True)
                )
                self._add(frame, track_id, box, five, float(score), False)

    def _add(
        self, frame: Frame, track_id: int, box: Floats, five: Floats, score: float, detected: bool
    ) -> None:
        columns, points = self._measure(frame, five)
        self.rows.add(
            frame=frame.index, time_s=frame.time_s, end_s=frame.end_s, track_id=track_id,
            shot=len(self.shot_starts_s) - 1, box=box, five=five, score=score, detected=detected, **columns,
        )  # fmt: skip
        if detected:
            self.portraits.offer(frame, track_id, box, points, columns["quality"])


def _columns(faces: Faces) -> tuple[Floats, Floats, Floats]:
    return faces.box_xyxy, faces.five_px, faces.score


def _alike(a: _Seen, b: _Seen) -> bool:
    """Whether the same sure faces stand in both frames, little moved and little turned."""
    sure_a, sure_b = (np.flatnonzero(s.faces.score >= SURE) for s in (a, b))
    if len(sure_a) != len(sure_b):
        return False
    if not len(sure_a):
        return True
    box_a, box_b = a.faces.box_xyxy[sure_a], b.faces.box_xyxy[sure_b]
    size = np.maximum(boxes.size(box_a), 1.0)
    gap = np.linalg.norm(boxes.centre(box_a)[:, None] - boxes.centre(box_b)[None], axis=-1)
    row, column = linear_sum_assignment(gap / size[:, None])
    moved = gap[row, column] / size[row]
    turned = np.abs(a.yaw_rad[sure_a][row] - b.yaw_rad[sure_b][column])
    grown = np.abs(np.log(np.maximum(boxes.size(box_b), 1.0)[column] / size[row]))
    return bool(
        moved.max() < FAR_MOVED and turned.max() < FAR_TURNED_RAD and grown.max() < FAR_MOVED
    )


class Tracker:
    """Numbers faces across searched frames: C-BIoU of the `trackers` library, by time rather than by step."""

    def __init__(self, keep_lost_s: float) -> None:
        from trackers import CBIoUTracker

        self._make = lambda: CBIoUTracker(
            lost_track_buffer=max(1, round(30 * keep_lost_s)), frame_rate=30.0,
            track_activation_threshold=SURE, high_conf_det_threshold=SURE,
            minimum_consecutive_frames=1, minimum_iou_threshold_first_assoc=0.15,
            minimum_iou_threshold_second_assoc=0.3, minimum_iou_threshold_unconfirmed_assoc=0.15,
        )  # fmt: skip
        self._tracker: Any = None
        self._numbers: dict[int, int] = {}
        self._next = 1

    def restart(self) -> None:
        """Forget all faces; numbers go on."""
        self._tracker = self._make()
        self._numbers = {}

    def assign(self, seen: _Seen) -> None:
        """Fill in the track of each face, 0 for a face too unsure to start one."""
        import supervision as sv

        faces = seen.faces
        order = np.lexsort((faces.box_xyxy[:, 1], faces.box_xyxy[:, 0]))
        detections = sv.Detections(
            xyxy=faces.box_xyxy[order].astype(np.float32), confidence=faces.score[order], class_id=order
        )
        found = self._tracker.update(detections, timestamp=seen.frame.time_s)
        seen.track_id = [0] * len(faces)
        for i, raw in zip(found.class_id, found.tracker_id, strict=True):
            if raw >= 0:
                seen.track_id[int(i)] = self._number(int(raw))

    def _number(self, raw: int) -> int:
        if raw not in self._numbers:
            self._numbers[raw] = self._next
            self._next += 1
        return self._numbers[raw]


class Measure:
    """Landmarks, trust, eyes and mouth of one face in one frame."""

    def __init__(self) -> None:
        self._landmarker = landmarks.Landmarker()

    def __call__(self, frame: Frame, five: Floats) -> tuple[dict[str, Any], Floats]:
        """The measured columns of `rows.Rows` for a face with the given five points, and its `(68, 2)` landmarks."""
        pose = landmarks.quick_pose(five[None])
        scale = float(pose.scale_px[0])
        chip = landmarks.cut_chip(frame.gray(), five, float(pose.roll_rad[0]), scale)
        points = self._landmarker.find(chip)
        in_frame = chip.to_frame(points)
        both = eyes.measure(chip, points)
        columns = {
            "six": in_frame[list(SIX_OF_68)],
            "quality": landmarks.agreement(in_frame, five, scale),
            "iris": eyes.shift_mm(both, points),
            "lids": np.nanmax(both[:, 2]),
            "mouth": landmarks.mouth_opening(in_frame, scale),
        }
        return columns, in_frame
