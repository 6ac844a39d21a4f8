"""The intended rule against golden picks, and what the two released scripts do instead."""

from __future__ import annotations

import re

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following.matching import rules

HEAD = np.array([100.0, 100, 200, 200])  # its middle is (150, 150)


def constant(k):
    return lambda points: np.full(len(points), float(k))


def boxes_at(*points):
    return np.array([[x - 10.0, y - 10, x + 10, y + 10] for x, y in points]).reshape(-1, 4)


def undamaged(text):
    """Candidates of the golden text, read without the product's own readers."""
    result = {}
    for name, body in re.findall(r"(\d+\.jpg),(.*?)(?=\n\d+\.jpg,|\Z)", text, re.DOTALL):
        numbers = re.sub(r"[\[\]]", " ", body).split()
        result[name] = np.array(numbers, np.float64).reshape(-1, 5)[:, :4]
    return result


def test_intended_rule_picks_as_the_original_notebook(best_gaze, golden_mlp):
    result = undamaged(str(best_gaze["legacy_text"]))
    heads = dict(zip(best_gaze["legacy_names"].tolist(), best_gaze["legacy_head"], strict=True))
    picks = [
        rules.intended(heads[name], result[name], golden_mlp)
        for name in best_gaze["clean_names"].tolist()
    ]
    assert picks == best_gaze["clean_pick"].tolist()
    assert len(set(picks)) > 2, "a rule that ignores the slope would give one number"


@pytest.mark.parametrize(
    ("candidates", "k", "row"),
    [
        ([(250, 250), (250, 150)], 1, 0),
        ([(250, 250), (250, 150)], 0.1, 1),
        ([(50, 50), (250, 250)], 1, 0),  # a slope knows no direction: the first wins
        ([(150, 50), (250, 160)], 100, 1),  # straight up is infinitely far from any slope
        ([(150, 50)], 0, 0),  # and is taken where there is nothing else
        ([(150, 150), (250, 250)], 5, 1),  # the head's own middle has no slope
        ([], 0, None),
    ],
)
def test_intended(candidates, k, row):
    assert rules.intended(HEAD, boxes_at(*candidates), constant(k)) == row


def test_master_puts_x_in_the_place_of_y():
    head = np.array([100.0, 500, 200, 600])  # middle (150, 550), taken for (150, 150)
    candidates = boxes_at((250, 550), (250, 250))
    assert rules.intended(head, candidates, constant(0)) == 0
    assert rules.master(head, candidates, constant(1)) == 1
    seen = []
    rules.master(head, candidates, lambda points: seen.append(points.tolist()) or np.zeros(1))
    assert seen == [[[150.0, 150.0]]]


def test_main_takes_the_first_whatever_the_slope():
    candidates = boxes_at((250, 250), (250, 150))
    assert [rules.main(HEAD, candidates, constant(k)) for k in (0, 1, 9)] == [0, 0, 0]
    assert rules.main(HEAD, boxes_at(), constant(0)) is None


def test_head_points_are_cut_towards_zero():
    assert rules.head_point(np.array([[0.0, -3, 1, 0]])).tolist() == [[0, -1]]


@pytest.mark.parametrize("name", sorted(rules.RULES))
def test_rules_want_boxes(name):
    with pytest.raises(DataError, match="candidates"):
        rules.RULES[name](HEAD, np.zeros((2, 3)), constant(0))
