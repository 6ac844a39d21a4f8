"""The streaming pass over a video: faces found at a low rate, followed between, measured always.

Detection runs at every `interval_s`. Between two detections boxes and points are interpolated,
unless a face moved too far, turned too much, appeared or vanished: then the frames between are
searched too, by halving, down to every frame. A cut ends all tracks; the frames on both of its
sides are always searched. So memory is bounded by a handful of frames, and neither fast motion nor
a cut is lost.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.geometry import boxes
from eyeline.people import eyes, landmarks
from eyeline.people.cbiou import SURE
from eyeline.people.detect import Detector
from eyeline.people.head_networks import EyeNetwork, HeadNetwork, eye_middles
from eyeline.people.irises.locate import Locator
from eyeline.people.numbering import Numbers, Seen, Tracker
from eyeline.people.portraits import Portraits
from eyeline.people.rows import Rows
from eyeline.people.slides import Parts
from eyeline.people.tracks import SIX_OF_68
from eyeline.results import Floats
from eyeline.video.handover import ahead

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

FAR_MOVED = 0.30
"""Shift between two detections, in face sizes, beyond which the frames between are searched."""
FAR_TURNED_RAD = 0.26
"""Likewise for the turn of the head as the five points show it."""

SEARCH_S = 0.125
"""Time between two searched frames where little happens."""
FACES_AHEAD = 24
"""Faces that are followed ahead of those being measured."""


@dataclass(frozen=True)
class _Face:
    """A face with a track, to be measured."""

    frame: Frame
    track_id: int
    """Or the number of a later part of it, see `slides.Parts`."""
    shot: int
    detected: bool
    box: Floats
    five: Floats
    score: Floats
    placed: Floats


class Follower:
    """Follows faces through the frames of one video and measures them."""

    def __init__(
        self,
        detector: Detector,
        interval_s: float = SEARCH_S,
        tracker: Numbers | None = None,
        measure: Measure | None = None,
    ) -> None:
        """Load what measures the faces; nothing is followed yet."""
        self._detector = detector
        self._interval_s = interval_s
        self._tracker = tracker or Tracker()
        self._measure = measure or Measure()
        self.rows = Rows()
        self.portraits = Portraits()
        self._heads, self._eyes = HeadNetwork(), EyeNetwork()
        self._parts = Parts(whole=self._tracker.believed)
        self._lively = False
        self.frames_searched = 0
        self.shot_starts_s: list[float] = []

    def run(self, frames: Iterable[tuple[Frame, bool]]) -> None:
        """Follow all frames to the end; each comes with whether it begins a new shot.

        Searching runs in a thread of its own, a little ahead of measuring. At the end tracks that
        slid to another person are cut.
        """
        for face in ahead(lambda: self._followed(frames), FACES_AHEAD, "eyeline-search"):
            self._add(face)
        self._parts.settle(self.rows, self.portraits)

    def step(self, frame: Frame, cut: bool = False) -> None:
        """Follow one more frame, searched and measured at once, by nothing that comes later.

        A face that the tracker numbers only once it sees it again has no row before that, and parts
        of tracks keep their own numbers.
        """
        if cut or not self.shot_starts_s:
            self._cut(frame)
        for face in self._found(self._first(frame)):
            self._add(face)

    def _followed(self, frames: Iterable[tuple[Frame, bool]]) -> Iterator[_Face]:
        """Every face with a track in every frame, in order of time."""
        waiting: list[Frame] = []
        last: Seen | None = None
        for frame, cut in frames:
            if cut or last is None:
                yield from self._rest(last, waiting)
                self._cut(frame)
                last, waiting = self._first(frame), []
                continue
            waiting.append(frame)
            if frame.time_s - last.frame.time_s >= self._interval_s - 1e-6:
                seen = self._between(last, waiting)
                yield from self._faces(seen, waiting)
                last, waiting = seen[-1], []
        yield from self._rest(last, waiting)

    def _cut(self, frame: Frame) -> None:
        self.shot_starts_s.append(frame.time_s)
        self.portraits.begin_shot(frame)
        self._tracker.restart()

    def _first(self, frame: Frame) -> Seen:
        seen = self._search(frame)
        self._tracker.assign(seen)
        return seen

    def _rest(self, last: Seen | None, waiting: list[Frame]) -> Iterator[_Face]:
        """The faces of what waits at the end of a shot."""
        if last is not None:
            seen = self._between(last, waiting) if waiting else [last]
            yield from self._faces(seen, waiting)
            yield from self._found(seen[-1])

    def _between(self, last: Seen, waiting: list[Frame]) -> list[Seen]:
        """Search the last waiting frame and as many of the others as needed, and number the faces.

        Returns:
            `last` and all searched frames after it.
        """
        end = self._search(waiting[-1])
        between = self._halve(last, waiting[:-1], end, sure=self._lively)
        self._lively = len(between) > (1 if self._lively else 0)
        for one in (*between, end):
            self._tracker.assign(one)
        return [last, *between, end]

    def _faces(self, seen: list[Seen], waiting: list[Frame]) -> Iterator[_Face]:
        """The faces from the first searched frame to before the last one.

        Those of the last wait until the frame after it is searched, which may number them.
        """
        rest = iter(waiting)
        for before, after in itertools.pairwise(seen):
            yield from self._found(before)
            for frame in rest:
                if frame is after.frame:
                    break
                yield from self._carried(before, frame, after)

    def _halve(self, a: Seen, between: list[Frame], b: Seen, sure: bool = False) -> list[Seen]:
        """The frames between two searched ones that must be searched too, in order.

        With `sure` the middle one is in any case: what moved fast may be back where it was.
        """
        if not between or (not sure and _alike(a, b)):
            return []
        centre = len(between) // 2
        result = self._search(between[centre])
        left = self._halve(a, between[:centre], result)
        return [*left, result, *self._halve(result, between[centre + 1 :], b)]

    def _search(self, frame: Frame) -> Seen:
        self.frames_searched += 1
        faces = self._detector.detect(frame)
        return Seen(frame, faces, landmarks.placing(faces.five_px))

    def _found(self, seen: Seen) -> Iterator[_Face]:
        for i, track_id in enumerate(seen.track_id):
            if track_id:
                values = [column[i] for column in seen.columns]
                part = self._parts.number(track_id, seen.faces.box_xyxy[i])
                yield _Face(seen.frame, part, self._shot, True, *values)

    def _carried(self, a: Seen, frame: Frame, b: Seen) -> Iterator[_Face]:
        """Faces of an unsearched frame: those of both neighbours, in proportion of time."""
        fraction = (frame.time_s - a.frame.time_s) / (b.frame.time_s - a.frame.time_s)
        for i, track_id in enumerate(a.track_id):
            if track_id and track_id in b.track_id:
                j = b.track_id.index(track_id)
                values = [
                    (1 - fraction) * x[i] + fraction * y[j]
                    for x, y in zip(a.columns, b.columns, strict=True)
                ]
                part = self._parts.current(track_id)
                yield _Face(frame, part, self._shot, False, *values)

    @property
    def _shot(self) -> int:
        return len(self.shot_starts_s) - 1

    def _add(self, face: _Face) -> None:
        """Measure a face and keep its row."""
        frame = face.frame
        columns, points = self._measure(frame, face.box, face.five, face.placed)
        columns |= self._rendered(face, columns["six"])
        self.rows.add(
            frame=frame.index,
            time_s=frame.time_s,
            end_s=frame.end_s,
            track_id=face.track_id,
            shot=face.shot,
            box=face.box,
            five=face.five,
            score=face.score,
            detected=face.detected,
            **columns,
        )
        if face.detected:
            self.portraits.offer(
                frame,
                face.track_id,
                face.box,
                points,
                columns["quality"],
                five_px=face.five,
                placed=face.placed,
                shot=face.shot,
            )

    def _rendered(self, face: _Face, six: Floats) -> dict[str, Any]:
        """How head and eyes are turned, asked where the face was searched; NaN between."""
        columns = {
            "turn": np.full((3, 3), np.nan), "turn_error": np.nan,
            "look": np.full(2, np.nan), "look_error": np.nan,
        }  # fmt: skip
        if not face.detected:
            return columns
        image = face.frame.rgb()
        turn = self._heads(image, face.box[None])
        columns |= {"turn": turn.rotation[0], "turn_error": turn.error_rad[0]}
        _, roll, scale = face.placed
        look = self._eyes(image, eye_middles(six), scale, roll, turn.rotation[0])
        if look.open().any():
            columns |= {"look": look.gaze_rad, "look_error": look.error_rad}
        return columns


def _alike(a: Seen, b: Seen) -> bool:
    """Whether the same sure faces stand in both frames, little moved and little turned."""
    from scipy.optimize import linear_sum_assignment

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
    turned = np.abs(a.placed[sure_a][row, 0] - b.placed[sure_b][column, 0])
    grown = np.abs(np.log(np.maximum(boxes.size(box_b), 1.0)[column] / size[row]))
    return bool(
        moved.max() < FAR_MOVED and turned.max() < FAR_TURNED_RAD and grown.max() < FAR_MOVED
    )


class Measure:
    """Landmarks, trust, eyes and mouth of one face in one frame."""

    def __init__(self) -> None:
        """Load the landmark predictor and the iris network."""
        self._landmarker = landmarks.Landmarker()
        self._locator = Locator()

    def __call__(
        self, frame: Frame, box: Floats, five: Floats, placed: Floats
    ) -> tuple[dict[str, Any], Floats]:
        """The measured columns of `rows.Rows` for a face, and its `(68, 2)` landmarks.

        Args:
            frame: the frame it is in.
            box: `(4,)` the detector's box.
            five: `(5, 2)` the detector's points.
            placed: `(3,)` of `landmarks.placing`.
        """
        _, roll, scale = (float(value) for value in placed)
        gray = frame.gray()
        chip = landmarks.cut_chip(gray, five, roll, scale)
        points = self.find(frame, chip, box)
        in_frame = chip.to_frame(points)
        both = eyes.measure(self._locator, gray, chip, points)
        columns = {
            "six": in_frame[list(SIX_OF_68)],
            "quality": landmarks.agreement(in_frame, five, scale),
            "iris": both.together(),
            "lids": both.lid_opening.max(),
            "mouth": landmarks.mouth_opening(in_frame, scale),
        }
        return columns, in_frame

    def find(self, frame: Frame, chip: landmarks.Chip, box: Floats) -> Floats:
        """The `(68, 2)` landmarks of a face in the pixels of its chip."""
        return self._landmarker.find(chip)
