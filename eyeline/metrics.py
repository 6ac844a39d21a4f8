"""Textbook scores as pure functions of arrays; all scores are fractions in [0, 1].

Sums and counts come out beside the scores where a benchmark pools over sequences, so that nobody
averages averages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]


def accuracy(truth: Ints, predicted: Ints) -> float:
    """Share of equal labels `(n,)`; NaN for none at all."""
    return _ratio(float(np.count_nonzero(truth == predicted)), len(truth))


def balanced_accuracy(truth: Ints, predicted: Ints) -> float:
    """Mean over the classes that occur in `truth` of the share of their labels that were found."""
    shares = [accuracy(truth[truth == c], predicted[truth == c]) for c in np.unique(truth)]
    return float(np.mean(shares)) if shares else float("nan")


def binary_f1(truth: Ints, predicted: Ints) -> float:
    """F1 of class 1 of labels `(n,)`, 0 where nothing was found rightly."""
    hit = int(np.count_nonzero((truth == 1) & (predicted == 1)))
    wrong = int(np.count_nonzero((truth == 1) != (predicted == 1)))
    return f1_from_counts(hit, wrong, 0)


def f1_from_counts(tp: float, fp: float, fn: float) -> float:
    """F1 of true positives, false positives and misses; 0 without a true positive."""
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


def roc_auc(truth: Ints, score: Floats) -> float:
    """Chance that a positive scores above a negative, ties counting half; NaN without both classes.

    Args:
        truth: `(n,)` 0 or 1.
        score: `(n,)` the higher, the more likely class 1.
    """
    positives = int(np.count_nonzero(truth == 1))
    negatives = len(truth) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    rank = (last - (count - 1) / 2)[place]
    wins = float(rank[truth == 1].sum()) - positives * (positives + 1) / 2
    return wins / (positives * negatives)


def average_precision(truth: Ints, score: Floats) -> float:
    """Area under the precision-recall steps, one step a distinct score; NaN without a positive.

    Args:
        truth: `(n,)` 0 or 1.
        score: `(n,)` the higher, the more likely class 1.
    """
    if not np.count_nonzero(truth == 1):
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order] == 1)
    step_end = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    precision = hits[step_end] / (step_end + 1)
    gained = np.diff(hits[step_end], prepend=0)
    return float((precision * gained).sum() / hits[-1])


@dataclass(frozen=True)
class CalibrationBin:
    """One bin of a reliability table."""

    count: int
    mean_probability: float
    positive_share: float


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
    gaps = sum(b.count * abs(b.mean_probability - b.positive_share) for b in table)
    return _ratio(gaps, len(truth))


@dataclass(frozen=True)
class LabelSegments:
    """Maximal runs of equal labels in a sequence, in order."""

    label: Ints
    """`(m,)`."""
    start: Ints
    """`(m,)` index of the first element."""
    end: Ints
    """`(m,)` index after the last element; see `segments` for the exception."""

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

    @property
    def f1(self) -> float:
        """F1 of these counts."""
        return f1_from_counts(*self)

    def plus(self, other: Matches) -> Matches:
        """The counts of both."""
        return Matches(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)


def segment_matches(
    truth: Ints, predicted: Ints, min_iou: float, *, last_end_short: bool = True
) -> Matches:
    """Match predicted with true segments of one sequence; segments of every label count.

    Each predicted segment in order takes the first true segment of its label with the highest
    overlap. With `last_end_short`, the published behaviour, the undefined overlap of two empty last
    segments wins that choice and then fails the test, also between different labels.

    Args:
        truth: `(n,)` labels.
        predicted: `(n,)` labels.
        min_iou: overlap from which on a pair counts as found.
        last_end_short: see `segments`.
    """
    true = segments(truth, last_end_short=last_end_short)
    found = segments(predicted, last_end_short=last_end_short)
    used = np.zeros(len(true), bool)
    tp = 0
    for label, start, end in zip(found.label, found.start, found.end, strict=True):
        iou = _overlap(true, label, start, end)
        best = int(np.argmax(iou))
        if iou[best] >= min_iou and not used[best]:
            used[best] = True
            tp += 1
    return Matches(tp, len(found) - tp, int(np.count_nonzero(~used)))


def segmental_f1(
    pairs: Iterable[tuple[Ints, Ints]], min_iou: float, *, last_end_short: bool = True
) -> float:
    """F1 of segments with the counts summed over all (truth, predicted) sequences."""
    total = Matches(0, 0, 0)
    for truth, predicted in pairs:
        total = total.plus(
            segment_matches(truth, predicted, min_iou, last_end_short=last_end_short)
        )
    return total.f1


def bootstrap_interval(
    score: Callable[[Ints], float],
    groups: int,
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a score when whole groups (videos, people) are drawn with replacement.

    Args:
        score: the score of a draw, given `(groups,)` indices of groups with repeats; NaN draws are
            left out.
        groups: how many groups there are.
        samples: number of draws.
        level: share of the draws inside the interval.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    draws = np.array([score(rng.integers(0, groups, groups)) for _ in range(samples)])
    if np.isnan(draws).all():
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _overlap(true: LabelSegments, label: int, start: int, end: int) -> Floats:
    shared = np.minimum(true.end, end) - np.maximum(true.start, start)
    covered = np.maximum(true.end, end) - np.minimum(true.start, start)
    with np.errstate(invalid="ignore"):
        return np.asarray(shared / covered * (true.label == label))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
