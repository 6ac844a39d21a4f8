"""Many small results in one folder: how long they take to list, to sum up and to query."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

VIDEOS = 1000
FRAMES = 250
"""Ten seconds at 25 frames a second, two persons."""


def run(quick: bool = False) -> dict[str, object]:
    """Seconds for each step, and the rows of the long table."""
    from eyeline.summary.corpus import read_corpus
    from eyeline.summary.folder import summarise_folder, write_tables
    from eyeline.summary.query import query

    count = VIDEOS // 20 if quick else VIDEOS
    sql = "select video, person, name, avg(value) from scores group by all"
    with tempfile.TemporaryDirectory() as folder:
        results = _results(Path(folder) / "results", count)
        corpus, list_s = _timed(lambda: read_corpus(results))
        before = time.process_time()
        summary, sum_s = _timed(lambda: summarise_folder(corpus))
        processor_s = time.process_time() - before
        _, write_s = _timed(lambda: write_tables(summary, Path(folder) / "sums"))
        answer, query_s = _timed(lambda: query(corpus, sql))
    assert not summary.faults and answer.table.num_rows == 4 * count
    return {
        "videos": count,
        "list_s": round(list_s, 2),
        "sum_s": round(sum_s, 2),
        "sum_processor_s": round(processor_s, 2),
        "write_s": round(write_s, 2),
        "query_s": round(query_s, 2),
        "rows": summary.tables["long"].num_rows,
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _results(folder: Path, count: int) -> Path:
    """One result, and links to its files for all others."""
    from eyeline.export.index import write_index
    from eyeline.export.tables import write_tables

    first = folder / "video0000"
    first.mkdir(parents=True)
    analysis = synthetic_analysis()
    write_tables(analysis, first)
    write_index(analysis, first)
    for k in range(1, count):
        place = folder / f"video{k:04d}"
        place.mkdir()
        for path in first.iterdir():
            os.link(path, place / path.name)
    return folder


def synthetic_analysis(frames: int = FRAMES, people: int = 2) -> Any:
    """Persons, two by two, who look at each other and elsewhere, and speak in turns."""
    from eyeline.people.shared_looks import shared_looks
    from eyeline.results import (
        Analysis,
        Clock,
        People,
        Person,
        Points,
        Scores,
        VideoInfo,
        segments_from_scores,
    )

    numbers = np.arange(1, people + 1)
    frame, person = np.repeat(np.arange(frames), people), np.tile(numbers, frames)
    time_s, n = frame / 25, people * frames
    nowhere, ends = np.full((n, 2), np.nan), time_s + 1 / 25
    partner = person + np.where(person % 2 == 1, 1, -1)
    other = np.where((frame // (17 + 6 * person)) % 2 == 0, partner, 0)
    talks = np.where((frame // 50) % people == person - 1, 0.9, 0.1)
    rows = People(
        frame, time_s, person, person, np.zeros((n, 4)), np.ones(n), np.ones(n, bool), np.ones(n),
        np.zeros((n, 2)), np.zeros(n), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    points = Points(
        "gaze_following", "ray", "gaze_target", frame, time_s, person, nowhere, other,
        np.full(n, 0.8), np.full((n, 4), np.nan),
    )  # fmt: skip
    speaking = Scores("speech", "mouths", "speaking", 0.5, frame, time_s, person, talks)
    contact = Scores("eye_contact", "network", "eye_contact", 0.5, frame, time_s, person, talks)
    clock = np.stack([frame, time_s, ends], -1)[::people].astype(np.float64)
    answers = (
        speaking, segments_from_scores(speaking, ends, "speech"), contact,
        segments_from_scores(contact, ends, "camera"), points, *shared_looks([points], clock),
    )  # fmt: skip
    video = VideoInfo("talk.mp4", 64, 48, Fraction(25), 0.0, frames / 25, frames, True)
    persons = tuple(Person(k, (k,), 0.0, frames / 25, frames / 25) for k in numbers.tolist())
    exact = Clock.exact(np.arange(frames), clock[:, 1], clock[:, 2])
    return Analysis(video, "ok", persons, rows, answers, clock=exact)
