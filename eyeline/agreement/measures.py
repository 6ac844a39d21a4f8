"""Measures of agreement between two coders, as pure functions of counts.

A table is `(values, values)`: how often, or how long, the first coder gave the value of the row
while the second gave that of the column.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eyeline.codings.coding import Interval
from eyeline.evaluation.metrics import LabelSegments, matched_pairs
from eyeline.results import Floats, Ints

NOTHING = ""
"""The value where a tier has no interval."""
NONE = "(nothing)"
"""How it is called."""


def percent_agreement(table: Floats) -> float:
    """Fraction of the table on its diagonal; NaN of nothing."""
    whole = table.sum()
    return float(np.trace(table) / whole) if whole > 0 else float("nan")


def cohen_kappa(table: Floats) -> float:
    """Cohen's kappa; NaN where chance alone would agree always (both gave one value only)."""
    whole = table.sum()
    if not whole > 0:
        return float("nan")
    chance = float((table.sum(0) * table.sum(1)).sum() / whole**2)
    return _corrected(percent_agreement(table), chance)


def gwet_ac1(table: Floats) -> float:
    """Gwet's AC1, which high prevalence does not pull down; NaN for fewer than two values.

    Chance agreement is the sum of p (1 - p) over the values, divided by their number less one; p is
    the mean of the two coders' fractions.
    """
    whole, values = table.sum(), len(table)
    if not whole > 0 or values < 2:
        return float("nan")
    mean = (table.sum(0) + table.sum(1)) / (2 * whole)
    return _corrected(percent_agreement(table), float((mean * (1 - mean)).sum() / (values - 1)))


def _corrected(observed: float, chance: float) -> float:
    return (observed - chance) / (1 - chance) if chance < 1 else float("nan")


def span_of(time_s: Floats, spans: Floats) -> Ints:
    """Which of some spans `(m, 2)` in order holds each of some times `(n,)`; -1 for none."""
    at = np.searchsorted(spans[:, 0], time_s, "right") - 1
    return np.where(time_s < np.append(spans[:, 1], -np.inf)[at], at, -1)


def values_at(intervals: Sequence[Interval], time_s: Floats, values: Sequence[str]) -> Ints:
    """The numbers, in `values`, of what a tier says at some times `(n,)`; 0 is nothing."""
    if not intervals:
        return np.zeros(len(time_s), np.int64)
    number = np.array([values.index(interval.value) for interval in intervals])
    at = span_of(time_s, np.array([interval[:2] for interval in intervals]))
    return np.where(at >= 0, number[at], 0)


def table_of(a: Ints, b: Ints, values: int, weight: Floats | None = None) -> Floats:
    """The table of the numbers of two coders `(n,)`, each counted once or by its weight."""
    cells = np.bincount(a * values + b, weights=weight, minlength=values * values)
    return np.asarray(cells.reshape(values, values), np.float64)


def grid(spans: Floats, step_s: float) -> Floats:
    """Centres of the cells of a grid from 0 that lie in some spans `(n, 2)`."""
    if not len(spans):
        return np.zeros(0)
    first, last = np.floor(spans[0, 0] / step_s), np.ceil(spans[-1, 1] / step_s)
    time_s = (np.arange(int(first), int(last)) + 0.5) * step_s
    return np.asarray(time_s[span_of(time_s, spans) >= 0])


def pieces(a: Sequence[Interval], b: Sequence[Interval], spans: Floats) -> tuple[Floats, Floats]:
    """Centres and lengths of the pieces of spans `(n, 2)` in which neither tier changes."""
    bounds = [time for interval in (*a, *b) for time in interval[:2]]
    edges = np.unique(np.array([*bounds, *spans.ravel().tolist()], np.float64))
    centre, length = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    inside = span_of(centre, spans) >= 0
    return centre[inside], length[inside]


def events(intervals: Sequence[Interval], values: Sequence[str], spans: Floats) -> LabelSegments:
    """The events of a tier that lie, at least in part, in the spans that are compared."""
    kept = [
        interval
        for interval in intervals
        if len(spans) and np.any((spans[:, 0] < interval.to_s) & (spans[:, 1] > interval.from_s))
    ]
    return LabelSegments(
        np.array([values.index(interval.value) for interval in kept], np.int64),
        np.array([interval.from_s for interval in kept], np.float64),
        np.array([interval.to_s for interval in kept], np.float64),
    )


def event_matches(
    a: LabelSegments, b: LabelSegments, levels: Sequence[float]
) -> tuple[Ints, Floats]:
    """Numbers of pairs `(levels,)` of events by least overlap, and the differences of their bounds.

    Returns:
        The numbers, and `(pairs, 2)` onset and offset of the second coder less those of the first,
        of the pairs of the lowest level.
    """
    pairs = matched_pairs(a, b, min(levels))
    i, j = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    iou = np.array([pair[2] for pair in pairs], np.float64)
    differences = np.stack([b.start[j] - a.start[i], b.end[j] - a.end[i]], -1)
    counts = np.array([np.count_nonzero(iou >= level) for level in levels], np.int64)
    return counts, np.asarray(differences, np.float64)
