"""Candidates and directions err as much as they say."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry import boxes
from eyeline.geometry.directions import angle
from eyeline.systems.gaze_following.synthetic import tables
from eyeline.systems.gaze_following.synthetic.scenes import Scene, draw_scene
from eyeline.systems.gaze_following.synthetic.writing import marked


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(np.random.default_rng(seed), 4, 200, 480) for seed in range(8)]


def test_directions_are_off_by_some_twenty_degrees(scenes: list[Scene]) -> None:
    from_gaze, from_head, lacking = [], [], []
    for number, scene in enumerate(scenes):
        way = tables.directions(np.random.default_rng(number), scene)
        there = ~np.isnan(way[..., 0])
        lacking.append(1 - there.mean())
        np.testing.assert_allclose(np.linalg.norm(way[there], axis=-1), 1)
        from_gaze.append(np.degrees(angle(way, scene.looks.gaze))[there].mean())
        from_head.append(np.degrees(angle(way, scene.looks.head))[there].mean())
    assert 15 < np.mean(from_gaze) < 30
    assert 10 < np.mean(from_head) < np.mean(from_gaze)
    assert 0.03 < np.mean(lacking) < 0.07


def test_candidates_are_found_mostly(scenes: list[Scene]) -> None:
    result, false = [], []
    for number, scene in enumerate(scenes):
        heads = marked(scene)[1].box_xyxy
        rng = np.random.default_rng(number)
        for frame in range(0, 200, 10):
            box, score = tables.candidates(rng, scene, heads, frame)
            assert (np.diff(score) <= 0).all() and ((score >= 0) & (score <= 1)).all()
            assert (box[:, :2] < box[:, 2:]).all() and (box >= 0).all()
            true = boxes.clip(heads[:, frame].astype(float), 480, 270)
            overlap = boxes.iou(true, box)
            result += (overlap.max(axis=1, initial=0) > 0.5).tolist()
            others = boxes.iou(np.concatenate([true, scene.things_xyxy()]), box)
            false += (others.max(axis=0, initial=0) < 0.1).tolist()
    assert 0.8 < np.mean(result) < 0.97
    assert 0.1 < np.mean(false) < 0.4


def test_candidates_do_not_know_who_speaks(scenes: list[Scene]) -> None:
    scene = scenes[0]
    heads = marked(scene)[1].box_xyxy
    for frame in (0, 100):
        drawn = [tables.candidates(np.random.default_rng(9), scene, heads, frame) for _ in range(2)]
        object.__setattr__(scene, "speaks", ~scene.speaks)
        again = tables.candidates(np.random.default_rng(9), scene, heads, frame)
        object.__setattr__(scene, "speaks", ~scene.speaks)
        for a, b in zip(drawn[0], again, strict=True):
            assert np.array_equal(a, b)
