"""Persons rather than faces: found by a detector or given as boxes, also from afar and from behind.

Each person has a body box and a head in it. Heads are followed like faces; where no face is seen in
a head its rows say so by a quality of 0, and nothing is claimed of its turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.geometry import boxes
from eyeline.people.detect import Detector, Faces, head_box
from eyeline.people.follow import Measure
from eyeline.people.given import AVERAGE_FIVE, Given
from eyeline.people.tracks import Track
from eyeline.results import Floats

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

HEADS_HIGH = 7.5
"""Height of a standing adult, in heads."""
HEAD_WIDE = 0.8
"""Width of a head over its height."""
UNSEEN_RAD = 1.5
"""`Track.head_error_rad` of a head whose face is not seen: nothing is known."""
_UPPER = 0.5
"""Share of a body, from the top, in which its face may lie."""
_SAME_IOU = 0.3


@dataclass(frozen=True)
class Persons:
    """The persons of one frame."""

    box_xyxy: Floats
    """`(n, 4)` of the whole person, hair to soles, as far as the image shows it."""
    score: Floats
    """`(n,)` in [0, 1]."""
    head_xyxy: Floats
    """`(n, 4)` hair to chin, ear to ear; NaN where only the person was found."""

    def __post_init__(self) -> None:
        """Check the shapes."""
        sizes = check_shape(self.box_xyxy, "n 4", "box_xyxy")
        check_shape(self.score, "n", "score", sizes)
        check_shape(self.head_xyxy, "n 4", "head_xyxy", sizes)

    def __len__(self) -> int:
        """Number of persons."""
        return len(self.score)

    @classmethod
    def of(cls, box_xyxy: Floats, score: Floats) -> Persons:
        """Persons of whom nothing but the box is known."""
        return cls(box_xyxy, score, np.full((len(score), 4), np.nan))


class PersonFinder(Protocol):
    """Whatever finds persons."""

    def find(self, frame: Frame) -> Persons:
        """The persons of a frame, in its pixels."""


class GivenPersons:
    """Boxes of whole persons that the user gives."""

    def __init__(self, given: Given) -> None:
        """Take the boxes."""
        self._given = given

    def find(self, frame: Frame) -> Persons:
        """Those of a frame, in the file's order."""
        rows = np.array(self._given.boxes.get(frame.index, []), np.float64).reshape(-1, 6)
        return Persons.of(rows[:, 1:5], rows[:, 5])


class HeadsOfPersons(Detector):
    """A detector of heads, seen from any side: those of found persons, with the faces in them.

    Args:
        finder: of persons.
        faces: of faces. A face is the head of the person in whose upper half it lies; faces that
            belong to nobody are answered too, unless the persons were given.
        whole_heads: answer the boxes of heads rather than of faces, as for boxes of the user's.
    """

    def __init__(self, finder: PersonFinder, faces: Detector, *, whole_heads: bool = False) -> None:
        self._finder, self._faces = finder, faces
        self._whole_heads = whole_heads
        self._seen: list[tuple[int, Floats, Floats]] = []

    def detect(self, frame: Frame) -> Faces:
        """Faces, or where none is seen the part of the head where it would be."""
        persons, faces = self._finder.find(frame), self._faces.detect(frame)
        owned = _faces_of(persons, faces)
        free = [] if self._whole_heads else sorted(set(range(len(faces))) - set(owned))
        heads = [_face_box(persons, i, faces, f) for i, f in enumerate(owned)]
        box = np.array([*heads, *faces.box_xyxy[free]]).reshape(-1, 4)
        own = [faces.five_px[f] if f >= 0 else None for f in (*owned, *free)]
        five = [guessed_five(b) if p is None else p for b, p in zip(box, own, strict=True)]
        if self._whole_heads:
            box = head_box(box)
        body = np.concatenate([persons.box_xyxy, np.full((len(free), 4), np.nan)])
        self._seen.append((frame.index, box, body))
        score = np.concatenate([persons.score, faces.score[free]])
        return Faces(box, score, np.array(five).reshape(-1, 5, 2))

    def measure(self) -> Measure:
        """A head may have no face."""
        return HeadMeasure()

    def completed(self, tracks: Sequence[Track]) -> list[Track]:
        """Tracks with the bodies of their heads, and without claims where no face was seen."""
        searched = {frame: (box, body) for frame, box, body in self._seen}
        return [_honest(replace(t, body_xyxy=_body_column(t, searched))) for t in tracks]


class HeadMeasure(Measure):
    """Measures faces as usual; a head whose five points were guessed has a quality of 0."""

    def __call__(
        self, frame: Frame, box: Floats, five: Floats, placed: Floats
    ) -> tuple[dict[str, Any], Floats]:
        """See `Measure`."""
        columns, points = super().__call__(frame, box, five, placed)
        if _is_guessed(box, five):
            columns["quality"] = 0.0
        return columns, points


def guessed_five(face_xyxy: Floats) -> Floats:
    """Where the five points of a frontal face would lie `(5, 2)` in the box of a face `(4,)`."""
    return np.asarray(boxes.centre(face_xyxy) + (face_xyxy[3] - face_xyxy[1]) * AVERAGE_FIVE)


def head_in_body(body_xyxy: Floats) -> Floats:
    """Head `(4,)`, hair to chin, at the top of a standing person `(4,)`; a guess.

    Of somebody who sits or is cut by the image's border the head is taken for smaller than it is;
    it is never less than a third of the box's width.
    """
    x1, y1, x2, y2 = (float(v) for v in body_xyxy)
    high = max((y2 - y1) / HEADS_HIGH, (x2 - x1) / 3)
    centre, half = (x1 + x2) / 2, HEAD_WIDE / 2 * high
    return np.array([centre - half, y1, centre + half, y1 + high])


def face_in_head(head_xyxy: Floats) -> Floats:
    """The box of the face `(..., 4)` whose `detect.head_box` is the head."""
    unit = head_box(np.array([0.0, 0.0, 1.0, 1.0]))
    low, high = head_xyxy[..., :2], head_xyxy[..., 2:]
    size = (high - low) / (unit[2:] - unit[:2])
    corner = low - unit[:2] * size
    return np.concatenate([corner, corner + size], axis=-1)


def _faces_of(persons: Persons, faces: Faces) -> list[int]:
    """For each person the face in its upper part that lies highest in the middle; -1 without."""
    from scipy.optimize import linear_sum_assignment

    if not len(persons) or not len(faces):
        return [-1] * len(persons)
    centre = boxes.centre(faces.box_xyxy)[None]
    body = persons.box_xyxy[:, None]
    wide, high = body[..., 2] - body[..., 0], body[..., 3] - body[..., 1]
    across = np.abs(centre[..., 0] - (body[..., 0] + body[..., 2]) / 2) / np.maximum(wide, 1)
    down = (centre[..., 1] - body[..., 1]) / np.maximum(high, 1)
    inside = (across <= 0.5) & (down >= 0) & (down <= _UPPER)
    cost = np.where(inside, across + down, 10.0)
    result = [-1] * len(persons)
    for i, j in zip(*linear_sum_assignment(cost), strict=True):
        if inside[i, j]:
            result[int(i)] = int(j)
    return result


def _face_box(persons: Persons, person: int, faces: Faces, face: int) -> Floats:
    if face >= 0:
        return np.asarray(faces.box_xyxy[face], np.float64)
    head = persons.head_xyxy[person]
    known = bool(np.isfinite(head).all())
    return face_in_head(head if known else head_in_body(persons.box_xyxy[person]))


def _is_guessed(face_xyxy: Floats, five_px: Floats) -> bool:
    """Whether points are those of `guessed_five`, which also hold halfway between two frames.

    The box may be that of the face or of the whole head.
    """
    far = 1e-3 * float(face_xyxy[3] - face_xyxy[1])
    return any(
        bool(np.abs(guessed_five(box) - five_px).max() < far)
        for box in (face_xyxy, face_in_head(face_xyxy))
    )


def _body_column(track: Track, searched: dict[int, tuple[Floats, Floats]]) -> Floats | None:
    """Bodies `(n, 4)` of a track's rows, straight lines between the searched frames."""
    rows, result = [], []
    for row in np.flatnonzero(np.isin(track.frame, list(searched))).tolist():
        box, body = searched[int(track.frame[row])]
        overlap = boxes.iou(track.box_xyxy[row : row + 1], box)[0]
        if len(overlap) and overlap.max() > _SAME_IOU:
            best = body[int(overlap.argmax())]
            if np.isfinite(best).all():
                rows.append(row)
                result.append(best)
    if not rows:
        return None
    at = np.arange(len(track))
    return np.stack([np.interp(at, rows, side) for side in np.array(result).T], axis=1)


def _honest(track: Track) -> Track:
    """A track that claims nothing of its head where no face was seen."""
    unseen: npt.NDArray[np.bool_] = track.quality <= 0
    return replace(
        track,
        head_error_rad=np.where(unseen, UNSEEN_RAD, track.head_error_rad),
        pupil_mm=np.where(unseen[:, None], np.nan, track.pupil_mm),
        lid_opening=np.where(unseen, np.nan, track.lid_opening),
        mouth_open=np.where(unseen, np.nan, track.mouth_open),
    )
