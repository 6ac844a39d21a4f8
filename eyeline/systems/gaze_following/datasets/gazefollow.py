"""GazeFollow, extended: a text for training and one for testing.

Training knows of looks out of the image; in the test some ten annotators mark each person.
Bodies, eyes and gaze points are fractions of the image's size, head boxes are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.systems.gaze_following.datasets import texts
from eyeline.systems.gaze_following.datasets.annotations import NOT_STATED, Builder, GazeAnnotations
from eyeline.systems.gaze_following.datasets.texts import SizeOf

COLUMNS = (
    *("picture", "number", "body_x", "body_y", "body_width", "body_height", "eye_x", "eye_y"),
    *("gaze_x", "gaze_y", "head_xmin", "head_ymin", "head_xmax", "head_ymax"),
)
"""Of both texts. In training `in_frame` follows (1 in the image, 0 outside, -1 not known); columns
after that name where the image comes from and are not read."""
FILES = {"train": "train_annotations_release.txt", "test": "test_annotations_release.txt"}
_MOST = len(COLUMNS) + 8


def read(root: Path | str, part: str, size_of: SizeOf | None = None) -> GazeAnnotations:
    """The looks of a part of the data set; each image is a video of its own.

    People are told apart by their eyes. Rows of one person in the test are its annotators: their
    points are kept together, all of them in the image.

    Args:
        root: the folder with the texts and the images.
        part: `train` or `test`.
        size_of: sizes by the name in the text; by default those of the images under `root`. Gaze
            points are fractions of them.

    Raises:
        DataError: no such text; or naming file and line: too few columns, a value that is no
            number, a fraction far outside 0 to 1, an `in_frame` of another value, an image that is
            not there.
    """
    if part not in FILES:
        raise DataError(f"no part '{part}' of GazeFollow; there are {', '.join(FILES)}")
    root = Path(root)
    size_of = size_of or texts.sizes_in_folder(root)
    created = Builder()
    people: dict[tuple[str, float, float], _Person] = {}
    for where, cells in texts.read_rows(
        root / FILES[part], len(COLUMNS) + (part == "train"), _MOST
    ):
        values = texts.numbers(where, cells[1:14], COLUMNS[1:])
        known = _in_frame(where, cells[14]) if part == "train" else 1
        one = _Person(where, cells[0].strip(), values, known)
        _check(one)
        if part == "train":
            _add(one, size_of, created)
        else:
            key = one.image, values[5], values[6]
            people.setdefault(key, one).points.append(values[7:9])
    for one in people.values():
        _add(one, size_of, created)
    empty = sum(not r["in_frame"] for r in created.rows)
    if unsure := sum(r["in_frame"] == NOT_STATED for r in created.rows):
        created.notes.append(
            f"{unsure} looks of which it is not known whether they leave the image"
        )
    if empty:
        created.notes.append(f"{empty} looks leave the image")
    return created.looks()


@dataclass
class _Person:
    where: str
    image: str
    values: Sequence[float]
    """Columns from `number` on."""
    in_frame: int
    points: list[Sequence[float]] = field(default_factory=list)
    """Of several annotators."""


def _add(one: _Person, size_of: SizeOf, builder: Builder) -> None:
    width, height = size_of(one.image)
    eye, point, head = one.values[5:7], one.values[7:9], one.values[9:13]
    points = (one.points or [point]) if one.in_frame == 1 else []
    ordered = np.sort(np.reshape(head, (2, 2)), axis=0).ravel().tolist()  # some are inside out
    builder.add(
        one.where,
        image=one.image,
        video=one.image,
        in_frame=one.in_frame,
        person=f"{eye[0]:g},{eye[1]:g}",
        head_xyxy=ordered if ordered[0] < ordered[2] and ordered[1] < ordered[3] else None,
        eyes_px=(eye[0] * width, eye[1] * height),
        size_px=(width, height),
        points_px=[(x * width, y * height) for x, y in points],
    )


def _in_frame(where: str, cell: str) -> int:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if value not in (1, 0, NOT_STATED):
        raise DataError(f"{where}: in_frame is '{cell.strip()}', expected 1, 0 or -1")
    return int(value)


def _check(one: _Person) -> None:
    fractions = one.values[5:9] if one.in_frame == 1 else one.values[5:7]
    if not all(-0.5 <= v <= 1.5 for v in fractions):
        raise DataError(
            f"{one.where}: eyes and gaze {', '.join(f'{v:g}' for v in fractions)} should be "
            "fractions of the image"
        )
