"""Scores of predictions by the published rules: pooled with intervals, by fold and by video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial

import numpy as np

from eyeline.evaluation import metrics, tables
from eyeline.evaluation.bootstrap import Score, bootstrap_interval, drawn_precision
from eyeline.evaluation.report import Figures, plain
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet
from eyeline.systems.eye_contact.samples import Sample

IOU_LEVELS = (0.10, 0.25, 0.50)
"""Overlaps at which segments are counted, as published."""


@dataclass(frozen=True)
class Labels:
    """A tracklet, or a piece of one, that is nothing but its labels."""

    video: str
    fold: int
    label: Ints
    uncertain: Ints | None = None

    @classmethod
    def of(cls, video: AnnotatedVideo, tracklet: Tracklet) -> Labels:
        """Of a tracklet."""
        return cls(video.name, video.fold, tracklet.label, tracklet.uncertain)


Labelled = Sample | Labels


@dataclass(frozen=True)
class Predicted:
    """What was predicted for each sample; NaN where there is no logit or probability."""

    logit: tuple[Floats, ...]
    """`(n,)` a sample, as the network gave it: what ranking scores are taken of."""
    probability: tuple[Floats, ...]
    """`(n,)` a sample, calibrated."""
    states: tuple[Ints, ...]
    """`(n,)` a sample, 0 or 1, decoded."""


def score(samples: Sequence[Labelled], predicted: Predicted) -> Figures:
    """Pooled scores, their 95 % intervals by bootstrap over videos, baselines, folds and videos.

    Accuracy, balanced accuracy, frame F1, edit and segmental F1 are of the decoded states; AUC and
    average precision of the network's output; calibration and `threshold_accuracy` of the
    probability; these are None where there is none. As published, frames in which the annotators
    were uncertain count as no contact; under `without_uncertain` they are left out, and tracklets
    are cut there.
    """
    all_ = _Scored(samples, predicted)
    pieces, kept = certain(samples, predicted)
    certain_ = _Scored(pieces, kept)
    left_out = len(all_.label) - sum(len(p.label) for p in pieces)
    folds = tables.groups(str(s.fold) for s in samples)
    created: Figures = plain(
        {
            "videos": len(all_.videos),
            "tracklets": len(samples),
            "frames": len(all_.label),
            **all_.whole(),
            "without_uncertain": {
                "frames_left_out": left_out,
                **((certain_ if left_out else all_).whole() if pieces else {}),
            },
            "calibration": _reliability(all_),
            "folds": {name: all_.part(folds[name]) for name in sorted(folds, key=int)},
            "per_video": {name: all_.part(own) for name, own in all_.videos.items()},
        }
    )
    return created


def by_video(samples: Sequence[Labelled]) -> dict[str, Ints]:
    """Indices of each video's samples, videos in order of first appearance."""
    return tables.groups(s.video for s in samples)


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
        """Of the counts of each sample, which are slow to compute and are computed once."""
        rows = [[counts[i] for i in own] for own in by_video(samples).values()]
        summed = np.array([np.sum(own, axis=0) for own in rows])
        frames, right, edit, tracklets = summed[:, :4].T
        matches = summed[:, 7:].reshape(len(rows), -1, 3)
        return cls(frames, right, edit, tracklets, matches, summed[:, 4:7])

    def scores(self, videos: Ints) -> dict[str, float]:
        """Pooled scores of these videos, repeats counted."""
        matches, confusion = self.matches[videos].sum(axis=0), self.confusion[videos].sum(axis=0)
        tp, fp, fn = confusion
        contact = tp + fn
        other = self.frames[videos].sum() - contact
        fractions = [tp / contact] if contact else []
        fractions += [(other - fp) / other] if other else []
        balanced = float(np.mean(fractions))  # over the classes that occur
        return {
            "accuracy": float(self.right[videos].sum() / self.frames[videos].sum()),
            "balanced_accuracy": balanced,
            "frame_f1": float(metrics.f1_from_counts(*confusion)),
            "edit": float(self.edit[videos].sum() / self.tracklets[videos].sum()),
            **{
                f1_name(level): float(metrics.f1_from_counts(*matches[k]))
                for k, level in enumerate(IOU_LEVELS)
            },
        }


@dataclass(frozen=True)
class _Scored:
    """Samples with what was predicted for them, frame by frame."""

    samples: Sequence[Labelled]
    predicted: Predicted

    @cached_property
    def videos(self) -> dict[str, Ints]:
        return by_video(self.samples)

    @cached_property
    def counts(self) -> list[list[float]]:
        pairs = zip(self.samples, self.predicted.states, strict=True)
        return [_counts(s.label, states) for s, states in pairs]

    @cached_property
    def label(self) -> Ints:
        return np.concatenate([s.label for s in self.samples])

    @cached_property
    def logit(self) -> Floats:
        return np.concatenate(self.predicted.logit)

    @cached_property
    def probability(self) -> Floats:
        return np.concatenate(self.predicted.probability)

    def whole(self) -> Figures:
        sums = Sums.grouped(self.samples, self.counts)
        count, number = len(self.videos), {name: k for k, name in enumerate(self.videos)}
        video = np.concatenate([np.full(len(s.label), number[s.video]) for s in self.samples])
        drawn: dict[str, Score] = {
            name: partial(lambda videos, name: sums.scores(videos)[name], name=name)
            for name in sums.scores(np.arange(count))
        }
        drawn["auc"] = _drawn_auc(self.label, self.logit, video, count)
        drawn["average_precision"] = drawn_precision(self.label, self.logit, video, count)
        return {
            "pooled": self.part(range(len(self.samples))),
            "interval": {name: bootstrap_interval(score, count) for name, score in drawn.items()},
            "baselines": {f"all {state}": self._constant(state) for state in (0, 1)},
        }

    def part(self, own: Sequence[int] | Ints) -> Figures:
        """The scores of some samples."""
        label = np.concatenate([self.samples[i].label for i in own])
        probability = np.concatenate([self.predicted.probability[i] for i in own])
        logit = np.concatenate([self.predicted.logit[i] for i in own])
        sums = Sums.grouped([self.samples[i] for i in own], [self.counts[i] for i in own])
        ranked, known = ~np.isnan(logit), ~np.isnan(probability)
        return {
            "frames": len(label),
            "positive": float(label.mean()),
            **sums.scores(np.arange(len(sums.frames))),
            "threshold_accuracy": metrics.accuracy(label[known], probability[known] >= 0.5),
            "auc": metrics.roc_auc(label[ranked], logit[ranked]),
            "average_precision": metrics.average_precision(label[ranked], logit[ranked]),
            "frames_ranked": int(ranked.sum()),
        }

    def _constant(self, state: int) -> Figures:
        """Of one prediction for all frames, which ranks them no better than chance."""
        sums = Sums.of(self.samples, [np.full(len(s.label), state) for s in self.samples])
        level = np.zeros(len(self.label))
        return {
            **sums.scores(np.arange(len(sums.frames))),
            "auc": metrics.roc_auc(self.label, level),
            "average_precision": metrics.average_precision(self.label, level),
        }


def certain(samples: Sequence[Labelled], predicted: Predicted) -> tuple[list[Labels], Predicted]:
    """The tracklets cut where the annotators were uncertain, without those frames."""
    pieces: list[Labels] = []
    logit, probability, states = [], [], []
    for i, sample in enumerate(samples):
        unclear = np.zeros(len(sample.label), np.int64)
        runs = metrics.segments(unclear if sample.uncertain is None else sample.uncertain)
        for first, end in zip(runs.start[runs.label == 0], runs.end[runs.label == 0], strict=True):
            rows = slice(first, end)
            pieces.append(Labels(sample.video, sample.fold, sample.label[rows]))
            logit.append(predicted.logit[i][rows])
            probability.append(predicted.probability[i][rows])
            states.append(predicted.states[i][rows])
    return pieces, Predicted(tuple(logit), tuple(probability), tuple(states))


def _counts(label: Ints, states: Ints) -> list[float]:
    """Of one tracklet: frames, right ones, edit score, 1, then counts of frames and segments."""
    hit = int(np.count_nonzero((label == 1) & (states == 1)))
    confusion = [hit, int(np.count_nonzero(states == 1)) - hit, int(label.sum()) - hit]
    predictions = [n for level in IOU_LEVELS for n in metrics.segment_matches(label, states, level)]
    edit = metrics.edit_score(label, states)
    return [len(label), int(np.count_nonzero(label == states)), edit, 1, *confusion, *predictions]


def _drawn_auc(label: Ints, logit: Floats, video: Ints, count: int) -> Score:
    """By how often positives of video i outscore negatives of video j, ties half, of how many."""
    known = ~np.isnan(logit)
    own = [known & (video == k) for k in range(count)]
    positives = [logit[rows & (label == 1)] for rows in own]
    negatives = [np.sort(logit[rows & (label == 0)]) for rows in own]
    wins = np.array([
        [np.searchsorted(n, p, side).sum() for n in negatives for side in ("left", "right")]
        for p in positives
    ]).reshape(count, count, 2).sum(2) / 2  # fmt: skip
    pairs = np.outer([len(p) for p in positives], [len(n) for n in negatives])

    def auc(videos: Ints) -> float:
        chosen = np.ix_(videos, videos)
        total = float(pairs[chosen].sum())
        return float(wins[chosen].sum()) / total if total else float("nan")

    return auc


def _reliability(all_: _Scored) -> Figures | None:
    known = ~np.isnan(all_.probability)
    if not known.any():
        return None
    label, probability = all_.label[known], all_.probability[known]
    return {
        "ece": metrics.expected_calibration_error(label, probability),
        "bins": [asdict(b) for b in metrics.calibration_bins(label, probability)],
    }


def f1_name(level: float) -> str:
    """The report's word for the F1 of segments at an overlap."""
    return f"f1_at_{round(100 * level)}"
