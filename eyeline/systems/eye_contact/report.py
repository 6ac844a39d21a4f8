"""Scores of answers by the published rules: pooled with intervals, by fold and by video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from eyeline.evaluation import metrics
from eyeline.results import Floats, Ints

IOU_LEVELS = (0.10, 0.25, 0.50)
"""Overlaps at which segments are counted, as published."""

Report = dict[str, Any]


class Labelled(Protocol):
    """A tracklet's labels and whose they are."""

    @property
    def video(self) -> str:
        """Name of its video; the unit of the bootstrap."""

    @property
    def fold(self) -> int:
        """Part of the cross-validation that the video belongs to."""

    @property
    def label(self) -> Ints:
        """`(n,)` 1 eye contact, 0 none."""

    @property
    def uncertain(self) -> Ints | None:
        """`(n,)` 1 where the annotators could not tell; None: nowhere."""


@dataclass(frozen=True)
class Labels:
    """A tracklet, or a piece of one, that is nothing but its labels."""

    video: str
    fold: int
    label: Ints
    uncertain: Ints | None = None


@dataclass(frozen=True)
class Answered:
    """What was answered for each sample; NaN where there is no logit or probability."""

    logit: tuple[Floats, ...]
    """`(n,)` a sample, as the network gave it: what ranking scores are taken of."""
    probability: tuple[Floats, ...]
    """`(n,)` a sample, calibrated."""
    states: tuple[Ints, ...]
    """`(n,)` a sample, 0 or 1, decoded."""

    @classmethod
    def only(cls, states: Sequence[Ints]) -> Answered:
        """States `(n,)` a sample without any probability."""
        nothing = tuple(np.full(len(s), np.nan) for s in states)
        return cls(nothing, nothing, tuple(states))


def score(samples: Sequence[Labelled], answered: Answered) -> Report:
    """Pooled scores, their 95 % intervals by bootstrap over videos, baselines, folds and videos.

    Accuracy, balanced accuracy, frame F1, edit and segmental F1 are of the decoded states; AUC and
    average precision of the network's output; calibration and `threshold_accuracy` of the
    probability; these are None where there is none. As published, frames in which the annotators
    could not tell count as no contact; under `without_uncertain` they are left out, and tracklets
    are cut there.
    """
    groups = by_video(samples)
    counts = _all_counts(samples, answered)
    whole = _whole(samples, answered, counts)
    folds = {str(f): [i for i, s in enumerate(samples) if s.fold == f]
             for f in sorted({s.fold for s in samples})}  # fmt: skip

    def each(parts: dict[str, list[int]]) -> Report:
        return {name: _scores(samples, answered, own, counts) for name, own in parts.items()}

    return {
        "videos": len(groups),
        "tracklets": len(samples),
        "frames": sum(len(s.label) for s in samples),
        **whole,
        "without_uncertain": _without_uncertain(samples, answered, whole),
        "calibration": _reliability(samples, answered),
        "folds": each(folds),
        "per_video": each(groups),
    }


def by_video(samples: Sequence[Labelled]) -> dict[str, list[int]]:
    """Indices of each video's samples, videos in order of first appearance."""
    groups: dict[str, list[int]] = {}
    for index, sample in enumerate(samples):
        groups.setdefault(sample.video, []).append(index)
    return groups


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
    def of(cls, samples: Sequence[Labelled], states: Sequence[Ints]) -> Sums:
        """The counts of these states `(n,)` a sample; videos in order of first appearance."""
        return cls.grouped(
            samples, [_counts(s.label, x) for s, x in zip(samples, states, strict=True)]
        )

    @classmethod
    def grouped(cls, samples: Sequence[Labelled], counts: Sequence[Sequence[float]]) -> Sums:
        """Of the counts of each sample, which are slow to make and are made once."""
        rows = [[counts[i] for i in own] for own in by_video(samples).values()]
        summed = np.array([np.sum(own, axis=0) for own in rows])
        frames, right, edit, tracklets = summed[:, :4].T
        matches = summed[:, 7:].reshape(len(rows), -1, 3)
        return cls(frames, right, edit, tracklets, matches, summed[:, 4:7])

    def scores(self, videos: Ints) -> dict[str, float]:
        """Pooled scores of these videos, repeats counted."""
        matches, confusion = self.matches[videos].sum(axis=0), self.confusion[videos].sum(axis=0)
        return {
            "accuracy": float(self.right[videos].sum() / self.frames[videos].sum()),
            "balanced_accuracy": self._balanced(videos),
            "frame_f1": float(metrics.f1_from_counts(*confusion)),
            "edit": float(self.edit[videos].sum() / self.tracklets[videos].sum()),
            **{
                f1_name(level): float(metrics.f1_from_counts(*matches[k]))
                for k, level in enumerate(IOU_LEVELS)
            },
        }

    def _balanced(self, videos: Ints) -> float:
        """Mean over the classes that occur of the share of their frames that were found."""
        tp, fp, fn = self.confusion[videos].sum(axis=0)
        contact = tp + fn
        other = self.frames[videos].sum() - contact
        shares = [tp / contact] if contact else []
        shares += [(other - fp) / other] if other else []
        return float(np.mean(shares))


def _all_counts(samples: Sequence[Labelled], answered: Answered) -> list[list[float]]:
    return [_counts(s.label, x) for s, x in zip(samples, answered.states, strict=True)]


def _whole(
    samples: Sequence[Labelled], answered: Answered, counts: Sequence[Sequence[float]]
) -> Report:
    return {
        "pooled": _scores(samples, answered, range(len(samples)), counts),
        "interval": _intervals(samples, answered, Sums.grouped(samples, counts)),
        "baselines": {"all 0": _constant(samples, 0), "all 1": _constant(samples, 1)},
    }


def _without_uncertain(samples: Sequence[Labelled], answered: Answered, whole: Report) -> Report:
    pieces, kept = certain(samples, answered)
    left_out = sum(len(s.label) for s in samples) - sum(len(p.label) for p in pieces)
    if not pieces:
        return {"frames_left_out": left_out}
    if left_out:
        whole = _whole(pieces, kept, _all_counts(pieces, kept))
    return {"frames_left_out": left_out, **whole}


def certain(samples: Sequence[Labelled], answered: Answered) -> tuple[list[Labels], Answered]:
    """The tracklets cut where the annotators could not tell, without those frames."""
    pieces: list[Labels] = []
    logit, probability, states = [], [], []
    for i, sample in enumerate(samples):
        for rows in _certain_runs(sample):
            pieces.append(Labels(sample.video, sample.fold, sample.label[rows]))
            logit.append(answered.logit[i][rows])
            probability.append(answered.probability[i][rows])
            states.append(answered.states[i][rows])
    return pieces, Answered(tuple(logit), tuple(probability), tuple(states))


def _certain_runs(sample: Labelled) -> list[slice]:
    if sample.uncertain is None:
        return [slice(0, len(sample.label))]
    marks = metrics.segments(np.asarray(sample.uncertain))
    rows = zip(marks.label.tolist(), marks.start.tolist(), marks.end.tolist(), strict=True)
    return [slice(start, end) for unclear, start, end in rows if not unclear]


def _counts(label: Ints, states: Ints) -> list[float]:
    """Of one tracklet: frames, right ones, edit score, 1, then counts of frames and segments."""
    hit = int(np.count_nonzero((label == 1) & (states == 1)))
    confusion = [hit, int(np.count_nonzero(states == 1)) - hit, int(label.sum()) - hit]
    found = [n for level in IOU_LEVELS for n in metrics.segment_matches(label, states, level)]
    edit = metrics.edit_score(label, states)
    return [len(label), int(np.count_nonzero(label == states)), edit, 1, *confusion, *found]


def _scores(
    samples: Sequence[Labelled],
    answered: Answered,
    own: Sequence[int],
    counts: Sequence[Sequence[float]],
) -> dict[str, Any]:
    label = np.concatenate([samples[i].label for i in own])
    probability = np.concatenate([answered.probability[i] for i in own])
    logit = np.concatenate([answered.logit[i] for i in own])
    sums = Sums.grouped([samples[i] for i in own], [counts[i] for i in own])
    ranked, told = ~np.isnan(logit), ~np.isnan(probability)
    at_half = metrics.accuracy(label[told], (probability[told] >= 0.5).astype(np.int64))
    return {
        "frames": len(label),
        "positive": float(label.mean()),
        **sums.scores(np.arange(len(sums.frames))),
        "threshold_accuracy": _number(at_half),
        "auc": _number(metrics.roc_auc(label[ranked], logit[ranked])),
        "average_precision": _number(metrics.average_precision(label[ranked], logit[ranked])),
        "frames_ranked": int(ranked.sum()),
    }


def _constant(samples: Sequence[Labelled], state: int) -> dict[str, float | None]:
    """Of one answer for all frames, which ranks them no better than chance."""
    sums = Sums.of(samples, [np.full(len(s.label), state) for s in samples])
    label = np.concatenate([s.label for s in samples])
    level = np.zeros(len(label))
    return {
        **sums.scores(np.arange(len(sums.frames))),
        "auc": _number(metrics.roc_auc(label, level)),
        "average_precision": _number(metrics.average_precision(label, level)),
    }


def _intervals(
    samples: Sequence[Labelled], answered: Answered, sums: Sums
) -> dict[str, tuple[float | None, float | None]]:
    count = len(sums.frames)
    names = sums.scores(np.arange(count))
    wins, pairs = _pairwise_wins(samples, answered)
    precision = _Precision(samples, answered)

    def auc(videos: Ints) -> float:
        chosen = np.ix_(videos, videos)
        total = float(pairs[chosen].sum())
        return float(wins[chosen].sum()) / total if total else float("nan")

    def one(name: str) -> Callable[[Ints], float]:
        return lambda videos: sums.scores(videos)[name]

    drawn = {**{name: one(name) for name in names}, "auc": auc, "average_precision": precision.of}
    bounds = {name: metrics.bootstrap_interval(f, count) for name, f in drawn.items()}
    return {name: (_number(low), _number(high)) for name, (low, high) in bounds.items()}


class _Precision:
    """Average precision of draws of videos: frames are sorted once, and weighed for each draw."""

    def __init__(self, samples: Sequence[Labelled], answered: Answered) -> None:
        groups = by_video(samples)
        video = [np.full(len(samples[i].label), v) for v, own in enumerate(groups.values())
                 for i in own]  # fmt: skip
        order = [i for own in groups.values() for i in own]
        logit = np.concatenate([answered.logit[i] for i in order])
        label = np.concatenate([samples[i].label for i in order])
        known = np.flatnonzero(~np.isnan(logit))
        falling = known[np.argsort(-logit[known], kind="stable")]
        self._video, self._hit = np.concatenate(video)[falling], label[falling] == 1
        steps = np.flatnonzero(np.diff(logit[falling]))
        self._step_end = np.append(steps, len(falling) - 1)[: len(falling)]
        self._videos = len(groups)

    def of(self, videos: Ints) -> float:
        """Of these videos, repeats counted; NaN without a positive."""
        weight = np.bincount(videos, minlength=self._videos)[self._video]
        found = np.cumsum(weight * self._hit)[self._step_end]
        if not len(found) or not found[-1]:
            return float("nan")
        precision = found / np.maximum(np.cumsum(weight)[self._step_end], 1)
        return float((precision * np.diff(found, prepend=0)).sum() / found[-1])


def _pairwise_wins(samples: Sequence[Labelled], answered: Answered) -> tuple[Floats, Floats]:
    """How often positives of video i outscore negatives of video j, ties half, of how many."""
    positives, negatives = [], []
    for own in by_video(samples).values():
        label = np.concatenate([samples[i].label for i in own])
        logit = np.concatenate([answered.logit[i] for i in own])
        known = ~np.isnan(logit)
        positives.append(logit[known & (label == 1)])
        negatives.append(np.sort(logit[known & (label == 0)]))
    wins = [
        [
            np.searchsorted(n, p, "left").sum() + np.searchsorted(n, p, "right").sum()
            for n in negatives
        ]
        for p in positives
    ]
    pairs = np.outer([len(p) for p in positives], [len(n) for n in negatives])
    return np.array(wins) / 2, pairs.astype(np.float64)


def _reliability(samples: Sequence[Labelled], answered: Answered) -> dict[str, Any] | None:
    label = np.concatenate([s.label for s in samples])
    probability = np.concatenate(answered.probability)
    told: npt.NDArray[np.bool_] = ~np.isnan(probability)
    if not told.any():
        return None
    bins = metrics.calibration_bins(label[told], probability[told])
    return {
        "ece": metrics.expected_calibration_error(label[told], probability[told]),
        "bins": [asdict(b) for b in bins],
    }


def f1_name(level: float) -> str:
    """The report's word for the F1 of segments at an overlap."""
    return f"f1_at_{round(100 * level)}"


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else value
