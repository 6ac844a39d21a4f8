"""Spans of time: how long a row stands for, and every answer as labelled segments."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from eyeline.results import (
    ANYBODY,
    TARGET_SCENE,
    UNSEEN,
    UNSURE,
    WEARER,
    Analysis,
    Answer,
    Directions,
    Floats,
    Ints,
    Points,
    Scores,
    Segments,
    VideoInfo,
    make_segments,
    person_label,
    segments_from_scores,
    target_label,
)

VOICE = "voice"
"""Name of the segments of voice activity, which belong to nobody."""
_SAME_S = 5e-4
"""Segments that overlap by less are neighbours: half of the millisecond that is written."""


@dataclass(frozen=True)
class Clock:
    """The analysed frames that hold a row, with the time and the frames that each stands for."""

    frame: Ints
    """`(n,)` indices in the decoded video, increasing."""
    start_s: Floats
    """`(n,)`."""
    end_s: Floats
    """`(n,)` start of the next analysed frame; within a gap one step after the start."""
    next_frame: Ints
    """`(n,)` first decoded frame that the answers of this one no longer hold for."""

    def ends_of(self, frame: Ints) -> Floats:
        """Ends `(m,)` of frames `(m,)` that this clock knows."""
        return np.asarray(self.end_s[np.searchsorted(self.frame, frame)])

    def holding(self, frame_index: int) -> int | None:
        """Number of the analysed frame that a decoded one shows, None where there is none."""
        k = int(np.searchsorted(self.frame, frame_index, "right")) - 1
        return k if k >= 0 and frame_index < self.next_frame[k] else None


def clock_of(analysis: Analysis) -> Clock:
    """The clock of the frames in which people were seen."""
    return _clock(analysis.people.frame, analysis.people.time_s, analysis.video)


def clock_for(answer: Scores | Directions | Points, people: Clock, video: VideoInfo) -> Clock:
    """The clock of an answer: that of the people, or its own.

    It has its own where it is about the camera wearer, and where it has frames without people.
    """
    about_people = not len(answer) or bool(np.any(answer.person != WEARER))
    if about_people and np.isin(answer.frame, people.frame).all():
        return people
    return _clock(answer.frame, answer.time_s, video)


def _clock(frame: Ints, time_s: Floats, video: VideoInfo) -> Clock:
    """The clock of rows `(n,)`.

    A frame with nobody in it has no row, so that a gap between frames is either a step of the
    analysis or an absence: up to one and a half times the usual step, in frames or in seconds, it
    is the former. No frame lasts into a gap of the recording.
    """
    frames, first = np.unique(frame.astype(np.int64), return_index=True)
    start = time_s.astype(np.float64)[first]
    if not len(frames):
        return Clock(frames, start, start, frames)
    stride, step = _usual(np.diff(frames), 1.0), _usual(np.diff(start), _frame_s(video))
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


def _frame_s(video: VideoInfo) -> float:
    return 1 / float(video.rate_hz) if video.rate_hz > 0 else max(video.duration_s, 1e-3)


def all_segments(analysis: Analysis, clock: Clock | None = None) -> list[Segments]:
    """The segments of an analysis, and the runs of scores and points that have none of their name.

    Points that only ever fall on the scene have nothing to say as segments and are left out.

    Args:
        analysis: any.
        clock: `clock_of(analysis)`, where it is known already.
    """
    clock = clock or clock_of(analysis)
    found: list[Segments] = analysis.of(Segments)
    named = {answer.name for answer in found}
    for answer in analysis.answers:
        if isinstance(answer, Scores) and answer.name not in named:
            ends = clock_for(answer, clock, analysis.video).ends_of(answer.frame)
            found.append(segments_from_scores(answer, ends, answer.name))
        elif _looks_somewhere(answer) and answer.name not in named:
            own = clock_for(answer, clock, analysis.video)
            found.append(segments_from_points(answer, own))
    return found


def _looks_somewhere(answer: Answer) -> TypeGuard[Points]:
    return isinstance(answer, Points) and bool(np.any(answer.target != TARGET_SCENE))


def segments_from_points(points: Points, clock: Clock) -> Segments:
    """Runs of neighbouring rows of a person with one target, scored by their mean probability."""
    order = np.lexsort((points.frame, points.person))
    person, target = points.person[order], points.target[order]
    start, end = points.time_s[order].astype(np.float64), clock.ends_of(points.frame[order])
    fresh = np.ones(len(order), bool)
    fresh[1:] = (
        (person[1:] != person[:-1])
        | (target[1:] != target[:-1])
        | (start[1:] > end[:-1] + 1e-6)
    )  # fmt: skip
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


@dataclass(frozen=True)
class Tier:
    """One line of a timeline file: spans of one person and kind that do not overlap."""

    name: str
    """Unique, for example `person 1 eye_contact`."""
    person: int
    kind: str
    """Name of the answer."""
    builder: str
    spans: tuple[tuple[int, int, str], ...]
    """Start and end in milliseconds and label: ordered, at least 1 ms long, without overlap."""


def tiers_of(analysis: Analysis) -> list[Tier]:
    """All segments as tiers, by person, then in the order of the answers.

    Every person of the video has a tier for every kind of segment that is about persons, be it
    empty; the camera wearer, and voices that are nobody's, have those that hold something. Spans
    that overlap within a kind go to further tiers.
    """
    segments = all_segments(analysis)
    doubled = {name for name, n in Counter(s.name for s in segments).items() if n > 1}
    tiers: list[Tier] = []
    taken: set[str] = set()
    for person in everyone(analysis, segments):
        for answer in segments:
            mine = np.flatnonzero(answer.person == person)
            if not len(mine) and (person <= WEARER or answer.name == VOICE):
                continue
            name = f"{person_label(person)} {answer.name}"
            name += f" ({answer.builder})" if answer.name in doubled else ""
            for spans in _layers(answer, mine):
                tiers.append(Tier(_unique(name, taken), person, answer.name, answer.builder, spans))
    return tiers


def everyone(analysis: Analysis, segments: list[Segments]) -> list[int]:
    """Numbers of the persons, then wearer, unseen, unsure, anybody where segments have them."""
    known = {p.person for p in analysis.persons}
    for answer in segments:
        known.update(np.unique(answer.person).tolist())
    return sorted(n for n in known if n > 0) + [
        n for n in (WEARER, UNSEEN, UNSURE, ANYBODY) if n in known
    ]


def _unique(name: str, taken: set[str]) -> str:
    candidate, n = name, 1
    while candidate in taken:
        n += 1
        candidate = f"{name} {n}"
    taken.add(candidate)
    return candidate


def _layers(segments: Segments, rows: Ints) -> list[tuple[tuple[int, int, str], ...]]:
    rows = rows[np.lexsort((segments.end_s[rows], segments.start_s[rows]))]
    layers: list[list[int]] = [[]]
    ends = [-np.inf]
    for row in rows.tolist():
        start, end = float(segments.start_s[row]), float(segments.end_s[row])
        free = next((k for k, e in enumerate(ends) if e <= start + _SAME_S), len(ends))
        if free == len(ends):
            layers.append([])
            ends.append(-np.inf)
        layers[free].append(row)
        ends[free] = max(end, ends[free])
    return [_in_ms(segments, layer) for layer in layers]


def _in_ms(segments: Segments, rows: list[int]) -> tuple[tuple[int, int, str], ...]:
    spans: list[tuple[int, int, str]] = []
    before = 0
    for row in rows:
        start = max(before, round(float(segments.start_s[row]) * 1000))
        before = max(start + 1, round(float(segments.end_s[row]) * 1000))
        spans.append((start, before, segments.label[row]))
    return tuple(spans)
