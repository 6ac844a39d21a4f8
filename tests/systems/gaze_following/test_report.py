"""Figures over rows, and their intervals by video."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from eyeline.systems.gaze_following import report
from eyeline.systems.gaze_following.measures import Measures


def some(n=300, videos=12, seed=0):
    rng = np.random.default_rng(seed)
    inside = (rng.random(n) < 0.7).astype(float)
    hole = np.where(inside == 1, 1.0, np.nan)
    score = np.clip(np.round(inside * 0.3 + rng.random(n) * 0.6, 1), 0, 1)
    return Measures(
        tuple(f"v{i % videos}" for i in range(n)), inside, score,
        *(rng.random(n) * hole for _ in range(6)),
        right_person=(rng.random(n) < 0.5).astype(float),
        at_person=(rng.random(n) < 0.4).astype(float), at_speaker=np.full(n, np.nan),
    )  # fmt: skip


def test_figures():
    predictions = some()
    pooled = report.score(predictions)["pooled"]
    assert pooled["auc"] == pytest.approx(np.nanmean(predictions.auc))
    assert pooled["angle_deg"] == pytest.approx(np.nanmean(predictions.angle_deg))
    assert pooled["in_out_ap"] == pytest.approx(
        average_precision_score(predictions.in_frame, predictions.in_frame_score), abs=1e-12
    )
    assert pooled["right_person_at_person"] == pytest.approx(
        predictions.right_person[predictions.at_person == 1].mean()
    )
    assert pooled["right_person_prior"] == pytest.approx(1 - predictions.at_person.mean())
    assert (pooled["rows"], pooled["videos"]) == (300, 12)
    assert pooled["in_frame"] + pooled["out_of_frame"] == 300


def test_a_draw_is_the_score_of_its_rows():
    predictions = some()
    names, video = np.unique(np.array(predictions.video), return_inverse=True)
    drawn = np.array([0, 0, 3, 5, 5, 5, 11])
    rows = np.concatenate([np.flatnonzero(video == v) for v in drawn])
    direct = predictions.take(rows)
    of = report.by_video(predictions)
    assert len(names) == 12
    assert of["in_out_ap"](drawn) == pytest.approx(
        average_precision_score(direct.in_frame, direct.in_frame_score), abs=1e-12
    )
    for name in report.MEANS:
        assert of[name](drawn) == pytest.approx(np.nanmean(getattr(direct, name)))


def test_intervals_and_rows_without_figures():
    predictions = some()
    created = report.score(predictions, samples=100)
    for name, (low, high) in created["interval"].items():
        assert low < created["pooled"][name] < high
    assert created == report.score(predictions, samples=100)
    assert report.score(predictions, samples=0)["interval"] is None
    assert report.score(predictions.take(np.arange(0, 300, 12)))["interval"] is None, "of one video"
    predictions = some(20)
    blank = np.full(20, np.nan)
    empty = Measures(predictions.video, *(blank for _ in range(11)))
    created = report.score(empty)
    assert all(created["pooled"][name] is None for name in report.FIGURES)
    json.dumps(created, allow_nan=False)
    assert report.lines(created) == []
    assert report.score(empty.take(np.zeros(0, np.int64)))["pooled"]["rows"] == 0


def test_lines():
    lines = report.lines(report.score(some(), samples=50))
    assert len(lines) == len(report.FIGURES)
    assert lines[0].startswith("auc ")
    assert " to " in lines[0]
