"""Boxes and tracks that the user brings: MOT text or our own people table."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

    def beyond(self, last_frame: int) -> str | None:
        """A warning of boxes after a video's last frame, None where there are none.

        Raises:
            DataError: all boxes are.
        """
        frames = sorted(frame for frame in self.boxes if frame > last_frame)
        if not frames:
            return None
        said = (
            f"{self.path}: {len(frames)} of {len(self.boxes)} frames with boxes, from {frames[0]} "
            f"on, come after the video's last frame, {last_frame}, counted from 0"
        )
        if len(frames) == len(self.boxes):
            raise DataError(f"{said}: these boxes are of another video")
        return said


Row = tuple[int, float, float, float, float, float]
"""Identity, x1, y1, x2, y2, confidence."""


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
    result: dict[int, list[Row]] = defaultdict(list)
    for frame, row in _parquet(path) if path.suffix.lower() == ".parquet" else _mot(path):
        result[frame].append(row)
    if not result:
        raise DataError(f"{path}: no boxes in this file")
    for frame, boxes_of_frame in result.items():
        who = [box[0] for box in boxes_of_frame if box[0] > 0]
        if len(set(who)) < len(who):
            raise DataError(
                f"{path}: frame {frame}, counted from 0, has two boxes of one identity "
                f"({sorted(who)}); give each person a number of its own"
            )
    return Given(str(path), dict(result))


_MOT = "frame,identity,left,top,width,height[,confidence]"


def _mot(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.reader(file)
        try:
            for fields in reader:
                if "".join(fields).strip():
                    yield _mot_row(fields, f"{path}, line {reader.line_num}")
        except csv.Error as error:
            raise DataError(
                f"{path}, line {reader.line_num}: no text of boxes ({error}); expected '{_MOT}'"
            ) from None


def _mot_row(fields: Sequence[str], where: str) -> tuple[int, Row]:
    try:
        frame, identity, left, top, width, height = (float(field) for field in fields[:6])
        score = float(fields[6]) if len(fields) > 6 and fields[6].strip() else 1.0
    except ValueError:
        raise DataError(
            f"{where}: expected '{_MOT}' with numbers, found {','.join(fields)[:60]!r}"
        ) from None
    if frame < 1:
        raise DataError(f"{where}: frame {frame:g}; frames count from 1")
    return _checked(where, frame - 1, identity, (left, top, left + width, top + height), score)


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: not a Parquet file ({str(error).splitlines()[0][:80]})") from None
    need = ["frame", "x1_px", "y1_px", "x2_px", "y2_px"]
    missing = [name for name in need if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path}: columns {', '.join(missing)} are missing; there are {table.column_names}"
        )
    who = next((name for name in ("person", "track_id") if name in table.column_names), None)
    optional = [who, "score" if "score" in table.column_names else None]
    frame, x1, y1, x2, y2 = (_numbers(table, name, path) for name in need)
    identity, score = (
        _numbers(table, name, path) if name else np.full(len(frame), otherwise)
        for name, otherwise in zip(optional, (0.0, 1.0), strict=True)
    )
    for n, row in enumerate(zip(frame, identity, x1, y1, x2, y2, score, strict=True), start=1):
        yield _checked(f"{path}, row {n}", row[0], row[1], row[2:6], row[6])


def _numbers(table: Any, name: str, path: Path) -> Floats:
    """A column `(row,)`, NaN where nothing stands; DataError for one of another kind."""
    import pyarrow as pa

    kind = table.schema.field(name).type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(f"{path}: column {name} holds {kind}; expected numbers")
    return np.asarray(table[name].to_numpy(), np.float64)


_MOST_NUMBER = 2**31 - 1
_FARTHEST_PX = 1e6


def _checked(
    where: str, frame: float, identity: float, box_xyxy: Sequence[float], score: float
) -> tuple[int, Row]:
    """A row whose numbers can be those of a box; DataError names what cannot."""
    x1, y1, x2, y2 = map(float, box_xyxy)
    for what, number, least in (("frame", frame, 0), ("identity", identity, -_MOST_NUMBER)):
        if not (least <= number <= _MOST_NUMBER and number == int(number)):
            raise DataError(
                f"{where}: {what} is {number:g}; expected a whole number of less than 2^31"
                + (" from the first frame on" if what == "frame" else ", -1 where it is not known")
            )
    if not all(abs(side) <= _FARTHEST_PX for side in (x1, y1, x2, y2)):
        raise DataError(
            f"{where}: box {x1:g}, {y1:g}, {x2:g}, {y2:g}; expected pixels within "
            f"{_FARTHEST_PX:,.0f} of the image's corner"
        )
    if x2 - x1 < 1 or y2 - y1 < 1:
        raise DataError(
            f"{where}: a box of {x2 - x1:g} x {y2 - y1:g} pixels; boxes have a size of at least "
            "1 x 1, their right and lower sides beyond the left and upper ones"
        )
    if not np.isfinite(score):
        raise DataError(f"{where}: confidence is {score}; expected a number, or no such column")
    return int(frame), (max(int(identity), 0), x1, y1, x2, y2, score if 0 < score <= 1 else 1.0)


class GivenFaces(Detector):
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
        result = self._detector.detect(frame)
        five = np.stack([self._five(frame, b, result) for b in box])
        return Faces(box, np.array([row[5] for row in rows]), five)

    def _five(self, frame: Frame, box: Floats, found: Faces) -> Floats:
        centre = boxes.centre(found.box_xyxy)
        inside = ((centre > box[:2]) & (centre < box[2:])).all(axis=1)
        if inside.any():
            return np.asarray(found.five_px[int(np.argmax(inside))])
        size = float(box[3] - box[1])
        guess = boxes.centre(box) + size * AVERAGE_FIVE
        chip = landmarks.cut_chip(frame.gray(), guess, 0.0, size / landmarks.FACE_MM)
        return landmarks.five_of_68(chip.to_frame(self._landmarker.find(chip)))


AVERAGE_FIVE = np.array([[-0.17, -0.1], [0.17, -0.1], [0.0, 0.09], [-0.135, 0.27], [0.135, 0.27]])
"""The five points of a frontal face in heights of its box, from the box's middle."""


class GivenTracks:
    """A tracker that believes the identities in the file."""

    believed = True

    def __init__(self, given: Given) -> None:
        """Take the boxes, of which each says whose it is."""
        self._given = given
        self._shot = 0
        self._numbers: dict[tuple[int, int], int] = {}
        self.person_of: dict[int, int] = {}

    def restart(self) -> None:
        """A cut: the same person goes on in a new track."""
        self._shot += 1

    def assign(self, seen: Seen) -> None:
        """Fill in the track of each face."""
        seen.track_id = []
        for identity, *_ in self._given.boxes.get(seen.frame.index, []):
            number = self._numbers.setdefault((self._shot, identity), len(self._numbers) + 1)
            self.person_of[number] = identity
            seen.track_id.append(number)
