"""Scores against the original evaluation and known baselines, and their bookkeeping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline import metrics
from eyeline.systems.eye_contact.data import read_videos
from eyeline.systems.eye_contact.report import IOU_LEVELS, Answered, Sums, f1_name, score
from eyeline.systems.eye_contact.samples import Sample

Golden = Callable[[str], dict[str, Any]]


def sample(label: Any, video: str = "v", fold: int = 0) -> Sample:
    label = np.asarray(label, np.int64)
    return Sample(video, fold, np.zeros((len(label), 1), np.float32), label)


def said(states: list[np.ndarray]) -> Answered:
    logit = tuple(np.where(s == 1, 1.0, -1.0) for s in states)
    return Answered(logit, tuple(1 / (1 + np.exp(-x)) for x in logit), tuple(states))


def test_the_original_evaluation(golden: Golden) -> None:
    case = golden("metrics")
    cuts = np.cumsum(case["lengths"])[:-1]
    truth, predicted = np.split(case["gt"], cuts), np.split(case["pred"], cuts)
    sums = Sums.of([sample(t, str(i % 5)) for i, t in enumerate(truth)], predicted)
    found = sums.scores(np.arange(5))
    assert 100 * found["accuracy"] == pytest.approx(float(case["acc"]), abs=1e-9)
    assert 100 * found["edit"] == pytest.approx(float(case["edit"]), abs=1e-9)
    for level, expected in zip(IOU_LEVELS, case["f1_10_25_50"], strict=True):
        assert 100 * found[f1_name(level)] == pytest.approx(expected, abs=1e-9)


def test_each_sequence_of_the_original_evaluation(golden: Golden) -> None:
    case = golden("metrics")
    cuts = np.cumsum(case["lengths"])[:-1]
    for truth, predicted, expected in zip(
        np.split(case["gt"], cuts), np.split(case["pred"], cuts), case["per_sequence"], strict=True
    ):
        counts = [n for k in IOU_LEVELS for n in metrics.segment_matches(truth, predicted, k)]
        assert counts == expected[1:].tolist()
        assert 100 * metrics.edit_score(truth, predicted) == pytest.approx(expected[0], abs=1e-9)


def test_segments_of_the_original_evaluation(golden: Golden) -> None:
    case = golden("metrics")
    cuts = np.cumsum(case["lengths"])[:-1]
    rows = np.split(case["segments_first3"], np.cumsum(case["segments_first3_count"])[:-1])
    for truth, expected in zip(np.split(case["gt"], cuts)[:3], rows, strict=True):
        found = metrics.segments(truth, last_end_short=True)
        assert np.array_equal(np.stack([found.label, found.start, found.end], 1), expected)


def test_constant_answers_on_the_visible_videos(annotated: Path) -> None:
    samples = [sample(t.label, v.name, v.fold) for v in read_videos(annotated) for t in v.tracklets]
    report = score(samples, said([np.ones(len(s), np.int64) for s in samples]))
    percent = {
        name: {k: round(100 * v, 2) for k, v in row.items()}
        for name, row in report["baselines"].items()
    }
    assert percent["all 0"] == {
        "accuracy": 53.00, "frame_f1": 0.0, "edit": 23.95, "f1_at_10": 16.21, "f1_at_25": 10.70,
        "f1_at_50": 5.96,
    }  # fmt: skip
    assert percent["all 1"] == {
        "accuracy": 47.00, "frame_f1": 63.95, "edit": 18.16, "f1_at_10": 14.45, "f1_at_25": 7.22,
        "f1_at_50": 2.32,
    }  # fmt: skip
    assert report["pooled"]["auc"] == 0.5
    low, high = report["interval"]["accuracy"]
    assert low < 0.47 < high


def test_a_perfect_answer() -> None:
    samples = [sample([0, 0, 1, 1, 0, 0], "a", 0), sample([1, 1, 0, 0, 1, 1], "b", 1)]
    report = score(samples, said([s.label for s in samples]))
    for name in ("accuracy", "edit", "auc", "average_precision", "f1_at_50", "balanced_accuracy"):
        assert report["pooled"][name] == 1.0, name
    assert report["interval"]["accuracy"] == (1.0, 1.0)
    assert (report["videos"], report["tracklets"], report["frames"]) == (2, 2, 12)
    assert set(report["folds"]) == {"0", "1"} and set(report["per_video"]) == {"a", "b"}


def test_scores_pool_over_videos_and_show_each() -> None:
    samples = [sample([1] * 30, "a"), sample([0] * 10, "b")]
    report = score(samples, said([np.ones(30, np.int64), np.ones(10, np.int64)]))
    assert report["pooled"]["accuracy"] == 0.75
    assert report["per_video"]["b"]["accuracy"] == 0.0
    assert report["per_video"]["b"]["auc"] is None, "one class alone cannot be ranked"


def test_the_interval_of_auc_counts_pairs_across_videos() -> None:
    rng = np.random.default_rng(0)
    samples = [sample(rng.integers(0, 2, 80), str(i)) for i in range(6)]
    logit = [s.label + rng.normal(0, 1, 80) for s in samples]
    answered = Answered(
        tuple(logit), tuple(1 / (1 + np.exp(-x)) for x in logit), tuple(s.label for s in samples)
    )
    report = score(samples, answered)
    low, high = report["interval"]["auc"]
    assert low < report["pooled"]["auc"] < high
    assert high - low < 0.3
