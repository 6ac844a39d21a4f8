"""What matching needs of each frame: heads, speech, directions, and candidates between detections.

Detecting candidates is dear, and they move little in half a second: the detector gets a frame now
and then, and at cuts at once. Between two detections of a shot a candidate moves on a straight line
from where it was to where it is again; one that is detected only once lasts for the nearer half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError
from eyeline.geometry import boxes
from eyeline.people.published_face import published_face
from eyeline.people.tracks import joined, who_and_when
from eyeline.results import Floats, Ints
from eyeline.speech.syncnet.crops import squares
from eyeline.system import Scene
from eyeline.systems.gaze_following.detector.infer import Candidates
from eyeline.systems.gaze_following.heads import heads
from eyeline.systems.gaze_following.matching.inputs import Moment

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

Shown = TypeVar("Shown")
EVERY_S = 0.5
"""Time from one detection to the next."""
INTERPOLATION = (
    "candidates found twice move on straight lines, others last for the nearer half of the time"
)
"""How the frames between two detections are filled, in words."""
SAME = 0.3
"""Intersection over union above which two candidates of successive detections are one thing; less
than from frame to frame, as things go further in half a second."""
FAR = 1.5
"""Detections that are further apart than this many times the usual have nothing between them:
nobody was visible there."""
LEAST_CONCENTRATION = 0.01
"""A direction with less is none: its row could not be seen."""


class Detection(NamedTuple):
    """The candidates at one time."""

    time_s: float
    shot: int
    candidates: Candidates


class Between(NamedTuple):
    """Two detections, either of which may lack, and which of their candidates are the same."""

    before: Detection | None
    after: Detection | None
    pairs: npt.NDArray[np.int64]
    """`(n, 2)` candidate of the one and of the other."""


def frames_due(time_s: Floats, shot: Ints, every_s: float = EVERY_S) -> Ints:
    """Rows of frames `(n,)` to detect in: the first of a shot, and whenever the last is old."""
    due: list[int] = []
    for i in range(len(time_s)):
        new = not due or shot[i] != shot[due[-1]]
        if new or time_s[i] >= time_s[due[-1]] + every_s - 1e-6:
            due.append(i)
    return np.array(due, np.int64)


def due_batches(
    scene: Scene, crowd: Crowd, due: Ints, show: Callable[[Frame], Shown], at_once: int
) -> Iterator[list[tuple[int, Shown]]]:
    """Frames `due` as `show` makes them, with their places in `crowd.frames`, some at once.

    For a frame that is lost the next one with somebody in it stands in.
    """
    assert scene.frames is not None
    passed, waiting = 0, list[tuple[int, Shown]]()
    for frame in scene.frames() if len(due) else ():
        place = int(np.searchsorted(crowd.frames, frame.index))
        there = place < len(crowd.frames) and crowd.frames[place] == frame.index
        if there and frame.index >= due[passed]:
            waiting.append((place, show(frame)))
            passed = int(np.searchsorted(due, frame.index, side="right"))
        if len(waiting) == at_once:
            yield waiting
            waiting = []
        if passed == len(due):
            break
    if waiting:
        yield waiting


def between(before: Detection | None, after: Detection | None, every_s: float = EVERY_S) -> Between:
    """Two successive detections as neighbours, if they lie in one shot and near each other."""
    if (
        before is None
        or after is None
        or before.shot != after.shot
        or after.time_s - before.time_s > FAR * every_s + 1e-6
    ):
        return Between(before, after, np.zeros((0, 2), np.int64))
    pairs = same_boxes(before.candidates.box_xyxy, after.candidates.box_xyxy)
    return Between(before, after, pairs)


def same_boxes(one_xyxy: Floats, other_xyxy: Floats) -> npt.NDArray[np.int64]:
    """Pairs `(n, 2)` of boxes that overlap by more than `SAME`, each box in one pair at most.

    The pairs are those with the greatest overlap in all.
    """
    from scipy.optimize import linear_sum_assignment

    overlap = boxes.iou(one_xyxy, other_xyxy)
    first, second = linear_sum_assignment(np.where(overlap > SAME, overlap, 0), maximize=True)
    kept = overlap[first, second] > SAME
    return np.stack([first[kept], second[kept]], axis=1).astype(np.int64)


def candidates_at(span: Between, time_s: float, shot: int) -> Candidates:
    """The candidates in a frame, the surest first; none where nothing was detected in its shot."""
    before, after = (d if d is not None and d.shot == shot else None for d in span[:2])
    if before is None or after is None:
        single = before or after
        return single.candidates if single else Candidates(np.zeros((0, 4)), np.zeros(0))
    fraction = (time_s - before.time_s) / max(after.time_s - before.time_s, 1e-9)
    nearer = 1 if fraction >= 0.5 else 0
    alone = np.ones(len((before, after)[nearer].candidates.score), bool)
    alone[span.pairs[:, nearer]] = False
    box, score = (
        np.concatenate(
            [
                (1 - fraction) * ends[0][span.pairs[:, 0]] + fraction * ends[1][span.pairs[:, 1]],
                ends[nearer][alone],
            ]
        )
        for ends in zip(before.candidates, after.candidates, strict=True)
    )
    order = np.argsort(-score, kind="stable")
    return Candidates(box[order], score[order])


class Crowd:
    """The rows of a scene's tracks, sorted by frame.

    Heads are the published squares about faces, on which annotations and the matcher rest.

    Attributes:
        row: `(n,)` where each of these rows lies among the tracks' rows, one track after another.
        person: `(n,)`.
        head_xyxy: `(n, 4)` pixels.
        size_px: width and height of the image.
        frames: `(m,)` indices of the frames in which there is somebody.
        time_s: `(m,)` of these.
        shot: `(m,)` likewise.
    """

    def __init__(self, scene: Scene) -> None:
        """Sort; DataError for speech or directions whose rows are not those of the tracks."""
        columns = who_and_when(scene.tracks)
        order = np.argsort(columns["frame"], kind="stable")
        n = len(order)
        head = joined(
            (heads(squares(published_face(t))).box_xyxy for t in scene.tracks), np.float64, (4,)
        )
        shot = joined((np.full(len(t), t.shot) for t in scene.tracks), np.int64)
        speaks, gaze = np.full(n, np.nan), np.full((n, 3), np.nan)
        if scene.speaking is not None:
            _check(len(scene.speaking), n, "scores of who speaks")
            speaks = scene.speaking.value.astype(np.float64)
        if scene.gaze is not None:
            _check(len(scene.gaze), n, "directions")
            seen = scene.gaze.concentration >= LEAST_CONCENTRATION
            gaze[seen] = scene.gaze.direction[seen]
        self.row, self.person, self.head_xyxy = order, columns["person"][order], head[order]
        self._frame, self._speaks, self._gaze = columns["frame"][order], speaks[order], gaze[order]
        self.size_px = float(scene.video.width_px), float(scene.video.height_px)
        self.frames, first = np.unique(self._frame, return_index=True)
        self.time_s: Floats = columns["time_s"][order][first]
        self.shot: Ints = shot[order][first]

    def __len__(self) -> int:
        """Rows of all tracks."""
        return len(self.row)

    def rows(self, place: int) -> slice:
        """The rows, in this order, of the `place`-th frame in which there is somebody."""
        frame = self.frames[place]
        return slice(*np.searchsorted(self._frame, [frame, frame + 1]).tolist())

    def moment(self, place: int, candidates: Candidates) -> Moment:
        """That frame with its candidates; people as of `rows`."""
        mine = self.rows(place)
        people = self.head_xyxy[mine], self._speaks[mine], self._gaze[mine]
        return Moment(self.size_px, *people, candidates.box_xyxy, candidates.score)


def _check(given: int, rows: int, what: str) -> None:
    if given != rows:
        raise DataError(f"{given} {what} for {rows} faces; they must be of one analysis")
