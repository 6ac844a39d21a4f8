"""Seats, things and the camera that sees them; drawn people, turned as they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.geometry import boxes
from eyeline.geometry.directions import from_yaw_pitch
from eyeline.results import Floats, Image
from eyeline.synthetic.camera import View
from eyeline.systems.gaze_following.synthetic.drawing import images
from eyeline.systems.gaze_following.synthetic.scenes import Scene, draw_scene
from eyeline.systems.gaze_following.synthetic.talk import Voices


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


def test_points_in_the_view() -> None:
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
    view = View.ahead(100, 50, 100.0)
    points = np.array([[0, 0, 1], [0.6, 0, 1], [0, 0, -1], [0, 0.2, 1], [0, 0.3, 1]], float)
    assert view.inside(points).tolist() == [True, False, False, True, False]
    assert view.project(points)[0].tolist() == [50, 25]
    assert view.project(np.array([0.1, -0.1, 2.0])).tolist() == [55, 20]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return draw_scene(np.random.default_rng(4), 3, 1, 640)


def shown(scene: Scene, head: Floats, mouth: float = 0.0, gaze: Floats | None = None) -> Image:
    """A frame in which all heads point alike."""
    looks = replace(
        scene.looks, head=np.broadcast_to(head, scene.looks.head.shape),
        gaze=np.broadcast_to(head if gaze is None else gaze, scene.looks.gaze.shape),
    )  # fmt: skip
    silent = np.zeros((scene.people, 1))
    voices = Voices(np.zeros(640), silent + mouth, silent)
    return next(images(np.random.default_rng(0), replace(scene, looks=looks), voices))


def eyes(scene: Scene, head: Floats) -> list[Floats]:
    """Of each face the columns that change as the eyes move, from -1 at its left to 1."""
    aside = (from_yaw_pitch(np.array(y), np.array(0.0)) for y in (-0.5, 0.5))
    one, two = (shown(scene, head, gaze=head + 0.7 * way).astype(int) for way in aside)
    moved = np.abs(one - two).max(axis=2) > 12
    result = []
    for x1, y1, x2, y2 in scene.faces_xyxy[:, 0].astype(int):
        result.append(2 * np.nonzero(moved[y1:y2, x1:x2])[1] / (x2 - x1) - 1)
    return result


def test_the_image_is_whole_and_repeats(scene: Scene) -> None:
    ahead = from_yaw_pitch(np.array(0.0), np.array(0.0))
    image = shown(scene, ahead)
    assert image.shape == (360, 640, 3) and image.dtype == np.uint8
    assert np.array_equal(image, shown(scene, ahead))


def test_faces_show_where_they_point(scene: Scene) -> None:
    """Eyes are seen from the front, on the side that is turned to, and not from behind."""
    yaws = (0.0, -0.9, 0.9)
    turned = [from_yaw_pitch(np.array(y), np.array(0.0)) for y in yaws]
    front, left, right = (eyes(scene, way) for way in turned)
    back = eyes(scene, np.array([0.0, 0.0, 1.0]))
    assert not any(len(columns) for columns in back)
    for person in range(scene.people):
        assert len(front[person]) > 20
        assert abs(front[person].mean()) < 0.15
        assert left[person].mean() < -0.3 < 0.3 < right[person].mean()


def test_mouths_eyes_and_things_are_drawn_in_place(scene: Scene) -> None:
    ahead = from_yaw_pitch(np.array(0.0), np.array(0.0))
    still, open_ = shown(scene, ahead), shown(scene, ahead, mouth=1.0)
    aside = shown(scene, ahead, gaze=from_yaw_pitch(np.array(0.6), np.array(0.0)))
    for box in scene.faces_xyxy[:, 0]:
        x1, y1, x2, y2 = box.astype(int)
        mid, low = (y1 + y2) // 2, y1 + 5 * (y2 - y1) // 8
        change = np.abs(open_.astype(int) - still)
        assert change[low:y2, x1:x2].max() > 40 and change[y1:mid, x1:x2].max() == 0
        change = np.abs(aside.astype(int) - still)
        assert change[y1:mid, x1:x2].max() > 40 and change[low:y2, x1:x2].max() == 0
    image = shown(scene, np.array([0.0, 0.0, 1.0])).astype(int)
    for thing, box in zip(scene.things, scene.things_xyxy(), strict=True):
        x1, y1, x2, y2 = box.astype(int)
        inside = image[y1 : y2 + 1, x1 : x2 + 1].reshape(-1, 3)
        near = np.abs(inside - thing.colour).max(axis=1) < 40
        assert near.mean() > 0.15
