"""Spans of time `(n, 2)`, starts and ends in seconds: joined, intersected, subtracted, measured."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from eyeline.results import Floats

Spans = Floats
"""`(n, 2)` starts and ends in seconds, in the order of time."""


def as_spans(spans: Sequence[tuple[float, float]]) -> Spans:
    """Pairs as an array."""
    return np.array(spans, np.float64).reshape(-1, 2)


def joined(*spans: Spans) -> Spans:
    """All spans one list after the other."""
    return np.concatenate([np.zeros((0, 2)), *spans])


def merged(spans: Spans) -> Spans:
    """Spans in the order of time without overlap."""
    if not len(spans):
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    fresh = np.append(True, spans[1:, 0] > reach[:-1])
    last = np.append(np.flatnonzero(fresh)[1:], len(spans)) - 1
    return np.stack([spans[fresh, 0], reach[last]], -1)


def both(a: Spans, b: Spans) -> Spans:
    """What two lists of spans, each without overlap, have in common."""
    left, right = a.tolist(), b.tolist()
    i = j = 0
    common: list[tuple[float, float]] = []
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if end > start:
            common.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return as_spans(common)


def shared(lists: Sequence[Spans]) -> Spans:
    """Where two or more of some lists of spans, each without overlap, hold at once."""
    edges = sorted(
        (t, step)
        for spans in lists
        for pair in spans.tolist()
        for t, step in zip(pair, (1, -1), strict=True)
    )
    common, depth = list[tuple[float, float]](), 0
    for (start, step), (end, _) in itertools.pairwise(edges):
        depth += step
        if depth > 1 and end > start:
            common.append((start, end))
    return merged(as_spans(common))


def without(a: Spans, b: Spans) -> Spans:
    """What of spans, without overlap, lies in none of others, without overlap."""
    if not len(a) or not len(b):
        return a
    gaps = np.stack([np.append(-np.inf, b[:, 1]), np.append(b[:, 0], np.inf)], -1)
    return both(a, gaps)


def length(spans: Spans) -> float:
    """Seconds in all."""
    return float((spans[:, 1] - spans[:, 0]).sum())
