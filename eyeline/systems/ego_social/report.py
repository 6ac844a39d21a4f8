"""Scores by the benchmark's code, by the challenge's rows, and by the textbook."""

from __future__ import annotations

import numpy as np

from eyeline.errors import DataError
from eyeline.evaluation import bootstrap, metrics
from eyeline.evaluation.report import Figures
from eyeline.results import Floats, Ints

THRESHOLD = 0.5
"""From this score on, itself included, a row is called positive."""


def average_precision(truth: Ints, score: Floats, weight: Ints | None = None) -> float:
    """Area under the envelope of precision over recall, one point a row, as published.

    Rows of equal score keep their order (the original's sort leaves it open) and count one by one.

    NaN without a positive; of `weight` `(n,)` is how often each row counts.
    """
    order = np.argsort(-score, kind="stable")
    times = np.ones(len(truth), np.int64) if weight is None else weight
    return _area((truth[order] == 1).astype(np.int64), times[order], score[order])


def published(truth: Ints, score: Floats, weight: Ints | None = None) -> Figures:
    """The figures that the benchmark's code prints, as fractions.

    Args:
        truth: `(n,)` 0 or 1.
        score: `(n,)` in [0, 1].
        weight: `(n,)` how often each row counts; once by default.

    Returns:
        `mAP`: mean of the average precisions of both classes; these; `accuracy`; `confusion`:
        rows true 1 and true 0, columns called 1 and called 0, each row summing to 1.
    """
    positives = int(np.count_nonzero(truth == 1))
    if not 0 < positives < len(truth):
        raise DataError(
            f"{positives} of {len(truth)} rows are positive: a mean over both classes needs rows "
            "of both"
        )
    times = np.ones(len(truth), np.int64) if weight is None else weight
    positive = average_precision(truth, score, weight)
    negative = average_precision(1 - truth, 1 - score, weight)
    called = score >= THRESHOLD
    confusion = [
        [float(times[own & side].sum() / times[own].sum()) for side in (called, ~called)]
        for own in (truth == 1, truth == 0)
    ]
    right = float(times[called == (truth == 1)].sum() / times.sum())
    return {
        "mAP": (positive + negative) / 2,
        "ap_positive": positive,
        "ap_negative": negative,
        "accuracy": right,
        "confusion": confusion,
    }


def challenge(truth: Ints, score: Floats, faces: Ints | None = None) -> Figures:
    """What the challenge's server answers: the benchmark's arithmetic on the challenge's rows.

    The server's code is not public. Its rows are: for looking at me one a face and frame; for
    talking to me one a frame with a face, so that a segment counts `faces` times.

    Args:
        truth: `(n,)` 0 or 1.
        score: `(n,)` in [0, 1].
        faces: `(n,)` frames with a face of each segment; None where rows are frames already.
    """
    if faces is not None:
        seen = faces > 0
        truth, score, faces = truth[seen], score[seen], faces[seen]
    figures = published(truth, score, faces)
    return {"test_split": {"mAP": figures["mAP"], "Acc": figures["accuracy"]}}


def pooled(truth: Ints, score: Floats) -> Figures:
    """Textbook scores: ties grouped, no envelope; `prior` is what a constant score would get."""
    fraction = float((truth == 1).mean())
    both = [
        metrics.average_precision(label, value)
        for label, value in ((truth, score), (1 - truth, 1 - score))
    ]
    called = (score >= THRESHOLD).astype(np.int64)
    return {
        "rows": len(truth),
        "positives": int(np.count_nonzero(truth == 1)),
        "mAP": float(np.mean(both)),
        "ap_positive": both[0],
        "auc": metrics.roc_auc(truth, score),
        "accuracy": metrics.accuracy(truth, called),
        "balanced_accuracy": metrics.balanced_accuracy(truth, called),
        "f1": metrics.binary_f1(truth, called),
        "prior": {"mAP": 0.5, "ap_positive": fraction, "accuracy": max(fraction, 1 - fraction)},
    }


def intervals(
    truth: Ints, score: Floats, clip: Ints, *, samples: int = 200, seed: int = 0
) -> dict[str, list[float] | None]:
    """95 % intervals of `mAP` and `accuracy` as published when whole clips are drawn.

    Clips `(n,)` are numbered from 0 without gaps. None where no draw has both classes.
    """
    clips = int(clip.max()) + 1
    right = ((score >= THRESHOLD) == (truth == 1)).astype(np.float64)
    both = [
        bootstrap.drawn_precision(label, value, clip, clips, _area)
        for label, value in ((truth, score), (1 - truth, 1 - score))
    ]
    scores: dict[str, bootstrap.Score] = {
        "mAP": lambda drawn: float(np.mean([of(drawn) for of in both])),
        "accuracy": bootstrap.drawn_mean(right, clip, clips),
    }
    return bootstrap.intervals(scores, clips, samples=samples, seed=seed)


def _area(hit: Ints, times: Ints, score: Floats) -> float:
    """Average precision of rows by falling score that count `times` each, one by one.

    The copies of a positive row raise precision one after the other, so that the envelope over
    them is that of the last copy.
    """
    predictions = times * hit
    hits, seen = np.cumsum(predictions), np.cumsum(times)
    if not len(hits) or not hits[-1]:
        return float("nan")
    precision = hits / np.maximum(seen, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((predictions * envelope).sum() / hits[-1])
