"""The lines of a timeline file: segments, and what is not codable, a person and kind at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from eyeline.export.coverage import Coverage, coverages
from eyeline.export.intervals import Spans
from eyeline.export.spans import VOICE, all_segments, everyone, once
from eyeline.results import WEARER, Analysis, Ints, Segments, person_label

NOT_CODABLE = "not codable"
"""Kind and label of spans in which a person is seen and a question could not be answered."""
_SAME_S = 5e-4
"""Segments that overlap by less are neighbours: half of the millisecond that is written."""


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
    participant: str = ""
    """How the person is called."""
    corrected: bool = False
    """Whether people have corrected something in it."""


@once
def tiers_of(analysis: Analysis) -> list[Tier]:
    """All segments as tiers, by person, then in the order of the answers.

    Every person of the video has a tier for every kind of segment that is about persons, be it
    empty; the camera wearer, and voices that are nobody's, have those that hold something. Spans
    that overlap within a kind go to further tiers. Behind them, where a question could not be
    answered for a person in view, stands a tier such as `person 1 eye_contact not codable`.
    """
    segments, covered = all_segments(analysis), coverages(analysis)
    taken: set[str] = set()
    who = {person: analysis.shown(person_label(person)) for person in everyone(analysis, segments)}
    return [
        _with_names(tier, analysis)
        for person in who
        for tier in (
            *_codable(segments, person, who[person], taken),
            *_not_codable(covered, person, who[person], taken),
        )
    ]


def _with_names(tier: Tier, analysis: Analysis) -> Tier:
    spans = tuple((start, end, analysis.shown(label)) for start, end, label in tier.spans)
    return replace(tier, spans=spans)


def _codable(segments: list[Segments], person: int, who: str, taken: set[str]) -> Iterator[Tier]:
    doubled = _doubled([s.name for s in segments])
    for answer in segments:
        mine = np.flatnonzero(answer.person == person)
        if not len(mine) and (person <= WEARER or answer.name == VOICE):
            continue
        name = f"{who} {answer.name}"
        name += f" ({answer.builder})" if answer.name in doubled else ""
        corrected = answer.corrected is not None and bool(answer.corrected[mine].any())
        for spans in _layers(answer, mine):
            yield Tier(
                _unique(name, taken), person, answer.name, answer.builder, spans, who, corrected
            )


def _not_codable(covered: list[Coverage], person: int, who: str, taken: set[str]) -> Iterator[Tier]:
    doubled = _doubled([c.name for c in covered])
    for coverage in covered:
        if coverage.missing_s(person):
            builder = f" ({coverage.builder})" if coverage.name in doubled else ""
            name = f"{who} {coverage.name}{builder} {NOT_CODABLE}"
            spans = _whole_ms(coverage.missing[person])
            yield Tier(_unique(name, taken), person, NOT_CODABLE, coverage.builder, spans, who)


def _doubled(names: list[str]) -> set[str]:
    return {name for name, n in Counter(names).items() if n > 1}


def _whole_ms(spans: Spans) -> tuple[tuple[int, int, str], ...]:
    ms = np.rint(spans * 1000).astype(int).tolist()
    return tuple((start, end, NOT_CODABLE) for start, end in ms if end > start)


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
