"""Scores of answers by the published rules: pooled with intervals, by fold and by video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eyeline import metrics
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.samples import Sample, by_video

IOU_LEVELS = (0.10, 0.25, 0.50)
"""Overlaps at which segments are counted, as published."""

Report = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """What was answered for each sample."""

    logit: tuple[Floats, ...]
    """`(n,)` a sample, as the network gave it: what ranking scores are taken of."""
    probability: tuple[Floats, ...]
    """`(n,)` a sample, calibrated."""
    states: tuple[Ints, ...]
    """`(n,)` a sample, 0 or 1, decoded."""


def score(samples: Sequence[Sample], answered: Answered) -> Report:
    """Pooled scores, their 95 % intervals by bootstrap over videos, baselines, folds and videos.

    Accuracy, frame F1, edit and segmental F1 are of the decoded states; AUC and average precision
    of the network's output; calibration and `threshold_accuracy` of the probability.
    """
    everything = range(len(samples))
    sums = Sums.of(samples, answered.states)
    report: Report = {
        "videos": len(sums.frames),
        "tracklets": len(samples),
        "frames": int(sums.frames.sum()),
        "pooled": _scores(samples, answered, everything),
        "interval": _intervals(samples, answered, sums),
        "baselines": {
            "all 0": _constant(samples, 0),
            "all 1": _constant(samples, 1),
        },
        "calibration": _reliability(samples, answered),
        "folds": {},
        "per_video": {},
    }
    for fold in sorted({s.fold for s in samples}):
        own = [i for i in everything if samples[i].fold == fold]
        report["folds"][str(fold)] = _scores(samples, answered, own)
    for video, own in by_video(samples).items():
        report["per_video"][video] = _scores(samples, answered, own)
    return report


@dataclass(frozen=True)
class Sums:
    """Counts a video, from which the pooled scores of any draw of videos follow."""

    frames: Floats
    right: Floats
    edit: Floats
    tracklets: Floats
    matches: Floats
    """`(video, level, 3)` true positives, false positives, misses."""
    confusion: Floats
    """`(video, 3)` the same of contact frames."""

    @classmethod
    def of(cls, samples: Sequence[Sample], states: Sequence[Ints]) -> Sums:
        """The counts of these states `(n,)` a sample; videos in order of first appearance."""
        groups = by_video(samples)
        rows = [[_counts(samples[i].label, states[i]) for i in own] for own in groups.values()]
        summed = np.array([np.sum(own, axis=0) for own in rows])
        frames, right, edit, tracklets = summed[:, :4].T
        matches = summed[:, 7:].reshape(len(rows), -1, 3)
        return cls(frames, right, edit, tracklets, matches, summed[:, 4:7])

    def scores(self, videos: Ints) -> dict[str, float]:
        """Pooled scores of these videos, repeats counted."""
        matches, confusion = self.matches[videos].sum(axis=0), self.confusion[videos].sum(axis=0)
        return {
            "accuracy": float(self.right[videos].sum() / self.frames[videos].sum()),
            "frame_f1": metrics.f1_from_counts(*confusion),
            "edit": float(self.edit[videos].sum() / self.tracklets[videos].sum()),
            **{
                f1_name(level): metrics.f1_from_counts(*matches[k])
                for k, level in enumerate(IOU_LEVELS)
            },
        }


def _counts(label: Ints, states: Ints) -> list[float]:
    """Of one tracklet: frames, right ones, edit score, 1, then counts of frames and segments."""
    hit = int(np.count_nonzero((label == 1) & (states == 1)))
    confusion = [hit, int(np.count_nonzero(states == 1)) - hit, int(label.sum()) - hit]
    found = [n for level in IOU_LEVELS for n in metrics.segment_matches(label, states, level)]
    edit = metrics.edit_score(label, states)
    return [len(label), int(np.count_nonzero(label == states)), edit, 1, *confusion, *found]


def _scores(samples: Sequence[Sample], answered: Answered, own: Sequence[int]) -> dict[str, Any]:
    label = np.concatenate([samples[i].label for i in own])
    probability = np.concatenate([answered.probability[i] for i in own])
    logit = np.concatenate([answered.logit[i] for i in own])
    states = np.concatenate([answered.states[i] for i in own])
    sums = Sums.of([samples[i] for i in own], [answered.states[i] for i in own])
    return {
        "frames": len(label),
        "positive": float(label.mean()),
        **sums.scores(np.arange(len(sums.frames))),
        "balanced_accuracy": metrics.balanced_accuracy(label, states),
        "threshold_accuracy": metrics.accuracy(label, (probability >= 0.5).astype(np.int64)),
        "auc": _number(metrics.roc_auc(label, logit)),
        "average_precision": _number(metrics.average_precision(label, logit)),
    }


def _constant(samples: Sequence[Sample], state: int) -> dict[str, float]:
    sums = Sums.of(samples, [np.full(len(s), state) for s in samples])
    return sums.scores(np.arange(len(sums.frames)))


def _intervals(
    samples: Sequence[Sample], answered: Answered, sums: Sums
) -> dict[str, tuple[float | None, float | None]]:
    count = len(sums.frames)
    names = sums.scores(np.arange(count))
    wins, pairs = _pairwise_wins(samples, answered)

    def auc(videos: Ints) -> float:
        chosen = np.ix_(videos, videos)
        total = float(pairs[chosen].sum())
        return float(wins[chosen].sum()) / total if total else float("nan")

    def one(name: str) -> Callable[[Ints], float]:
        return lambda videos: sums.scores(videos)[name]

    drawn = {**{name: one(name) for name in names}, "auc": auc}
    bounds = {name: metrics.bootstrap_interval(f, count) for name, f in drawn.items()}
    return {name: (_number(low), _number(high)) for name, (low, high) in bounds.items()}


def _pairwise_wins(samples: Sequence[Sample], answered: Answered) -> tuple[Floats, Floats]:
    """How often positives of video i outscore negatives of video j, ties half, of how many."""
    positives, negatives = [], []
    for own in by_video(samples).values():
        label = np.concatenate([samples[i].label for i in own])
        logit = np.concatenate([answered.logit[i] for i in own])
        positives.append(logit[label == 1])
        negatives.append(np.sort(logit[label == 0]))
    wins = [
        [
            np.searchsorted(n, p, "left").sum() + np.searchsorted(n, p, "right").sum()
            for n in negatives
        ]
        for p in positives
    ]
    pairs = np.outer([len(p) for p in positives], [len(n) for n in negatives])
    return np.array(wins) / 2, pairs.astype(np.float64)


def _reliability(samples: Sequence[Sample], answered: Answered) -> dict[str, Any]:
    label = np.concatenate([s.label for s in samples])
    probability = np.concatenate(answered.probability)
    bins = metrics.calibration_bins(label, probability)
    return {
        "ece": metrics.expected_calibration_error(label, probability),
        "bins": [asdict(b) for b in bins],
    }


def f1_name(level: float) -> str:
    """The report's word for the F1 of segments at an overlap."""
    return f"f1_at_{round(100 * level)}"


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else value
