"""Scores against the original evaluation and known baselines, and their bookkeeping."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.evaluation import metrics
from eyeline.evaluation.bootstrap import bootstrap_interval
from eyeline.systems.eye_contact.data import read_folder
from eyeline.systems.eye_contact.report import (
    IOU_LEVELS,
    Labels,
    Predicted,
    Sums,
    certain,
    f1_name,
    score,
)
from eyeline.systems.eye_contact.samples import Sample
from tests.systems.eye_contact.faces import only

Golden = Callable[[str], dict[str, Any]]


def sample(label: Any, video: str = "v", fold: int = 0) -> Sample:
    label = np.asarray(label, np.int64)
    return Sample(video, fold, np.zeros((len(label), 1), np.float32), label)


def said(states: list[np.ndarray]) -> Predicted:
    logit = tuple(np.where(s == 1, 1.0, -1.0) for s in states)
    return Predicted(logit, tuple(1 / (1 + np.exp(-x)) for x in logit), tuple(states))


def test_the_original_evaluation(golden: Golden) -> None:
    case = golden("metrics")
    cuts = np.cumsum(case["lengths"])[:-1]
    truth, predicted = np.split(case["gt"], cuts), np.split(case["pred"], cuts)
    sums = Sums.of([sample(t, str(i % 5)) for i, t in enumerate(truth)], predicted)
    predictions = sums.scores(np.arange(5))
    assert 100 * predictions["accuracy"] == pytest.approx(float(case["acc"]), abs=1e-9)
    assert 100 * predictions["edit"] == pytest.approx(float(case["edit"]), abs=1e-9)
    for level, expected in zip(IOU_LEVELS, case["f1_10_25_50"], strict=True):
        assert 100 * predictions[f1_name(level)] == pytest.approx(expected, abs=1e-9)


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
        predictions = metrics.segments(truth, last_end_short=True)
        assert np.array_equal(
            np.stack([predictions.label, predictions.start, predictions.end], 1), expected
        )


CONSTANTS = {
    "all 0": {
        "accuracy": 53.00, "frame_f1": 0.0, "edit": 23.95, "f1_at_10": 16.21, "f1_at_25": 10.70,
        "f1_at_50": 5.96, "balanced_accuracy": 50.0, "auc": 50.0, "average_precision": 47.0,
    },
    "all 1": {
        "accuracy": 47.00, "frame_f1": 63.95, "edit": 18.16, "f1_at_10": 14.45, "f1_at_25": 7.22,
        "f1_at_50": 2.32, "balanced_accuracy": 50.0, "auc": 50.0, "average_precision": 47.0,
    },
}  # fmt: skip
"""Of the visible tracklets by the original evaluation; ranking and balance as a constant has."""


@pytest.mark.parametrize("layout", [".", "Annotations"])
def test_constant_answers_on_the_visible_videos(annotated: Path, layout: str) -> None:
    videos = read_folder(annotated / layout).videos
    samples = [sample(t.label, v.name, v.fold) for v in videos for t in v.tracklets]
    report = score(samples, said([np.ones(len(s), np.int64) for s in samples]))
    for name, expected in CONSTANTS.items():
        for predictions in (report["baselines"][name], report["pooled"] if name == "all 1" else {}):
            percent = {k: round(100 * predictions[k], 2) for k in expected if k in predictions}
            assert percent == {k: v for k, v in expected.items() if k in predictions}
    assert report["pooled"]["auc"] == 0.5
    low, high = report["interval"]["accuracy"]
    assert low < 0.47 < high


def test_a_perfect_answer_and_scores_pool_over_videos_and_show_each() -> None:
    samples = [sample([0, 0, 1, 1, 0, 0], "a", 0), sample([1, 1, 0, 0, 1, 1], "b", 1)]
    report = score(samples, said([s.label for s in samples]))
    for name in ("accuracy", "edit", "auc", "average_precision", "f1_at_50", "balanced_accuracy"):
        assert report["pooled"][name] == 1.0, name
    assert report["interval"]["accuracy"] == (1.0, 1.0)
    assert (report["videos"], report["tracklets"], report["frames"]) == (2, 2, 12)
    assert set(report["folds"]) == {"0", "1"} and set(report["per_video"]) == {"a", "b"}
    samples = [sample([1] * 30, "a"), sample([0] * 10, "b")]
    report = score(samples, said([np.ones(30, np.int64), np.ones(10, np.int64)]))
    assert report["pooled"]["accuracy"] == 0.75
    assert report["per_video"]["b"]["accuracy"] == 0.0
    assert report["per_video"]["b"]["auc"] is None, "one class alone cannot be ranked"


def test_the_interval_of_auc_counts_pairs_across_videos() -> None:
    rng = np.random.default_rng(0)
    samples = [sample(rng.integers(0, 2, 80), str(i)) for i in range(6)]
    logit = [s.label + rng.normal(0, 1, 80) for s in samples]
    predicted = Predicted(
        tuple(logit), tuple(1 / (1 + np.exp(-x)) for x in logit), tuple(s.label for s in samples)
    )
    report = score(samples, predicted)
    low, high = report["interval"]["auc"]
    assert low < report["pooled"]["auc"] < high
    assert high - low < 0.3


def test_the_interval_of_precision_weighs_videos() -> None:
    """Of ties, and of draws in which nothing is to be found."""
    rng = np.random.default_rng(1)
    samples = [sample(rng.integers(0, 2, 90), str(i)) for i in range(5)]
    logit = [np.round(s.label + rng.normal(0, 1, 90), 1) for s in samples]  # with ties
    predicted = Predicted(tuple(logit), tuple(logit), tuple(s.label for s in samples))
    report = score(samples, predicted)

    def drawn(videos: np.ndarray) -> float:
        label, value = ([c[k] for k in videos] for c in ([s.label for s in samples], logit))
        return metrics.average_precision(np.concatenate(label), np.concatenate(value))

    expected = bootstrap_interval(drawn, 5)
    assert report["interval"]["average_precision"] == pytest.approx(expected, abs=1e-12)
    assert expected[0] < report["pooled"]["average_precision"] < expected[1]
    flat = score([sample(np.zeros(4), "none")], said([np.ones(4, np.int64)]))
    assert flat["interval"]["average_precision"] == (None, None), "nothing to find"


def test_answers_without_probability_are_not_ranked() -> None:
    samples = [sample([0, 1, 1], "a"), sample([0, 0, 1], "b")]
    report = score(samples, only([s.label for s in samples]))
    pooled = report["pooled"]
    assert pooled["accuracy"] == 1.0 and pooled["frames_ranked"] == 0
    assert pooled["auc"] is pooled["average_precision"] is pooled["threshold_accuracy"] is None
    assert report["interval"]["auc"] == (None, None)
    assert report["calibration"] is None
    json.dumps(report, allow_nan=False)


def test_some_frames_without_probability_are_left_out_of_ranks_only() -> None:
    logit = np.array([np.nan, 2.0, -1.0, 1.0])
    report = score([sample([1, 1, 0, 0])], Predicted((logit,), (logit,), (np.array([1, 1, 0, 0]),)))
    assert report["pooled"]["auc"] == 1.0 and report["pooled"]["frames_ranked"] == 3
    assert report["pooled"]["accuracy"] == 1.0
    low, high = report["interval"]["auc"]
    assert low == high == 1.0


def test_uncertain_frames_are_cut_out() -> None:
    unclear = np.array([0, 0, 1, 1, 0, 0])
    truth = Labels("a", 0, np.array([1, 1, 0, 0, 0, 1]), unclear)
    plain = Labels("b", 1, np.array([0, 1]))
    states = [np.array([1, 1, 1, 1, 0, 1]), np.array([0, 1])]
    report = score([truth, plain], only(states))
    assert report["pooled"]["accuracy"] == 0.75
    block = report["without_uncertain"]
    assert block["frames_left_out"] == 2
    assert block["pooled"]["frames"] == 6 and block["pooled"]["accuracy"] == 1.0
    assert block["pooled"]["f1_at_50"] > report["pooled"]["f1_at_50"]
    pieces, kept = certain([truth, plain], only(states))
    assert [p.label.tolist() for p in pieces] == [[1, 1], [0, 1], [0, 1]], "not joined"
    assert [s.tolist() for s in kept.states] == [[1, 1], [0, 1], [0, 1]]


def test_nothing_but_uncertain_frames() -> None:
    whole = Labels("a", 0, np.zeros(3, np.int64), np.ones(3, np.int64))
    report = score([whole], only([np.zeros(3, np.int64)]))
    assert report["without_uncertain"] == {"frames_left_out": 3}


def test_the_uncertain_frames_of_the_visible_videos(annotated: Path) -> None:
    tracklets = [(v, t) for v in read_folder(annotated).videos for t in v.tracklets]
    labels = [Labels(v.name, v.fold, t.label, t.uncertain) for v, t in tracklets]
    report = score(labels, only([t.label for _, t in tracklets]))
    block = report["without_uncertain"]
    assert block["frames_left_out"] == 1284
    assert block["pooled"]["frames"] == 117_403 and block["pooled"]["edit"] == 1.0
