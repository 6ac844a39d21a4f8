"""Gains look by look, and what counts as hitting the target."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry import boxes
from eyeline.systems.gaze_following import predictions, report
from eyeline.systems.gaze_following.matching import data, evaluate, gains
from tests.systems.gaze_following.matching.invented import write_folder


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("made_up"), videos=6, frames=6)
    return data.examples(data.open_folder(folder))


def answers(examples, *, right):
    """Points in a box that is right, or in none that is; looks that leave are told, or not."""
    point, chance = [], []
    for i, (good, among) in enumerate(zip(examples.right, examples.among, strict=True)):
        head = examples.scenes.looks.head_xyxy[examples.row[i]]
        below = np.add(boxes.centre(head), [0, 2.5 * (head[3] - head[1])])
        at = below if good[-1] else (-50.0, -50.0)
        if good[:-2].any():
            at = boxes.centre(among.box_xyxy[good[:-2]])[0]
        point.append(at if right else (-50.0, -50.0))
        chance.append(float(not good[-2]) if right else float(good[-2]))
    names = [examples.scenes.looks.image[row] for row in examples.row.tolist()]
    return predictions.predictions_of(names, np.array(point), in_frame=np.array(chance))


def test_right_target(examples):
    fit = np.array([right.any() for right in examples.right])
    good = gains.right_target(answers(examples, right=True), examples)
    bad = gains.right_target(answers(examples, right=False), examples)
    assert np.array_equal(np.isnan(good), ~fit) and np.array_equal(np.isnan(bad), ~fit)
    assert (good[fit] == 1).all() and (bad[fit] == 0).all()
    kinds = [right[-2:].tolist() for right in examples.right]
    assert [True, False] in kinds and [False, True] in kinds and [False, False] in kinds
    centre = evaluate.baseline(examples, "middle")
    hit = gains.right_target(centre, examples)
    leaves = np.array([right[-2] for right in examples.right])
    assert (hit[leaves] == 0).all()


def test_gains_are_paired(examples):
    good, bad = (answers(examples, right=right) for right in (True, False))
    created = gains.gains(good, {"bad": bad, "same": good}, examples, samples=50)
    one = created["bad"][gains.RIGHT_TARGET]
    assert (one["matcher"], one["baseline"], one["difference"]) == (1, 0, 1)
    assert one["interval"] == [1, 1] and one["better"] is True
    same = created["same"]["l2_average"]
    assert same["difference"] == 0 and same["interval"] == [0, 0] and same["better"] is None
    away = created["bad"]["l2_average"]
    assert away["difference"] < 0 and away["better"] is True
    worse = gains.gains(bad, {"good": good}, examples, samples=50)["good"]
    assert worse["l2_average"]["better"] is False and worse["right_target"]["better"] is False
    known = report.difference_lines(created, gains.NAMES, "gain on {}")
    assert known[0] == "gain on bad:" and "right_target" in known[1] and "+1.000" in known[1]
    good = answers(examples, right=True)
    created = gains.gains(good, {"same": good}, examples, samples=0)
    assert created["same"]["auc"]["interval"] is None and created["same"]["auc"]["better"] is None


def test_baselines_pass_over_the_own_head(examples):
    for name in ("nearest_object", "surest_object"):
        result = evaluate.baseline(examples, name)
        head = examples.scenes.looks.head_xyxy[examples.row]
        own = ((result.point_px >= head[:, :2]) & (result.point_px <= head[:, 2:])).all(axis=1)
        assert not own.any()
