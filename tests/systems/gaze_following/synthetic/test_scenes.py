"""Seats, things and the camera that sees them."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry import boxes
from eyeline.synthetic.camera import View
from eyeline.systems.gaze_following.synthetic.scenes import draw_scene


@pytest.mark.parametrize("seed", range(6))
def test_all_faces_and_things_are_in_the_image(seed: int) -> None:
    scene = draw_scene(np.random.default_rng(seed), 4, 50, 320)
    wh = np.tile([scene.view.width_px, scene.view.height_px], 2)
    for result in (scene.faces_xyxy, scene.things_xyxy()):
        assert (result[..., :2] < result[..., 2:]).all()
        centre = boxes.centre(result)
        assert ((centre > 0) & (centre < wh[:2])).all()
    assert scene.people in (3, 4) and 2 <= len(scene.things) <= 4
    assert scene.frames == 50 and scene.view.height_px == 180


def test_a_full_table_is_no_trouble() -> None:
    """Of many drawn tables some have no place for another thing, which must not hang."""
    counts = [
        len(draw_scene(np.random.default_rng([7, s, 0]), 3, 2, 320).things) for s in range(60)
    ]
    assert set(counts) <= {2, 3, 4} and counts.count(4) > 10


@pytest.mark.parametrize("seed", range(6))
def test_no_face_hides_another(seed: int) -> None:
    faces = draw_scene(np.random.default_rng(seed), 4, 2, 320).faces_xyxy[:, 0]
    overlap = boxes.iou(faces, faces)
    np.fill_diagonal(overlap, 0)
    assert overlap.max() == 0
    assert (np.diff(boxes.centre(faces)[:, 0]) > 0).all()


def test_points_are_where_people_look() -> None:
    scene = draw_scene(np.random.default_rng(3), 3, 200, 320)
    point, looks = scene.points_px(), scene.looks
    at_person = (looks.kind == 0).nonzero()
    heads = boxes.centre(scene.faces_xyxy)
    whom = looks.whom[at_person]
    away = np.linalg.norm(point[at_person] - heads[whom, at_person[1]], axis=1)
    size = boxes.size(scene.faces_xyxy)[whom, at_person[1]]
    assert (away < 0.8 * size).mean() > 0.95
    assert (whom != at_person[0]).all()
    assert np.isnan(point[looks.kind == 3]).all()
    assert not np.isnan(point[looks.kind < 3]).any()


def test_a_view_knows_what_is_inside() -> None:
    view = View.ahead(100, 50, 100.0)
    points = np.array([[0, 0, 1], [0.6, 0, 1], [0, 0, -1], [0, 0.2, 1], [0, 0.3, 1]], float)
    assert view.inside(points).tolist() == [True, False, False, True, False]
    assert view.project(points)[0].tolist() == [50, 25]
    assert view.project(np.array([0.1, -0.1, 2.0])).tolist() == [55, 20]
