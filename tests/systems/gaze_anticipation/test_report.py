"""Figures, their table, horizons and intervals."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.predictions import Truth
from eyeline.systems.gaze_anticipation.report import Report
from eyeline.systems.gaze_anticipation.scoring import bench, levels
from eyeline.systems.gaze_anticipation.scoring.bench import Bench, baselines
from eyeline.systems.gaze_anticipation.scoring.tally import Tally
from tests.systems.gaze_anticipation import judged

NAMES = [each.name for each in fields(Truth)]


def answered(known: Truth, blur: float) -> Tally:
    """A spot near the gaze, the farther the later."""
    rng = np.random.default_rng(1)
    moved = known.square + blur * (1 + known.slot[:, None]) * rng.normal(size=known.square.shape)
    return Bench(known).of_places(np.clip(moved, 0, 1))


@pytest.fixture(scope="module")
def made() -> Report:
    known = judged.truth(videos=6)
    tallies = {"net": answered(known, 0.01), **baselines(Bench(known))}
    borders = {"net": levels.nearest(0.05), "centre_prior": levels.nearest(0.05)}
    return report.made(tallies, known, borders, first="net", samples=100)


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
    name, _, told = made["json_stats"].partition(": ")
    stats = json.loads(told)
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
    tally = Bench(both).of_places(spots)
    made = report.made({"a": tally, "b": tally}, both, first="a", samples=20)
    low, high = made["interval"]["a"]["auc"]
    assert low == pytest.approx(high) == pytest.approx(made["pooled"]["a"]["auc"])
    assert made["interval"]["a_over"]["b"]["l2"] == [0, 0]


def test_a_draw_counts_a_video_as_often_as_it_is_drawn() -> None:
    known = judged.truth(videos=3)
    tally = answered(known, 0.02)
    thresholds = levels.sweep("ego4d", "anticipation")
    drawn = np.random.default_rng(0).integers(0, 3, (1, 3))[0]
    found = report.made({"a": tally}, known, first="a", samples=1)["interval"]["a"]
    means = tally.means((0,), videos=drawn)
    assert found["published_f1"][0] == pytest.approx(report.adaptive(means, thresholds)["f1"])
    assert found["l2"][0] == pytest.approx(float(means.distance))


def test_one_video_and_no_fixation() -> None:
    known = judged.truth(videos=1)
    rare = replace(known, kind=np.where(np.arange(len(known)) % 2, 1, 3))
    tally = answered(rare, 0.01)
    made = report.made({"a": tally}, rare, first="a")
    assert made["interval"] is None and made["published"]["f1"] is None
    assert made["published"]["threshold"] == pytest.approx(0.01)
    assert made["pooled"]["a"]["auc"] is None and made["tracked"]["a"]["auc"] > 0.5
    assert made["notes"][:3] == [
        "20 of 40 frames without gaze in the picture: left out",
        "no fixation: the published figures are not defined",
        "one video: no intervals by video",
    ]
    assert '"f1": NaN' in made["json_stats"] and report.chosen(tally) is None


def test_estimation_has_no_horizons() -> None:
    known = judged.truth(ahead=False)
    made = report.made({"a": answered(known, 0.01)}, known, first="a", samples=0)
    assert made["task"] == "estimation" and made["by_horizon"] is None
    assert made["interval"] is None
    at = levels.places(levels.sweep("ego4d", "estimation"))
    f1 = answered(known, 0.01).means((0,)).f1[at]
    assert made["published"]["f1"] == pytest.approx(f1.max())


def test_the_threshold_of_other_frames() -> None:
    """The best of all borders on them, the first of equals."""
    known = judged.truth(videos=2)
    tally = answered(known, 0.02)
    border = report.chosen(tally)
    f1 = tally.means((0,)).f1
    assert border == int(np.argmax(f1)) and f1[border] >= f1[levels.nearest(0.05)]
    other = judged.truth(videos=2, seed=5)
    told = report.figures(answered(other, 0.02).means((0,)), border, 0)
    assert told["threshold"] == levels.threshold_of(border)
    assert 0 < told["f1"] <= answered(other, 0.02).means((0,)).f1.max()


def test_levels_of_spots_are_those_of_their_values() -> None:
    """So a spot's threshold is its radius."""
    found = bench.spots(np.array([[0.5, 0.5]]), 64)[0]
    away = np.hypot(*np.meshgrid(*[np.arange(64) - 32] * 2))
    inside = found > levels.nearest(0.05)
    radius = 3.2 * np.sqrt(-2 * np.log(0.05))
    assert away[inside].max() < radius < away[~inside].min()
