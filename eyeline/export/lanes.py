"""The timelines of a report: runs of time with a code, coarser where there are many."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from eyeline.export.colours import hex_colour, person_colour
from eyeline.export.intervals import Spans
from eyeline.export.spans import VOICE, everyone, seen_spans
from eyeline.export.summary import TARGET, Summary
from eyeline.export.words import title
from eyeline.results import Analysis, Ints, person_label, person_number, target_label

_BUDGET = 150_000
"""Runs in all lanes together that a page stays quick and small with: about two megabytes."""
_FEW = 8
"""Up to so many people a lane is shown even where it is empty, so that all groups look alike."""
_AREAS_FROM = 1000
"""Areas have the colours of people whom no video has."""
_PLACES = {target_label(t): name for t, name in ((0, "scene"), (-1, "off"), (-2, "camera"))}


@dataclass(frozen=True)
class Lane:
    """One line of a timeline."""

    title: str
    kind: str
    """`seen`, `state` or `target`."""
    runs: Ints
    """`(n, 3)` start and end in milliseconds and code, in order, without overlap."""
    missing: Ints = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    """`(n, 3)` likewise, where the person is seen and this could not be measured."""


@dataclass(frozen=True)
class Group:
    """The lanes of one person."""

    person: int
    label: str
    colour: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Timelines:
    """All that the page draws."""

    groups: tuple[Group, ...]
    codes: tuple[tuple[str, str], ...]
    """Label and colour of what is looked at, by code; a word is a colour of the page."""
    names: tuple[str, ...]
    """How what is looked at is called, by code."""
    end_ms: int
    resolution_ms: int
    """Length of the steps to which runs were joined, 0 where all are shown as they are."""

    def to_json(self) -> dict[str, Any]:
        """Plain lists for the page; runs are a gap, a length and a code after each other."""
        return {
            "end": self.end_ms,
            "codes": [
                {"label": name, "colour": colour}
                for name, (_, colour) in zip(self.names, self.codes, strict=True)
            ],
            "groups": [
                {
                    "label": group.label,
                    "colour": group.colour,
                    "lanes": [
                        {
                            "title": lane.title,
                            "kind": lane.kind,
                            "runs": _packed(lane.runs),
                            "missing": _packed(lane.missing),
                        }
                        for lane in group.lanes
                    ],
                }
                for group in self.groups
            ],
        }


def timelines(analysis: Analysis, summary: Summary, budget: int = _BUDGET) -> Timelines:
    """The timelines of all persons, of at most about `budget` runs.

    Where there are more, time is cut into equal steps and each step takes what holds longest in it.
    """
    codes = {label: code for code, label in enumerate(summary.targets)}
    groups = _groups(analysis, summary, codes)
    lanes = [lane for _, own in groups for lane in own]
    ends = (int(lane.runs[-1, 1]) for lane in lanes if len(lane.runs))
    end_ms = max([1, round(analysis.video.duration_s * 1000), *ends])
    total, step = sum(len(lane.runs) + len(lane.missing) for lane in lanes), 0
    if total > budget:
        step = -(-end_ms * len(lanes) // budget)
        groups = [
            (person, [_coarser(lane, step, end_ms) for lane in own]) for person, own in groups
        ]
    return Timelines(
        tuple(
            Group(
                person,
                analysis.shown(person_label(person)),
                hex_colour(person_colour(person)),
                tuple(own),
            )
            for person, own in groups
        ),
        tuple((label, _colour(label)) for label in summary.targets),
        tuple(analysis.shown(label) for label in summary.targets),
        end_ms,
        step,
    )


def _coarser(lane: Lane, step: int, end: int) -> Lane:
    return replace(lane, runs=coarse(lane.runs, step, end), missing=coarse(lane.missing, step, end))


def coarse(lane: Ints, step: int, end: int) -> Ints:
    """Runs `(n, 3)` joined to equal steps, each of which takes the code that holds longest in it.

    A step that is for the most part empty is empty.
    """
    edges = np.append(np.arange(0, end, step), end)
    values = np.unique(lane[:, 2])
    if not len(values):
        return lane
    covered = np.stack([_covered(lane[lane[:, 2] == code, :2], edges) for code in values])
    full = np.diff(edges) / 2
    code = np.where(covered.sum(axis=0) > full, values[np.argmax(covered, axis=0)], -1)
    first = np.flatnonzero(np.append(True, code[1:] != code[:-1]))
    last = np.append(first[1:], len(code))
    joined = np.stack([edges[first], edges[last], code[first]], -1)
    return joined[joined[:, 2] >= 0]


def _covered(spans: Ints, edges: Ints) -> Ints:
    """How much of each step between edges lies within spans `(n, 2)` in order."""
    lengths = np.cumsum(spans[:, 1] - spans[:, 0])
    reached = np.stack([lengths - (spans[:, 1] - spans[:, 0]), lengths], -1).ravel()
    return np.asarray(np.diff(np.interp(edges, spans.ravel(), reached)))


def _groups(
    analysis: Analysis, summary: Summary, codes: dict[str, int]
) -> list[tuple[int, list[Lane]]]:
    numbers = everyone(analysis, list(summary.segments))
    seen = {person: _uncoded(own) for person, own in seen_spans(analysis).items()}
    groups = []
    for person in numbers:
        lanes = [Lane("seen", "seen", seen[person])] if person in seen else []
        for answer in summary.segments:
            mine = np.flatnonzero(answer.person == person)
            missing = summary.missing(answer, person)
            hidden = len(numbers) > _FEW or person < 1 or answer.name == VOICE
            if not len(mine) and not len(missing) and hidden:
                continue
            target = answer.name == TARGET
            code = [codes.get(answer.label[row], 0) if target else 0 for row in mine.tolist()]
            start, end = answer.start_s[mine], answer.end_s[mine]
            kind = "target" if target else "state"
            spans = _in_order(start, end, np.array(code)), _uncoded(missing)
            lanes.append(Lane(title(answer.name), kind, *spans))
        groups.append((person, lanes))
    return groups


def _uncoded(spans: Spans) -> Ints:
    return _in_order(spans[:, 0], spans[:, 1], np.zeros(len(spans), int))


def _in_order(start_s: Any, end_s: Any, code: Ints) -> Ints:
    """Runs in whole milliseconds; where one overlaps the one before it begins where that ends."""
    order = np.argsort(start_s, kind="stable")
    start = np.rint(np.asarray(start_s)[order] * 1000).astype(np.int64)
    end = np.rint(np.asarray(end_s)[order] * 1000).astype(np.int64)
    before = np.maximum.accumulate(np.append(0, end))[:-1]
    lane = np.stack([np.maximum(start, before), end, code[order].astype(np.int64)], -1)
    return np.asarray(lane[lane[:, 1] > lane[:, 0]])


def _packed(lane: Ints) -> list[int]:
    gaps = lane[:, 0] - np.append(0, lane[:, 1])[:-1]
    packed = np.stack([gaps, lane[:, 1] - lane[:, 0], lane[:, 2]], -1)
    return [int(n) for n in packed.ravel()]


def _colour(label: str) -> str:
    if label in _PLACES:
        return _PLACES[label]
    if label.startswith("area "):
        return hex_colour(person_colour(_AREAS_FROM + int(label.removeprefix("area "))))
    return hex_colour(person_colour(person_number(label) or 0))
