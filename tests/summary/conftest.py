"""Small results on disk, as `analyze` writes them, without images or video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.export.index import write_index
from eyeline.export.tables import write_tables
from eyeline.results import (
    Analysis,
    Answer,
    Clock,
    People,
    Person,
    Points,
    Scores,
    Segments,
    VideoInfo,
    make_segments,
)

Row = tuple[int, float, float, str]
STEP_S = 0.5


def segments(name: str, rows: Sequence[Row]) -> Segments:
    return make_segments("system", "builder", name, [(*row, 0.9) for row in rows])


def frames(seen: dict[int, tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers and persons of all rows, two frames a second."""
    rows = [
        (k, person)
        for person, (start, end) in seen.items()
        for k in range(round(start / STEP_S), round(end / STEP_S))
    ]
    frame, person = np.array(sorted(rows), np.int64).reshape(-1, 2).T
    return frame, person


def scores(name: str, measured: dict[int, tuple[float, float]]) -> Scores:
    """A score that is known of each person from one time to another."""
    frame, person = frames(measured)
    return Scores(
        "system", "builder", name, 0.5, frame, frame * STEP_S, person, np.full(len(frame), 0.1)
    )


def targets(measured: dict[int, tuple[float, float]]) -> Points:
    """Targets that are known of each person from one time to another."""
    frame, person = frames(measured)
    n = len(frame)
    return Points(
        "system", "builder", "gaze_target", frame, frame * STEP_S, person, np.full((n, 2), np.nan),
        np.full(n, -1), np.full(n, 0.8), np.full((n, 4), np.nan),
    )  # fmt: skip


def video(
    seen: dict[int, tuple[float, float]],
    answers: Sequence[Answer] = (),
    *,
    duration_s: float = 10.0,
    path: str = "talk.mp4",
) -> Analysis:
    """A video at two frames a second; each person is seen from one time to another."""
    frame, person = frames(seen)
    n = len(frame)
    people = People(
        frame, frame * STEP_S, person, person, np.zeros((n, 4)), np.ones(n), np.ones(n, bool),
        np.ones(n), np.zeros((n, 2)), np.zeros(n), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    info = VideoInfo(path, 64, 48, Fraction(2), 0.0, duration_s, round(duration_s * 2), True)
    persons = tuple(Person(k, (k,), a, b, b - a) for k, (a, b) in seen.items())
    starts = np.arange(round(duration_s / STEP_S)) * STEP_S
    clock = Clock.exact(np.arange(len(starts)), starts, starts + STEP_S)
    return Analysis(info, "ok", persons, people, tuple(answers), clock=clock)


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes an analysis below the folder `results`, under a name."""

    def written(
        analysis: Analysis, name: str = "talk", version: str = "0.1.0", **about: Any
    ) -> Path:
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        write_tables(analysis, folder)
        write_index(analysis, folder, versions={"eyeline": version}, **about)
        return folder

    return written
