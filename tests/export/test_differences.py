"""Angles between what two builders tell of the same people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.export.differences import differences
from eyeline.export.report import render
from eyeline.export.timeline import Timeline
from eyeline.results import Analysis, Directions
from tests.export.conftest import MakeAnalysis


def turned(gaze: Directions, degrees: dict[int, float]) -> Directions:
    """Another builder's, turned about the vertical by an angle a person."""
    angle = np.radians([degrees[p] for p in gaze.person.tolist()])
    x, y, z = gaze.direction.T
    cos, sin = np.cos(angle), np.sin(angle)
    direction = np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=1)
    return replace(gaze, builder="other", direction=direction)


@pytest.fixture
def both(make_analysis: MakeAnalysis) -> Analysis:
    one = make_analysis(persons=2, frames=20)
    gaze = one.directions("gaze")
    level = gaze.direction * [1, 0, 1]
    flat = replace(gaze, direction=level / np.linalg.norm(level, axis=1, keepdims=True))
    others = tuple(a for a in one.answers if a is not gaze)
    return replace(one, answers=(flat, *others, turned(flat, {1: 10.0, 2: 30.0})))


def test_each_person_and_everybody(both: Analysis) -> None:
    result = differences(both)
    assert [row.who for row in result] == ["person 1", "person 2", "everybody"]
    assert [row.frames for row in result] == [20, 20, 40]
    np.testing.assert_allclose([r.mean_deg for r in result], [10, 30, 20], atol=1e-6)
    np.testing.assert_allclose([r.ninth_decile_deg for r in result], [10, 30, 30], atol=1e-6)
    assert {(r.first, r.second) for r in result} == {("gaze_3d/head_pose", "gaze_3d/other")}


def test_only_rows_that_both_tell_of_count(both: Analysis) -> None:
    *rest, last = both.answers
    assert isinstance(last, Directions)
    late = last.frame >= 15
    part = replace(last, **{k: v[late] for k, v in vars(last).items() if isinstance(v, np.ndarray)})
    assert [row.frames for row in differences(replace(both, answers=(*rest, part)))] == [5, 5, 10]


def test_one_method_has_no_differences(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(frames=5)
    assert differences(analysis) == []
    assert "Where methods differ" not in render(analysis)


def test_the_report_has_the_table(both: Analysis) -> None:
    page = render(both)
    assert "Where methods differ" in page and "10.0°" in page and "gaze_3d/other" in page


def test_the_first_method_is_the_one_that_is_drawn(both: Analysis) -> None:
    first = both.directions("gaze")
    np.testing.assert_array_equal(Timeline(both).at(3).direction, first.direction[first.frame == 3])
