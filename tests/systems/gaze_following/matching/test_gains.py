"""Gains look by look, and what counts as hitting the target."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry import boxes
from eyeline.systems.gaze_following import predictions, report
from eyeline.systems.gaze_following.matching import data, evaluate, gains
from tests.systems.gaze_following.matching.invented import write_folder


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("made_up"), videos=6, frames=6)
    scenes = data.open_folder(folder)
    return scenes, data.examples(scenes)


def answers(scenes, learned, *, right):
    """Points in a box that is right, or in none that is; looks that leave are told, or not."""
    point, chance = [], []
    for i, (good, among) in enumerate(zip(learned.right, learned.among, strict=True)):
        head = scenes.looks.head_xyxy[learned.row[i]]
        below = np.add(boxes.centre(head), [0, 2.5 * (head[3] - head[1])])
        at = below if good[-1] else (-50.0, -50.0)
        if good[:-2].any():
            at = boxes.centre(among.box_xyxy[good[:-2]])[0]
        point.append(at if right else (-50.0, -50.0))
        chance.append(float(not good[-2]) if right else float(good[-2]))
    names = [scenes.looks.image[row] for row in learned.row.tolist()]
    return predictions.made(names, np.array(point), in_frame=np.array(chance))


def test_right_target(seen):
    scenes, learned = seen
    fit = np.array([right.any() for right in learned.right])
    good = gains.right_target(answers(scenes, learned, right=True), scenes, learned)
    bad = gains.right_target(answers(scenes, learned, right=False), scenes, learned)
    assert np.array_equal(np.isnan(good), ~fit) and np.array_equal(np.isnan(bad), ~fit)
    assert (good[fit] == 1).all() and (bad[fit] == 0).all()
    kinds = [right[-2:].tolist() for right in learned.right]
    assert [True, False] in kinds and [False, True] in kinds and [False, False] in kinds


def test_what_says_nothing_of_leaving_stays(seen):
    scenes, learned = seen
    centre = evaluate.baseline(scenes, learned, "middle")
    hit = gains.right_target(centre, scenes, learned)
    leaves = np.array([right[-2] for right in learned.right])
    assert (hit[leaves] == 0).all()


def test_gains_are_paired(seen):
    scenes, learned = seen
    good, bad = (answers(scenes, learned, right=right) for right in (True, False))
    created = gains.gains(good, {"bad": bad, "same": good}, scenes, learned, samples=50)
    one = created["bad"][gains.RIGHT_TARGET]
    assert (one["matcher"], one["baseline"], one["difference"]) == (1, 0, 1)
    assert one["interval"] == [1, 1] and one["better"] is True
    same = created["same"]["l2_average"]
    assert same["difference"] == 0 and same["interval"] == [0, 0] and same["better"] is None
    away = created["bad"]["l2_average"]
    assert away["difference"] < 0 and away["better"] is True
    worse = gains.gains(bad, {"good": good}, scenes, learned, samples=50)["good"]
    assert worse["l2_average"]["better"] is False and worse["right_target"]["better"] is False
    known = report.difference_lines(created, gains.NAMES, "gain on {}")
    assert known[0] == "gain on bad:" and "right_target" in known[1] and "+1.000" in known[1]


def test_without_draws_or_with_one_video(seen):
    scenes, learned = seen
    good = answers(scenes, learned, right=True)
    created = gains.gains(good, {"same": good}, scenes, learned, samples=0)
    assert created["same"]["auc"]["interval"] is None and created["same"]["auc"]["better"] is None


def test_baselines_pass_over_the_own_head(seen):
    scenes, learned = seen
    for name in ("nearest_object", "surest_object"):
        result = evaluate.baseline(scenes, learned, name)
        head = scenes.looks.head_xyxy[learned.row]
        own = ((result.point_px >= head[:, :2]) & (result.point_px <= head[:, 2:])).all(axis=1)
        assert not own.any()
