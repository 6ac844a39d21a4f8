"""Figures, their table, horizons and intervals."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.predictions import Truth
from eyeline.systems.gaze_anticipation.report import Report
from eyeline.systems.gaze_anticipation.scoring import evaluator, levels
from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator, baselines
from tests.systems.gaze_anticipation import judged

NAMES = [each.name for each in fields(Truth)]


def answered(known: Truth, blur: float) -> Accumulator:
    """A spot near the gaze, the farther the later."""
    rng = np.random.default_rng(1)
    moved = known.square + blur * (1 + known.slot[:, None]) * rng.normal(size=known.square.shape)
    return Evaluator(known).of_places(np.clip(moved, 0, 1))


@pytest.fixture(scope="module")
def made() -> Report:
    known = judged.truth(videos=6)
    tallies = {"net": answered(known, 0.01), **baselines(Evaluator(known))}
    borders = {"net": levels.nearest(0.05), "centre_prior": levels.nearest(0.05)}
    return report.report_of(tallies, known, borders, first="net", samples=100)


def test_the_table(made: Report) -> None:
    assert set(made["pooled"]) == {"net", "centre_prior", "last_gaze"} == set(made["tracked"])
    row = made["pooled"]["net"]
    assert row["threshold"] == pytest.approx(0.05) and 0 < row["f1"] <= row["published_f1"] + 0.2
    assert row["published_f1"] == made["published"]["f1"] and row["angle_deg"] is None
    counts = made["counts"]
    assert row["frames"] == counts["fixation"] < made["tracked"]["net"]["frames"]
    assert counts["fixation"] + counts["saccade"] == counts["frames"] and counts["videos"] == 6
    assert made["pooled"]["last_gaze"]["f1"] is None
    assert made["notes"] == ["no threshold of other frames for last_gaze: no f1 but published"]
    assert row["f1"] > made["pooled"]["centre_prior"]["f1"]
    json.dumps(made, allow_nan=False)


def test_the_published_line(made: Report) -> None:
    name, _, known = made["json_stats"].partition(": ")
    stats = json.loads(known)
    assert name == "json_stats" and stats["split"] == "test_final"
    for key in ("recall", "precision", "f1", "threshold"):
        assert stats[key] == pytest.approx(made["published"][key], abs=5.1e-6)
    assert list(stats) == ["split", "recall", "precision", "f1", "threshold"]


def test_figures_fall_with_the_seconds_ahead(made: Report) -> None:
    rows = made["by_horizon"]
    assert [row["slot"] for row in rows] == list(range(8))
    np.testing.assert_allclose([row["ahead_s"] for row in rows], (1 + 9 * np.arange(8)) / 30)
    for name, sign in (("l2", 1), ("auc", -1), ("f1", -1)):
        assert sign * (rows[7]["net"][name] - rows[0]["net"][name]) > 0, name
    frames = [row["net"]["frames"] for row in rows]
    assert sum(frames) == made["pooled"]["net"]["frames"]
    mean = np.average([row["net"]["l2"] for row in rows], weights=frames)
    assert mean == pytest.approx(made["pooled"]["net"]["l2"])


def test_intervals_hold_their_figures(made: Report) -> None:
    for name in ("net", "centre_prior"):
        for figure in ("f1", "published_f1", "auc", "l2"):
            low, high = made["interval"][name][figure]
            assert low <= made["pooled"][name][figure] <= high, (name, figure)
            assert low < high
    assert made["interval"]["net"]["angle_deg"] is None
    ahead = made["interval"]["net_over"]["centre_prior"]
    assert ahead["f1"][0] > 0 and ahead["l2"][1] < 0
    assert made["interval"]["net_over"]["last_gaze"]["f1"] is None


def test_intervals_of_videos_that_are_alike() -> None:
    """Each draw is the same then, and nobody is ahead of himself."""
    one = judged.truth(videos=1)
    columns = [np.concatenate([getattr(one, name)] * 2) for name in NAMES]
    both = Truth(np.array(["a", "b"], object).repeat(len(one)), *columns[1:])
    spots = np.full((len(both), 2), 0.4)
    accumulator = Evaluator(both).of_places(spots)
    created = report.report_of({"a": accumulator, "b": accumulator}, both, first="a", samples=20)
    low, high = created["interval"]["a"]["auc"]
    assert low == pytest.approx(high) == pytest.approx(created["pooled"]["a"]["auc"])
    assert created["interval"]["a_over"]["b"]["l2"] == [0, 0]


def test_a_draw_counts_a_video_as_often_as_it_is_drawn() -> None:
    known = judged.truth(videos=3)
    accumulator = answered(known, 0.02)
    thresholds = levels.sweep("ego4d", "anticipation")
    drawn = np.random.default_rng(0).integers(0, 3, (1, 3))[0]
    predictions = report.report_of({"a": accumulator}, known, first="a", samples=1)["interval"]["a"]
    means = accumulator.means((0,), videos=drawn)
    assert predictions["published_f1"][0] == pytest.approx(report.adaptive(means, thresholds)["f1"])
    assert predictions["l2"][0] == pytest.approx(float(means.distance))


def test_one_video_and_no_fixation() -> None:
    known = judged.truth(videos=1)
    rare = replace(known, kind=np.where(np.arange(len(known)) % 2, 1, 3))
    accumulator = answered(rare, 0.01)
    created = report.report_of({"a": accumulator}, rare, first="a")
    assert created["interval"] is None and created["published"]["f1"] is None
    assert created["published"]["threshold"] == pytest.approx(0.01)
    assert created["pooled"]["a"]["auc"] is None and created["tracked"]["a"]["auc"] > 0.5
    assert created["notes"][:3] == [
        "20 of 40 frames without gaze in the image: left out",
        "no fixation: the published figures are not defined",
        "one video: no intervals by video",
    ]
    assert '"f1": NaN' in created["json_stats"] and report.chosen(accumulator) is None


def test_estimation_has_no_horizons() -> None:
    known = judged.truth(ahead=False)
    created = report.report_of({"a": answered(known, 0.01)}, known, first="a", samples=0)
    assert created["task"] == "estimation" and created["by_horizon"] is None
    assert created["interval"] is None
    at = levels.places(levels.sweep("ego4d", "estimation"))
    f1 = answered(known, 0.01).means((0,)).f1[at]
    assert created["published"]["f1"] == pytest.approx(f1.max())


def test_the_threshold_of_other_frames() -> None:
    """The best of all borders on them, the first of equals."""
    known = judged.truth(videos=2)
    accumulator = answered(known, 0.02)
    border = report.chosen(accumulator)
    f1 = accumulator.means((0,)).f1
    assert border == int(np.argmax(f1)) and f1[border] >= f1[levels.nearest(0.05)]
    other = judged.truth(videos=2, seed=5)
    given = report.figures(answered(other, 0.02).means((0,)), border, 0)
    assert given["threshold"] == levels.threshold_of(border)
    assert 0 < given["f1"] <= answered(other, 0.02).means((0,)).f1.max()


def test_levels_of_spots_are_those_of_their_values() -> None:
    """So a spot's threshold is its radius."""
    predictions = evaluator.spots(np.array([[0.5, 0.5]]), 64)[0]
    away = np.hypot(*np.meshgrid(*[np.arange(64) - 32] * 2))
    inside = predictions > levels.nearest(0.05)
    radius = 3.2 * np.sqrt(-2 * np.log(0.05))
    assert away[inside].max() < radius < away[~inside].min()
