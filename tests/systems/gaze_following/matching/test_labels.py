"""Right answers of annotated points."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.systems.gaze_following.matching import labels
from eyeline.systems.gaze_following.matching.inputs import Options

HEAD = np.array([100.0, 100, 200, 200])
AMONG = Options(
    np.array(
        [
            [400.0, 100, 500, 200],  # another head
            [390, 90, 510, 210],  # the detector's box of it
            [600, 300, 700, 400],  # an object
            [110, 110, 190, 190],  # the detector's box of the looker's own head
        ]
    ),
    np.array([1, -1, -1, -1]),
    np.array([1.0, 0.9, 0.8, 0.7]),
)


@pytest.mark.parametrize(
    ("point", "right"),
    [
        ((450, 150), [0, 1]),  # all that hold it
        ((395, 95), [1]),
        ((650, 350), [2]),
        ((740, 350), [2]),  # 40 px beside, half a head is allowed
        ((760, 350), []),  # 60 px
        ((150, 150), []),  # nobody looks at the own face
        ((150, 330), [5]),  # the own lap: 1.3 heads below the chin
        ((150, 620), []),  # too far below
        ((300, 330), []),  # too far aside
    ],
)
def test_points_in_the_image(point, right):
    result = labels.right_answers(AMONG, HEAD, np.array(point, float))
    assert np.flatnonzero(result).tolist() == right


def test_a_look_out_of_the_image():
    result = labels.right_answers(AMONG, HEAD, np.full(2, np.nan), in_frame=False)
    assert np.flatnonzero(result).tolist() == [4]


def test_the_annotated_box_counts_too():
    box = np.array([610.0, 310, 710, 410])
    result = labels.right_answers(AMONG, HEAD, np.array([705.0, 405]), target_xyxy=box)
    assert np.flatnonzero(result).tolist() == [2]
    none = labels.right_answers(AMONG, HEAD, np.array([450.0, 150]), target_xyxy=np.full(4, np.nan))
    assert np.flatnonzero(none).tolist() == [0, 1]


def test_without_options():
    nothing = Options(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))
    lap = labels.right_answers(nothing, HEAD, np.array([150.0, 330]))
    assert lap.tolist() == [False, True]
    assert not labels.right_answers(nothing, HEAD, np.array([650.0, 350])).any()


def test_the_point_of_a_lap_is_in_one_and_in_the_image():
    point = labels.lap_point(HEAD, (1280, 720))
    assert labels.in_lap(HEAD, point)
    assert labels.lap_point(HEAD, (1280, 250)).tolist() == [150, 250]
