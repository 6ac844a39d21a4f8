"""Boxes: tables with the empty and the single case."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry import boxes


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1.0),  # the same
        ([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3),  # half over half
        ([0, 0, 10, 10], [10, 0, 20, 10], 0.0),  # touching
        ([0, 0, 0, 0], [0, 0, 0, 0], 0.0),  # both empty
        ([10, 10, 0, 0], [0, 0, 10, 10], 0.0),  # inside out
    ],
)
def test_iou(a: list[float], b: list[float], expected: float) -> None:
    assert boxes.iou(np.array([a], float), np.array([b], float)) == pytest.approx(expected)


def test_iou_of_none_with_some() -> None:
    assert boxes.iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)


def test_scale_keeps_the_centre() -> None:
    box = np.array([[10.0, 20.0, 30.0, 60.0]])
    grown = boxes.scale(box, 2.0)
    assert grown.tolist() == [[0.0, 0.0, 40.0, 80.0]]
    assert boxes.centre(grown).tolist() == boxes.centre(box).tolist()


def test_clip_and_size() -> None:
    box = np.array([[-5.0, -5.0, 20.0, 20.0]])
    assert boxes.clip(box, 10, 15).tolist() == [[0.0, 0.0, 10.0, 15.0]]
    assert boxes.size(box)[0] == pytest.approx(25.0)


def test_contain_counts_borders_and_pairs_any_shapes() -> None:
    box = np.array([[0.0, 0, 10, 10], [20, 0, 30, 5]])
    points = np.array([[0.0, 10], [30, 5.1], [5, 5]])
    assert boxes.contain(box[0], points).tolist() == [True, False, True]
    assert boxes.contain(box, points[0]).tolist() == [True, False]
    assert boxes.contain(box, points[:, None]).tolist() == [
        [True, False],
        [False] * 2,
        [True, False],
    ]
    assert not boxes.contain(box, np.full(2, np.nan)).any()
