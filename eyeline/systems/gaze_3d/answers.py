"""Directions of frames as a table: what a network answered, or what is true.

One row a frame: `recording`, `frame`, perhaps `first_frame` of the window that it was seen in, and
for `gaze`, perhaps `head` and `body`, `<part>_x`, `_y`, `_z` in the camera frame and perhaps
`<part>_concentration`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column, Side, number, whole
from eyeline.results import Floats, Ints

if TYPE_CHECKING:
    from eyeline.systems.gaze_3d.data import Windows

PARTS = ("gaze", "head", "body")


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

    def side(self, source: object) -> Side:
        """Its keys, to be joined."""
        keys = list(zip(self.recording, self.frame.tolist(), strict=True))
        return Side(str(source), keys, lambda row: f"frame {keys[row][1]} of {keys[row][0]}")

    def rows(self, numbers: Sequence[int] | Ints) -> Answers:
        """Some of the rows, in the order given."""
        at = np.asarray(numbers, np.int64)
        return Answers(
            tuple(self.recording[i] for i in at),
            self.frame[at],
            None if self.first_frame is None else self.first_frame[at],
            {part: v[at] for part, v in self.direction.items()},
            {part: v[at] for part, v in self.concentration.items()},
        )


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
        tuple(names),
        np.array(frames, np.int64),
        np.array(first, np.int64),
        {part: np.asarray(v, np.float64).reshape(-1, 3) for part, v in direction.items()},
        {p: np.asarray(v, np.float64).reshape(-1) for p, v in (concentration or {}).items()},
    )


def truth_of(windows: Windows) -> Answers:
    """Labels of windows, without reading an image."""
    parts: tuple[str, ...] = PARTS
    return of_windows(windows, {part: windows.directions(part) for part in parts})  # type: ignore[arg-type]


def write(path: Path, answers: Answers) -> None:
    """Write the table; OutputError where that cannot be."""
    columns: dict[str, Sequence[Any]] = {"recording": answers.recording}
    if answers.first_frame is not None:
        columns["first_frame"] = answers.first_frame.tolist()
    columns["frame"] = answers.frame.tolist()
    for part, vectors in answers.direction.items():
        own = dict(zip(_columns(part), vectors.T, strict=True))
        if part in answers.concentration:
            own[f"{part}_concentration"] = answers.concentration[part]
        columns |= {name: [f"{value:.6g}" for value in values] for name, values in own.items()}
    tables.write(path, columns)


def read(path: Path) -> Answers:
    """A table of directions.

    Raises:
        DataError: no such file, a column that is missing, a row that is no frame of directions, or
            a frame that comes twice; names the line.
    """
    result, line = tables.read(
        path,
        [
            Column("recording", tables.text, object),
            Column("frame", whole, np.int64),
            Column("first_frame", whole, np.int64, needed=False),
            *(Column(name, number, needed=p == "gaze") for p in PARTS for name in _columns(p)),
            *(Column(f"{p}_concentration", number, needed=False) for p in PARTS),
        ],
    )
    parts = [part for part in PARTS if result.keys() >= {*_columns(part)}]
    answers = Answers(
        tuple(result["recording"]),
        result["frame"],
        result.get("first_frame"),
        {part: np.stack([result[name] for name in _columns(part)], axis=1) for part in parts},
        {p: result[f"{p}_concentration"] for p in parts if f"{p}_concentration" in result},
    )
    tables.check_once(answers.side(path), line)
    for part, vectors in answers.direction.items():
        if (short := ~(np.linalg.norm(vectors, axis=1) > 1e-6)).any():
            where = f"{path}, line {line[np.argmax(short)]}"
            raise DataError(f"{where}: the direction of {part} has no length")
    return answers


def _columns(part: str) -> tuple[str, str, str]:
    return f"{part}_x", f"{part}_y", f"{part}_z"
