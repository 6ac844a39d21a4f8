"""For how long each question could be measured of each person, and where it could not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eyeline.export.intervals import Spans, as_spans, length, merged, without
from eyeline.export.spans import once, own_clock, seen_spans, spans_by_person
from eyeline.results import WEARER, Analysis, Points, Scores

_SHORTEST_S = 1e-3
"""Shorter spans are rounding errors between clocks."""


_NOTHING: Spans = np.zeros((0, 2))


@dataclass(frozen=True)
class Coverage:
    """Where an answer could be given, by person."""

    name: str
    builder: str
    measured: Mapping[int, Spans] = field(default_factory=dict)
    """Spans of a value, also of "no"."""
    missing: Mapping[int, Spans] = field(default_factory=dict)
    """Spans in which the person is seen and there is no value: not codable."""

    def spans(self, person: int) -> Spans:
        """Where the answer could be given."""
        return self.measured.get(person, _NOTHING)

    def measured_s(self, person: int) -> float:
        """Seconds in which the answer could be given."""
        return length(self.spans(person))

    def missing_s(self, person: int) -> float:
        """Seconds in which the person is seen and the answer could not be given."""
        return length(self.missing.get(person, _NOTHING))


def measured_seconds(analysis: Analysis) -> dict[str, dict[str, dict[str, float]]]:
    """By person and question (with its builder), how long it could be measured and how long not."""
    with np.errstate(over="ignore", invalid="ignore"):  # times that no video has
        result = coverages(analysis)
    return {
        analysis.shown(person.label): {
            f"{c.name} ({c.builder})": {
                "measured_s": c.measured_s(person.person),
                "not_codable_s": c.missing_s(person.person),
            }
            for c in result
        }
        for person in analysis.persons
    }


@once
def coverages(analysis: Analysis) -> list[Coverage]:
    """The coverage of every answer about persons that has a value by frame, in their order.

    A score that is NaN, targets of probability 0, and frames in which a person is seen and an
    answer has no row, are missing.
    """
    seen = seen_spans(analysis)
    about = [a for a in analysis.answers if isinstance(a, Scores | Points)]
    return [_coverage(a, seen, analysis) for a in about if not np.any(a.person == WEARER)]


def excluded_spans(analysis: Analysis, name: str | None, person: int | None) -> Spans:
    """Where people found that nothing can be said of a question, or at all, and of a person.

    Args:
        analysis: that they have corrected.
        name: of the answer; None for what holds of all.
        person: None for what holds of everybody.
    """
    corrected = analysis.corrected
    spans = [
        (span.start_s, span.end_s)
        for span in (corrected.excluded if corrected else ())
        if span.name in (None, name) and span.person in (None, person)
    ]
    return merged(as_spans(spans))


def _coverage(answer: Scores | Points, seen: Mapping[int, Spans], analysis: Analysis) -> Coverage:
    values = answer.value if isinstance(answer, Scores) else answer.probability
    known = np.isfinite(values) & (isinstance(answer, Scores) | (values > 0))
    clock = own_clock(answer, analysis)
    measured = {
        person: without(spans, excluded_spans(analysis, answer.name, person))
        for person, spans in spans_by_person(
            answer.person[known], answer.frame[known], answer.time_s[known], clock
        ).items()
    }
    missing = {
        person: gaps[gaps[:, 1] - gaps[:, 0] >= _SHORTEST_S]
        for person, spans in seen.items()
        for gaps in [without(spans, measured.get(person, _NOTHING))]
    }
    return Coverage(answer.name, answer.builder, measured, missing)
