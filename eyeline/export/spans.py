"""Spans of time: how long a row stands for, and every answer as labelled segments."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import numpy as np

from eyeline.export.intervals import Spans, as_spans
from eyeline.results import (
    ANYBODY,
    TARGET_SCENE,
    UNSEEN,
    UNSURE,
    WEARER,
    Analysis,
    Clock,
    Directions,
    Floats,
    Ints,
    Points,
    Scores,
    Segments,
    VideoInfo,
    make_segments,
    runs,
    segments_from_scores,
    target_label,
)

VOICE = "voice"
"""Name of the segments of voice activity, which belong to nobody."""


_Result = TypeVar("_Result")


def once(compute: Callable[[Analysis], _Result]) -> Callable[[Analysis], _Result]:
    """A function of an analysis whose result is kept, since several exporters ask for it."""

    @wraps(compute)
    def kept(analysis: Analysis) -> _Result:
        results = vars(analysis).setdefault("_computed", {})
        if compute.__name__ not in results:
            results[compute.__name__] = compute(analysis)
        result: _Result = results[compute.__name__]
        return result

    return kept


@once
def clock_of(analysis: Analysis) -> Clock:
    """The clock of the analysed frames; if it was not kept, of those in which people were seen."""
    people = analysis.people
    return analysis.clock or _clock(people.frame, people.time_s, analysis.video)


def clock_for(answer: Scores | Directions | Points, analysis: Analysis) -> Clock:
    """The clock of an answer: that of the analysis, or its own.

    Where the clock was not kept an answer has its own if it is about the camera wearer, or has
    frames without people.
    """
    about_people = not len(answer) or bool(np.any(answer.person != WEARER))
    people = clock_of(analysis)
    if about_people and np.isin(answer.frame, people.frame).all():
        return people
    return own_clock(answer, analysis)


def own_clock(answer: Scores | Directions | Points, analysis: Analysis) -> Clock:
    """The clock of the frames of an answer, whoever they are about."""
    if analysis.clock is not None and np.isin(answer.frame, analysis.clock.frame).all():
        return analysis.clock
    return _clock(answer.frame, answer.time_s, analysis.video)


def _clock(frame: Ints, time_s: Floats, video: VideoInfo) -> Clock:
    """The clock of rows `(n,)`, its ends inferred.

    A frame with nobody in it has no row, so that a gap between frames is either a step of the
    analysis or an absence: up to one and a half times the usual step, in frames or in seconds, it
    is the former. No frame lasts into a gap of the recording.
    """
    frames, first = np.unique(frame.astype(np.int64), return_index=True)
    start = time_s.astype(np.float64)[first]
    if not len(frames):
        return Clock(frames, start, start, frames)
    frame_s = 1 / float(video.rate_hz) if video.rate_hz > 0 else max(video.duration_s, 1e-3)
    stride, step = _usual(np.diff(frames), 1.0), _usual(np.diff(start), frame_s)
    near = (np.diff(frames) <= 1.5 * stride) | (np.diff(start) <= 1.5 * step)
    end, after = start + step, frames + max(1, round(stride))
    end[:-1] = np.where(near, start[1:], np.minimum(end[:-1], start[1:]))
    after[:-1] = np.where(near, frames[1:], np.minimum(after[:-1], frames[1:]))
    if video.duration_s > start[-1]:
        end[-1] = min(end[-1], video.duration_s)
    for gap in video.gaps:
        last = int(np.searchsorted(start, gap.start_s)) - 1
        if last >= 0:
            end[last] = min(end[last], gap.start_s)
    return Clock(frames, start, end, after)


def _usual(steps: Ints | Floats, otherwise: float) -> float:
    return float(np.median(steps)) if len(steps) else otherwise


@once
def all_segments(analysis: Analysis) -> list[Segments]:
    """The segments of an analysis, and the runs of scores and points that have none of their name.

    Points that only ever fall on the scene have nothing to say as segments and are left out.
    """
    result: list[Segments] = analysis.of(Segments)
    named = {answer.name for answer in result}
    for answer in analysis.answers:
        if isinstance(answer, Scores) and answer.name not in named:
            ends = clock_for(answer, analysis).ends_of(answer.frame)
            result.append(segments_from_scores(answer, ends, answer.name))
        elif (
            isinstance(answer, Points)
            and answer.name not in named
            and np.any(answer.target != TARGET_SCENE)
        ):
            result.append(segments_from_points(answer, clock_for(answer, analysis)))
    return result


def segments_from_points(points: Points, clock: Clock) -> Segments:
    """Runs of neighbouring rows of a person with one target, scored by their mean probability.

    Rows of probability 0 tell nothing and are left out.
    """
    order = np.lexsort((points.frame, points.person))
    order = order[points.probability[order] > 0]
    person, target = points.person[order], points.target[order]
    start, end = points.time_s[order].astype(np.float64), clock.ends_of(points.frame[order])
    fresh = np.ones(len(order), bool)
    fresh[1:] = (
        (person[1:] != person[:-1]) | (target[1:] != target[:-1]) | (start[1:] > end[:-1] + 1e-6)
    )
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(order)) - 1
    probability = points.probability[order].astype(np.float64)
    total = np.add.reduceat(probability, first) if len(first) else probability
    rows = zip(
        person[first].tolist(),
        start[first].tolist(),
        end[last].tolist(),
        [target_label(t) for t in target[first].tolist()],
        (total / (last - first + 1)).tolist(),
        strict=True,
    )
    return make_segments(
        points.system, points.builder, points.name, (row for row in rows if row[2] > row[1])
    )


def spans_by_person(person: Ints, frame: Ints, time_s: Floats, clock: Clock) -> dict[int, Spans]:
    """Unbroken spans of each person's rows `(n,)`, which stand for the frames of a clock."""
    order = np.lexsort((frame, person))
    numbers, first = np.unique(person[order], return_index=True)
    spans = {}
    for number, rows in zip(numbers.tolist(), np.split(order, first[1:]), strict=False):
        start, end = time_s[rows].astype(np.float64), clock.ends_of(frame[rows])
        pieces = runs(start, end, np.ones(len(rows), bool))
        spans[number] = as_spans([(start[p.start], end[p.stop - 1]) for p in pieces])
    return spans


@once
def seen_spans(analysis: Analysis) -> dict[int, Spans]:
    """Unbroken spans in which each person is seen."""
    people = analysis.people
    return spans_by_person(people.person, people.frame, people.time_s, clock_of(analysis))


def everyone(analysis: Analysis, segments: list[Segments]) -> list[int]:
    """Numbers of the persons, then wearer, unseen, unsure, anybody where segments have them."""
    known = {p.person for p in analysis.persons}
    for answer in segments:
        known.update(np.unique(answer.person).tolist())
    return sorted(n for n in known if n > 0) + [
        n for n in (WEARER, UNSEEN, UNSURE, ANYBODY) if n in known
    ]
