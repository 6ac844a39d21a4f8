"""Directions of frames as a table: what a network answered, or what is true.

One row a frame: `recording`, `frame`, perhaps `first_frame` of the window that it was seen in, and
for `gaze`, perhaps `head` and `body`, `<part>_x`, `_y`, `_z` in the camera frame and perhaps
`<part>_concentration`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.files import write_bytes
from eyeline.results import Floats, Ints

if TYPE_CHECKING:
    from eyeline.systems.gaze_3d.data import Windows

PARTS = ("gaze", "head", "body")

Place = tuple[str, int]
"""Recording and frame."""


@dataclass(frozen=True)
class Answers:
    """Directions of frames, windows in the order in which they were seen."""

    recording: tuple[str, ...]
    """`(n,)`, for example `library/1029_2/Camera_5_0`."""
    frame: Ints
    """`(n,)` number in the recording."""
    first_frame: Ints | None
    """`(n,)` of the window that each was seen in; None: there were no windows."""
    direction: Mapping[str, Floats]
    """`(n, 3)` by part, `gaze` at least."""
    concentration: Mapping[str, Floats] = field(default_factory=dict)
    """`(n,)` by part."""

    def __post_init__(self) -> None:
        """Check the lengths; DataError says which is wrong."""
        sizes = {"frame": len(self.recording)}
        check_shape(self.frame, "frame", "frame", sizes)
        for part, vectors in self.direction.items():
            check_shape(vectors, "frame 3", f"direction of {part}", sizes)
        for part, values in self.concentration.items():
            check_shape(values, "frame", f"concentration of {part}", sizes)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.recording)

    @property
    def places(self) -> list[Place]:
        """Of each row."""
        return list(zip(self.recording, self.frame.tolist(), strict=True))

    def rows(self, numbers: Sequence[int] | Ints) -> Answers:
        """Some of the rows, in the order given."""
        at = np.asarray(numbers, np.int64)
        return Answers(
            tuple(self.recording[i] for i in at), self.frame[at],
            None if self.first_frame is None else self.first_frame[at],
            {part: v[at] for part, v in self.direction.items()},
            {part: v[at] for part, v in self.concentration.items()},
        )  # fmt: skip


def of_windows(
    windows: Windows,
    direction: Mapping[str, Floats],
    concentration: Mapping[str, Floats] | None = None,
) -> Answers:
    """Answers `(window, time, 3)` and `(window, time)` by part as rows."""
    names, frames, first = [], [], []
    for which, start in windows.places.tolist():
        recording = windows.recordings[which]
        numbers = recording.rows.frame[start : start + windows.frames].tolist()
        names += [recording.name] * len(numbers)
        frames += numbers
        first += [numbers[0]] * len(numbers)
    return Answers(
        tuple(names), np.array(frames, np.int64), np.array(first, np.int64),
        {part: np.asarray(v, np.float64).reshape(-1, 3) for part, v in direction.items()},
        {p: np.asarray(v, np.float64).reshape(-1) for p, v in (concentration or {}).items()},
    )  # fmt: skip


def truth_of(windows: Windows) -> Answers:
    """Labels of windows, without reading a picture."""
    parts: tuple[str, ...] = PARTS
    return of_windows(windows, {part: windows.directions(part) for part in parts})  # type: ignore[arg-type]


def write(path: Path, answers: Answers) -> None:
    """Write the table; OutputError where that cannot be."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_head(answers))
    table.writerows(_lines(answers))
    write_bytes(path, text.getvalue().encode())


def read(path: Path) -> Answers:
    """A table of directions.

    Raises:
        DataError: no such file, a column that is missing, a row that is no frame of directions, or
            a frame that comes twice; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no table of directions: {error}") from error
    columns = set(lines[0]) if lines else set()
    needed = {"recording", "frame", *_columns("gaze")}
    if missing := sorted(needed - columns):
        raise DataError(f"{path} has no column {', '.join(missing)}" if lines else f"{path}: empty")
    parts = [p for p in PARTS if columns.issuperset(_columns(p))]
    sure = [p for p in parts if f"{p}_concentration" in columns]
    found = Answers(
        tuple(line["recording"] for line in lines), _whole(path, lines, "frame"),
        _whole(path, lines, "first_frame") if "first_frame" in columns else None,
        {p: np.stack([_numbers(path, lines, c) for c in _columns(p)], axis=1) for p in parts},
        {p: _numbers(path, lines, f"{p}_concentration") for p in sure},
    )  # fmt: skip
    _check(path, found)
    return found


def _check(path: Path, found: Answers) -> None:
    seen: dict[Place, int] = {}
    for row, place in enumerate(found.places):
        if place in seen:
            raise DataError(
                f"{path}, line {row + 2}: frame {place[1]} of {place[0]} is in line {seen[place]}"
            )
        seen[place] = row + 2
    for part, vectors in found.direction.items():
        short = ~(np.linalg.norm(vectors, axis=1) > 1e-6)
        if short.any():
            line = int(np.argmax(short)) + 2
            raise DataError(f"{path}, line {line}: the direction of {part} has no length")


def _head(answers: Answers) -> list[str]:
    window = [] if answers.first_frame is None else ["first_frame"]
    return ["recording", *window, "frame"] + [
        column
        for part in answers.direction
        for column in (*_columns(part), f"{part}_concentration")
        if not column.endswith("concentration") or part in answers.concentration
    ]


def _lines(answers: Answers) -> Iterator[list[str]]:
    columns = [
        column
        for part, vectors in answers.direction.items()
        for column in (*vectors.T, answers.concentration.get(part))
        if column is not None
    ]
    texts = [[f"{value:.6g}" for value in column] for column in columns]
    for row, name in enumerate(answers.recording):
        first = [] if answers.first_frame is None else [str(answers.first_frame[row])]
        yield [name, *first, str(answers.frame[row]), *(text[row] for text in texts)]


def _columns(part: str) -> tuple[str, str, str]:
    return f"{part}_x", f"{part}_y", f"{part}_z"


def _whole(path: Path, lines: Sequence[Mapping[str, str]], column: str) -> Ints:
    values = _numbers(path, lines, column)
    odd = values != np.round(values)
    if odd.any():
        raise DataError(f"{path}, line {int(np.argmax(odd)) + 2}: {column} is no whole number")
    return values.astype(np.int64)


def _numbers(path: Path, lines: Sequence[Mapping[str, str]], column: str) -> Floats:
    values = np.empty(len(lines))
    for row, line in enumerate(lines):
        try:
            values[row] = float(line[column])
        except (TypeError, ValueError):
            values[row] = np.nan
        if not np.isfinite(values[row]):
            raise DataError(f"{path}, line {row + 2}: {column} is '{line[column]}', no number")
    return values
