"""Frames that the detector gets, candidates between them, and people frame by frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.speech.syncnet.crops import squares
from eyeline.systems.gaze_following.detector.infer import Candidates
from eyeline.systems.gaze_following.heads import heads
from eyeline.systems.gaze_following.moments import (
    Crowd,
    Detection,
    between,
    candidates_at,
    frames_due,
    same_boxes,
)
from tests.people.build import track
from tests.systems.scenes import looking, scene


def sight(time_s: float, *rows: tuple[float, float, float], shot: int = 0) -> Detection:
    """Candidates 40 pixels wide as x, y of the corner and score."""
    box = np.array([[x, y, x + 40, y + 40] for x, y, _ in rows], float).reshape(-1, 4)
    return Detection(time_s, shot, Candidates(box, np.array([s for _, _, s in rows], float)))


@pytest.mark.parametrize(
    ("time_s", "shot", "every_s", "looks"),
    [
        (
            np.arange(26) / 25,
            np.zeros(26),
            0.5,
            [0, 13],
        ),  # 13 / 25 s is the first candidates_at 0.5 s
        (np.arange(51) / 50, np.zeros(51), 0.5, [0, 25, 50]),
        (
            np.arange(10) / 25,
            np.repeat([0, 1], 5),
            0.5,
            [0, 5],
        ),  # candidates_at a cut candidates_at once
        (np.array([0, 0.1, 3.0, 3.1]), np.zeros(4), 0.5, [0, 2]),  # and after nobody was there
        (np.arange(3) / 1, np.zeros(3), 0.5, [0, 1, 2]),  # few frames: all of them
        (np.arange(3) / 25, np.zeros(3), 0.0, [0, 1, 2]),
        (np.zeros(0), np.zeros(0), 0.5, []),
        (np.array([7.0]), np.array([3]), 0.5, [0]),
    ],
)
def test_when(time_s: np.ndarray, shot: np.ndarray, every_s: float, looks: list[int]) -> None:
    assert frames_due(time_s, shot, every_s).tolist() == looks


def test_a_candidate_found_twice_moves_on_a_straight_line() -> None:
    span = between(sight(1.0, (100, 50, 0.9)), sight(1.5, (110, 54, 0.5)))
    result = candidates_at(span, 1.2, 0)
    np.testing.assert_allclose(result.box_xyxy, [[104, 51.6, 144, 91.6]])
    np.testing.assert_allclose(result.score, [0.74])
    for time_s, end in ((1.0, span.before), (1.5, span.after)):
        assert end is not None
        np.testing.assert_allclose(candidates_at(span, time_s, 0).box_xyxy, end.candidates.box_xyxy)


def test_a_candidate_found_once_lasts_for_the_nearer_half() -> None:
    span = between(sight(0.0, (0, 0, 0.5), (500, 0, 0.4)), sight(0.5, (0, 0, 0.5), (900, 0, 0.8)))
    assert candidates_at(span, 0.2, 0).box_xyxy[:, 0].tolist() == [0, 500]
    assert candidates_at(span, 0.3, 0).box_xyxy[:, 0].tolist() == [900, 0], "the surest first"


def test_cuts_and_gaps_part_what_is_found() -> None:
    span = between(sight(0.0, (0, 0, 0.9)), sight(0.1, (5, 0, 0.9), shot=1))
    assert len(span.pairs) == 0
    assert candidates_at(span, 0.04, 0).box_xyxy[0, 0] == 0
    assert candidates_at(span, 0.08, 1).box_xyxy[0, 0] == 5
    assert candidates_at(span, 0.08, 2).box_xyxy.shape == (0, 4)
    assert len(between(sight(0.0, (0, 0, 0.9)), sight(0.75, (5, 0, 0.9))).pairs) == 1
    apart = between(sight(0.0, (0, 0, 0.9)), sight(5.0, (5, 0, 0.9)))
    assert (
        candidates_at(apart, 0.3, 0).box_xyxy[0, 0] == 0
        and candidates_at(apart, 4.9, 0).box_xyxy[0, 0] == 5
    )


def test_ends_and_pairs() -> None:
    only = sight(1.0, (3, 0, 0.9))
    assert candidates_at(between(only, None), 1.4, 0).box_xyxy[0, 0] == 3
    assert candidates_at(between(None, only), 0.9, 0).box_xyxy[0, 0] == 3
    assert len(candidates_at(between(None, None), 0.9, 0).score) == 0
    one = np.array([[0.0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]])
    other = np.array([[2.0, 0, 12, 10], [6, 0, 16, 10], [90, 90, 99, 99]])
    # the nearest pair alone would leave the first box with nothing
    assert same_boxes(one, other).tolist() == [[0, 0], [1, 1]]
    assert same_boxes(np.zeros((0, 4)), other).shape == (0, 2)
    small = np.array([[0.0, 0, 10, 10]])
    assert same_boxes(small, np.array([[0.0, 0, 40, 10]])).shape == (0, 2), "a fourth is too little"


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


def test_nothing_heard_and_no_directions_and_nobody() -> None:
    moment = Crowd(scene(LEFT)).moment(0, NOTHING)
    assert np.isnan(moment.speaks).all() and np.isnan(moment.gaze).all()
    crowd = Crowd(scene())
    assert len(crowd) == 0 and len(crowd.frames) == 0


def test_answers_of_another_analysis_are_refused() -> None:
    shown = scene(LEFT, RIGHT, speaking={1: 1.0})
    with pytest.raises(DataError, match="9 scores of who speaks for 4 faces"):
        Crowd(replace(shown, tracks=(LEFT,)))
    gaze = looking((LEFT,), {1: np.array([0.0, 0, -1])})
    with pytest.raises(DataError, match="4 directions for 9 faces"):
        Crowd(scene(LEFT, RIGHT, gaze=gaze))
