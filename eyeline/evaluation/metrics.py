"""Textbook scores as pure functions of arrays; all scores are fractions in [0, 1].

Sums and counts come out beside the scores where a benchmark pools over sequences, so that nobody
averages averages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from eyeline.results import Floats, Ints


def mean(values: Floats) -> float:
    """Of what is known; NaN of nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def accuracy(truth: Ints, predicted: Ints) -> float:
    """Fraction of equal labels `(n,)`; NaN for none at all."""
    return float((truth == predicted).mean()) if len(truth) else float("nan")


def balanced_accuracy(truth: Ints, predicted: Ints) -> float:
    """Mean over the classes that occur in `truth` of the fraction of their labels that were found.

    As scikit-learn's, without its warning for a class that is predicted only.
    """
    each = [accuracy(truth[truth == c], predicted[truth == c]) for c in np.unique(truth)]
    return float(np.mean(each)) if each else float("nan")


def binary_f1(truth: Ints, predicted: Ints) -> float:
    """F1 of class 1 of labels `(n,)`, 0 where nothing was found rightly."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, zero_division=0.0))


def f1_from_counts(tp: float, fp: float, fn: float) -> float:
    """F1 of true positives, false positives and misses; 0 without a true positive."""
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


def roc_auc(truth: Ints, score: Floats) -> float:
    """Chance that a positive scores above a negative, ties counting half; NaN without both classes.

    Args:
        truth: `(n,)` 0 or 1.
        score: `(n,)` the higher, the more likely class 1.
    """
    from sklearn.metrics import roc_auc_score

    if not 0 < np.count_nonzero(truth == 1) < len(truth):
        return float("nan")
    return float(roc_auc_score(truth == 1, score))


def average_precision(truth: Ints, score: Floats) -> float:
    """Area under the precision-recall steps, one step a distinct score; NaN without a positive.

    Args:
        truth: `(n,)` 0 or 1.
        score: `(n,)` the higher, the more likely class 1.
    """
    from sklearn.metrics import average_precision_score

    if not np.count_nonzero(truth == 1):
        return float("nan")
    return float(average_precision_score(truth == 1, score))


@dataclass(frozen=True)
class CalibrationBin:
    """One bin of a reliability table."""

    count: int
    mean_probability: float
    positive_fraction: float


def calibration_bins(truth: Ints, probability: Floats, bins: int = 10) -> list[CalibrationBin]:
    """Reliability table over equally wide bins of probability, without the empty ones."""
    place = np.clip((probability * bins).astype(np.int64), 0, bins - 1)
    members = [place == b for b in range(bins) if np.any(place == b)]
    return [
        CalibrationBin(int(m.sum()), float(probability[m].mean()), float((truth[m] == 1).mean()))
        for m in members
    ]


def expected_calibration_error(truth: Ints, probability: Floats, bins: int = 10) -> float:
    """Mean gap between probability and share of positives, bins weighted by their counts."""
    table = calibration_bins(truth, probability, bins)
    gaps = sum(b.count * abs(b.mean_probability - b.positive_fraction) for b in table)
    return gaps / len(truth) if len(truth) else float("nan")


@dataclass(frozen=True)
class LabelSegments:
    """Maximal runs of equal labels in a sequence, or intervals in time, in order."""

    label: Ints
    """`(m,)`."""
    start: Ints | Floats
    """`(m,)` index of the first element, or seconds."""
    end: Ints | Floats
    """`(m,)` index after the last element, see `segments` for the exception; or seconds."""

    def __len__(self) -> int:
        return len(self.label)


def segments(labels: Ints, *, last_end_short: bool = False) -> LabelSegments:
    """Cut a label sequence `(n,)` into maximal runs of equal labels.

    Args:
        labels: the sequence.
        last_end_short: end the last run one element early, as the published code of temporal action
            segmentation does; a last run of one element then has length zero.
    """
    if not len(labels):
        nothing = np.zeros(0, np.int64)
        return LabelSegments(nothing, nothing, nothing)
    start = np.concatenate([[0], np.flatnonzero(np.diff(labels)) + 1])
    end = np.append(start[1:], len(labels) - int(last_end_short))
    return LabelSegments(labels[start], start, end)


def edit_score(truth: Ints, predicted: Ints) -> float:
    """One minus the Levenshtein distance of the two segment strings over the longer length."""
    longest = max(len(segments(truth)), len(segments(predicted)))
    if not longest:
        return float("nan")
    return 1 - levenshtein(segments(truth).label, segments(predicted).label) / longest


def levenshtein(a: Sequence[Any] | Ints, b: Sequence[Any] | Ints) -> int:
    """Fewest insertions, deletions and replacements that turn `a` into `b`."""
    b_items = np.asarray(b)
    steps = np.arange(len(b_items) + 1)
    row = steps.copy()
    for item in a:
        change = np.minimum(row[1:] + 1, row[:-1] + (b_items != item))
        candidates = np.concatenate([[row[0] + 1], change])
        # insertions run along the row: cost(j) = min over i <= j of candidates(i) + j - i
        row = np.minimum.accumulate(candidates - steps) + steps
    return int(row[-1])


class Matches(NamedTuple):
    """Counts of segments that were found, invented and missed; add them up over sequences."""

    tp: int
    fp: int
    fn: int


def segment_matches(truth: Ints, predicted: Ints, min_iou: float) -> Matches:
    """Match predicted with true segments of one sequence; segments of every label count.

    Each predicted segment in order takes the first true segment of its label with the highest
    overlap. The last segments end short, as published: the undefined overlap of two empty ones wins
    that choice and then fails the test, also between different labels.

    Args:
        truth: `(n,)` labels.
        predicted: `(n,)` labels.
        min_iou: overlap from which on a pair counts as found.
    """
    true = segments(truth, last_end_short=True)
    result = segments(predicted, last_end_short=True)
    used = np.zeros(len(true), bool)
    tp = 0
    for label, start, end in zip(result.label, result.start, result.end, strict=True):
        iou = overlap(true, label, start, end)
        best = int(np.argmax(iou))
        if iou[best] >= min_iou and not used[best]:
            used[best] = True
            tp += 1
    return Matches(tp, len(result) - tp, int(np.count_nonzero(~used)))


def overlap(true: LabelSegments, label: int, start: float, end: float) -> Floats:
    """Intersection over union `(m,)` of a segment with those of its label; 0 and less elsewhere."""
    shared = np.minimum(true.end, end) - np.maximum(true.start, start)
    covered = np.maximum(true.end, end) - np.minimum(true.start, start)
    with np.errstate(invalid="ignore"):
        return np.asarray(shared / covered * (true.label == label))


def matched_pairs(
    a: LabelSegments, b: LabelSegments, min_iou: float
) -> list[tuple[int, int, float]]:
    """Pairs of segments of equal labels, each in one pair at most, by falling overlap.

    Other than `segment_matches` it is the same from both sides, for which no coder is the truth.
    Pairs of a greater least overlap are those of a smaller one that reach it.

    Args:
        a: the first coder's, in order and without overlap among themselves.
        b: the second's, likewise.
        min_iou: least overlap of a pair, greater than 0.

    Returns:
        Number of the first, number of the second and overlap, in order.
    """
    near: list[tuple[float, int, int]] = []
    for i, (label, start, end) in enumerate(zip(a.label, a.start, a.end, strict=True)):
        low, high = np.searchsorted(b.end, start, "right"), np.searchsorted(b.start, end, "left")
        beside = LabelSegments(b.label[low:high], b.start[low:high], b.end[low:high])
        iou = overlap(beside, label, start, end)
        near += [(-float(iou[k]), i, int(low + k)) for k in np.flatnonzero(iou >= min_iou)]
    pairs: list[tuple[int, int, float]] = []
    free_a, free_b = np.ones(len(a), bool), np.ones(len(b), bool)
    # of equal overlaps the earlier first, whichever coder comes first
    for minus_iou, i, j in sorted(near, key=lambda one: (one[0], one[1] + one[2], one[1])):
        if free_a[i] and free_b[j]:
            free_a[i] = free_b[j] = False
            pairs.append((i, j, -minus_iou))
    return sorted(pairs)
