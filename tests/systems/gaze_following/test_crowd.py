"""People frame by frame, out of tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.speech.syncnet.crops import squares
from eyeline.systems.gaze_following.crowd import Crowd
from eyeline.systems.gaze_following.detector.infer import Candidates
from eyeline.systems.gaze_following.heads import heads
from tests.people.build import track
from tests.systems.scenes import looking, scene

NOTHING = Candidates(np.zeros((0, 4)), np.zeros(0))
LEFT = track(range(2, 6), at=(300.0, 300.0))
RIGHT = track(range(4, 9), person=2, track_id=2, shot=0, at=(900.0, 300.0))
LATER = track(range(20, 22), person=1, track_id=3, shot=1, at=(500.0, 300.0))


def test_frames_with_somebody_in_them() -> None:
    crowd = Crowd(scene(LEFT, LATER, RIGHT))
    assert crowd.frames.tolist() == [2, 3, 4, 5, 6, 7, 8, 20, 21]
    assert crowd.shot.tolist() == [0] * 7 + [1, 1]
    np.testing.assert_allclose(crowd.time_s, crowd.frames / 25)
    assert [crowd.person[crowd.rows(i)].tolist() for i in (0, 2, 5, 8)] == [[1], [1, 2], [2], [1]]
    # rows lead back to where the tracks' rows lie one below the other
    assert crowd.row[crowd.rows(2)].tolist() == [2, 4 + 2]
    assert sorted(crowd.row.tolist()) == list(range(11)) and len(crowd) == 11


def test_a_moment_has_what_the_rows_say() -> None:
    towards = {1: np.array([0.0, 0, -1]), 2: np.array([-1.0, 0, 0])}
    tracks = (LEFT, RIGHT)
    gaze = looking(tracks, towards)
    gaze.concentration[len(LEFT)] = 1e-3  # the first row of the second, which could not be seen
    shown = scene(*tracks, gaze=gaze, speaking={1: 0.2, 2: 0.9})
    both = Crowd(shown).moment(2, Candidates(np.array([[1.0, 2, 3, 4]]), np.array([0.5])))
    assert both.size_px == (1280.0, 720.0)
    assert both.speaks.tolist() == [0.2, 0.9]
    np.testing.assert_allclose(both.gaze, [towards[1], [np.nan] * 3])
    np.testing.assert_allclose(Crowd(shown).moment(3, NOTHING).gaze[1], towards[2])
    wanted = [heads(squares(t.box_xyxy)).box_xyxy[0] for t in tracks]
    np.testing.assert_array_equal(both.head_xyxy, wanted)
    assert both.candidate_xyxy.tolist() == [[1, 2, 3, 4]] and both.candidate_score.tolist() == [0.5]


def test_nothing_heard_and_no_directions() -> None:
    moment = Crowd(scene(LEFT)).moment(0, NOTHING)
    assert np.isnan(moment.speaks).all() and np.isnan(moment.gaze).all()


def test_nobody() -> None:
    crowd = Crowd(scene())
    assert len(crowd) == 0 and len(crowd.frames) == 0


def test_answers_of_another_analysis_are_refused() -> None:
    shown = scene(LEFT, RIGHT, speaking={1: 1.0})
    with pytest.raises(DataError, match="9 answers on who speaks for 4 faces"):
        Crowd(replace(shown, tracks=(LEFT,)))
    gaze = looking((LEFT,), {1: np.array([0.0, 0, -1])})
    with pytest.raises(DataError, match="4 answers on directions for 9 faces"):
        Crowd(scene(LEFT, RIGHT, gaze=gaze))
