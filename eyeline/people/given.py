"""Boxes and tracks that the user brings: MOT text or our own people table."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eyeline.errors import DataError
from eyeline.geometry import boxes
from eyeline.people import landmarks
from eyeline.people.detect import CenterFace, Detector, Faces
from eyeline.results import Floats

if TYPE_CHECKING:
    from eyeline.people.numbering import Seen
    from eyeline.video.reader import Frame


@dataclass(frozen=True)
class Given:
    """Boxes by frame."""

    path: str
    boxes: dict[int, list[tuple[int, float, float, float, float, float]]]
    """Frame index from 0 -> rows of (identity, x1, y1, x2, y2, confidence); identity 0 means "not
    said"."""

    @property
    def identified(self) -> bool:
        """Whether every box says whose it is."""
        return all(row[0] > 0 for rows in self.boxes.values() for row in rows)


def read(path: Path) -> Given:
    """Read boxes of faces or heads, or of whole persons.

    Args:
        path: `.parquet` with columns `frame`, `x1_px`, `y1_px`, `x2_px`, `y2_px` and, if known,
            `person` or `track_id` (our own people table is one); anything else is read as MOT
            text: frame from 1, identity or -1, left, top, width, height, confidence, further
            columns ignored.

    Raises:
        DataError: naming file, line and what would be right.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file of boxes")
    found: dict[int, list[tuple[int, float, float, float, float, float]]] = defaultdict(list)
    for frame, row in _parquet(path) if path.suffix == ".parquet" else _mot(path):
        found[frame].append(row)
    if not found:
        raise DataError(f"{path}: no boxes in this file")
    for frame, boxes_of_frame in found.items():
        who = [box[0] for box in boxes_of_frame if box[0] > 0]
        if len(set(who)) < len(who):
            raise DataError(
                f"{path}: frame {frame}, counted from 0, has two boxes of one identity "
                f"({sorted(who)}); give each person a number of its own"
            )
    return Given(str(path), dict(found))


def _mot(path: Path) -> list[tuple[int, tuple[int, float, float, float, float, float]]]:
    rows = []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        for line, fields in enumerate(csv.reader(file), start=1):
            if not fields or not "".join(fields).strip():
                continue
            try:
                frame, identity = int(float(fields[0])), int(float(fields[1]))
                left, top, width, height = (float(v) for v in fields[2:6])
                score = float(fields[6]) if len(fields) > 6 and fields[6].strip() else 1.0
            except (ValueError, IndexError):
                raise DataError(
                    f"{path}, line {line}: expected "
                    f"'frame,identity,left,top,width,height[,confidence]' with numbers, "
                    f"found '{','.join(fields)[:60]}'"
                ) from None
            if (
                frame < 1
                or width <= 0
                or height <= 0
                or not np.isfinite([left, top, width, height]).all()
            ):
                raise DataError(
                    f"{path}, line {line}: frames count from 1 and boxes have a size; "
                    f"found frame {frame}, {width} x {height}"
                )
            score = score if 0 < score <= 1 else 1.0
            rows.append(
                (frame - 1, (max(identity, 0), left, top, left + width, top + height, score))
            )
    return rows


def _parquet(path: Path) -> list[tuple[int, tuple[int, float, float, float, float, float]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a Parquet file ({str(error).splitlines()[0][:80]})") from None
    need = ["frame", "x1_px", "y1_px", "x2_px", "y2_px"]
    missing = [name for name in need if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path}: columns {', '.join(missing)} are missing; there are {table.column_names}"
        )
    values = np.stack([table[name].to_numpy().astype(np.float64) for name in need], axis=1)
    who = next((name for name in ("person", "track_id") if name in table.column_names), None)
    identity = table[who].to_numpy() if who else np.zeros(len(values))
    score = table["score"].to_numpy() if "score" in table.column_names else np.ones(len(values))
    return [
        (int(v[0]), (int(i), float(v[1]), float(v[2]), float(v[3]), float(v[4]), float(s)))
        for v, i, s in zip(values, identity, score, strict=True)
    ]


class GivenFaces:
    """A detector whose boxes come from a file.

    The five points come from the face detector or from landmarks.

    Args:
        given: the boxes.
        detector: looks for the five points; a given box whose middle no found face has gets them
            from the 68 landmarks.
    """

    def __init__(self, given: Given, detector: Detector | None = None) -> None:
        """Take the boxes and load the landmark predictor."""
        self._given = given
        self._detector = detector or CenterFace()
        self._landmarker = landmarks.Landmarker()

    def detect(self, frame: Frame) -> Faces:
        """The given boxes of a frame, in the file's order."""
        rows = self._given.boxes.get(frame.index, [])
        if not rows:
            return Faces.none()
        box = np.array([row[1:5] for row in rows])
        found = self._detector.detect(frame)
        five = np.stack([self._five(frame, b, found) for b in box])
        return Faces(box, np.array([row[5] for row in rows]), five)

    def identities(self, frame: Frame) -> list[int]:
        """Whose the boxes of `detect` are, 0 where the file does not say."""
        return [row[0] for row in self._given.boxes.get(frame.index, [])]

    def _five(self, frame: Frame, box: Floats, found: Faces) -> Floats:
        middle = boxes.centre(found.box_xyxy)
        inside = ((middle > box[:2]) & (middle < box[2:])).all(axis=1)
        if inside.any():
            return np.asarray(found.five_px[int(np.argmax(inside))])
        size = float(box[3] - box[1])
        guess = boxes.centre(box) + size * AVERAGE_FIVE
        chip = landmarks.cut_chip(frame.gray(), guess, 0.0, size / landmarks.FACE_MM)
        return landmarks.five_of_68(chip.to_frame(self._landmarker.find(chip)))


AVERAGE_FIVE = np.array([[-0.17, -0.1], [0.17, -0.1], [0.0, 0.09], [-0.135, 0.27], [0.135, 0.27]])
"""The five points of a frontal face in heights of its box, from the box's middle."""


class Identified(Protocol):
    """A detector that knows whose its boxes are."""

    def identities(self, frame: Frame) -> list[int]:
        """One for each box of the frame, 0 where it is not known."""


class GivenTracks:
    """A tracker that believes the identities in the file."""

    believed = True

    def __init__(self, faces: Identified) -> None:
        """Take the detector, which knows whose its boxes are."""
        self._faces = faces
        self._shot = 0
        self._numbers: dict[tuple[int, int], int] = {}
        self.person_of: dict[int, int] = {}

    def restart(self) -> None:
        """A cut: the same person goes on in a new track."""
        self._shot += 1

    def assign(self, seen: Seen) -> None:
        """Fill in the track of each face."""
        seen.track_id = []
        for identity in self._faces.identities(seen.frame):
            number = self._numbers.setdefault((self._shot, identity), len(self._numbers) + 1)
            self.person_of[number] = identity
            seen.track_id.append(number)
