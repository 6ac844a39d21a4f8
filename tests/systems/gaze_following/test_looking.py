"""When frames are looked at, and what stands between two looks."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.systems.gaze_following.detector.infer import Candidates
from eyeline.systems.gaze_following.looking import Sight, at, between, same, when


def sight(time_s: float, *rows: tuple[float, float, float], shot: int = 0) -> Sight:
    """Candidates 40 pixels wide as x, y of the corner and score."""
    box = np.array([[x, y, x + 40, y + 40] for x, y, _ in rows], float).reshape(-1, 4)
    return Sight(time_s, shot, Candidates(box, np.array([s for _, _, s in rows], float)))


@pytest.mark.parametrize(
    ("time_s", "shot", "every_s", "looks"),
    [
        (np.arange(26) / 25, np.zeros(26), 0.5, [0, 13]),  # 13 / 25 s is the first at 0.5 s
        (np.arange(51) / 50, np.zeros(51), 0.5, [0, 25, 50]),
        (np.arange(10) / 25, np.repeat([0, 1], 5), 0.5, [0, 5]),  # at a cut at once
        (np.array([0, 0.1, 3.0, 3.1]), np.zeros(4), 0.5, [0, 2]),  # and after nobody was there
        (np.arange(3) / 1, np.zeros(3), 0.5, [0, 1, 2]),  # few frames: all of them
        (np.arange(3) / 25, np.zeros(3), 0.0, [0, 1, 2]),
        (np.zeros(0), np.zeros(0), 0.5, []),
        (np.array([7.0]), np.array([3]), 0.5, [0]),
    ],
)
def test_when(time_s: np.ndarray, shot: np.ndarray, every_s: float, looks: list[int]) -> None:
    assert when(time_s, shot, every_s).tolist() == looks


def test_a_candidate_found_twice_moves_on_a_straight_line() -> None:
    span = between(sight(1.0, (100, 50, 0.9)), sight(1.5, (110, 54, 0.5)))
    result = at(span, 1.2, 0)
    np.testing.assert_allclose(result.box_xyxy, [[104, 51.6, 144, 91.6]])
    np.testing.assert_allclose(result.score, [0.74])
    for time_s, end in ((1.0, span.before), (1.5, span.after)):
        assert end is not None
        np.testing.assert_allclose(at(span, time_s, 0).box_xyxy, end.found.box_xyxy)


def test_a_candidate_found_once_lasts_for_the_nearer_half() -> None:
    span = between(sight(0.0, (0, 0, 0.5), (500, 0, 0.4)), sight(0.5, (0, 0, 0.5), (900, 0, 0.8)))
    assert at(span, 0.2, 0).box_xyxy[:, 0].tolist() == [0, 500]
    assert at(span, 0.3, 0).box_xyxy[:, 0].tolist() == [900, 0], "the surest first"


def test_a_cut_parts_what_is_found() -> None:
    span = between(sight(0.0, (0, 0, 0.9)), sight(0.1, (5, 0, 0.9), shot=1))
    assert len(span.pairs) == 0
    assert at(span, 0.04, 0).box_xyxy[0, 0] == 0
    assert at(span, 0.08, 1).box_xyxy[0, 0] == 5
    assert at(span, 0.08, 2).box_xyxy.shape == (0, 4)


def test_looks_far_apart_are_not_joined() -> None:
    assert len(between(sight(0.0, (0, 0, 0.9)), sight(0.75, (5, 0, 0.9))).pairs) == 1
    apart = between(sight(0.0, (0, 0, 0.9)), sight(5.0, (5, 0, 0.9)))
    assert at(apart, 0.3, 0).box_xyxy[0, 0] == 0 and at(apart, 4.9, 0).box_xyxy[0, 0] == 5


def test_the_ends_have_one_side_only() -> None:
    only = sight(1.0, (3, 0, 0.9))
    assert at(between(only, None), 1.4, 0).box_xyxy[0, 0] == 3
    assert at(between(None, only), 0.9, 0).box_xyxy[0, 0] == 3
    assert len(at(between(None, None), 0.9, 0).score) == 0


def test_pairs_are_those_that_overlap_most_in_all() -> None:
    one = np.array([[0.0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]])
    other = np.array([[2.0, 0, 12, 10], [6, 0, 16, 10], [90, 90, 99, 99]])
    # the nearest pair alone would leave the first box with nothing
    assert same(one, other).tolist() == [[0, 0], [1, 1]]
    assert same(np.zeros((0, 4)), other).shape == (0, 2)
    small = np.array([[0.0, 0, 10, 10]])
    assert same(small, np.array([[0.0, 0, 40, 10]])).shape == (0, 2), "a fourth is too little"
