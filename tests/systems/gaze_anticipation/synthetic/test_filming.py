"""Synthetic recordings as the camera has them."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.results import Image
from eyeline.systems.gaze_anticipation.synthetic.filming import LOOKS, height_of, images
from eyeline.systems.gaze_anticipation.synthetic.scenes import Scene, draw_scene, in_image

WIDTH = 96


@pytest.fixture(scope="module")
def filmed() -> tuple[Scene, Image]:
    scene = draw_scene(np.random.default_rng(0), 5, 4)
    return scene, np.stack([*images(np.random.default_rng(1), scene, WIDTH)])


def test_things_are_where_the_scene_says_in_their_colour(filmed: tuple[Scene, Image]) -> None:
    scene, frames = filmed
    assert frames.shape == (150, height_of(WIDTH), WIDTH, 3) and frames.dtype == np.uint8
    size = np.array([WIDTH, height_of(WIDTH)])
    for thing in scene.things:
        colour = np.array(LOOKS[thing.kind][1], float)
        at = in_image(thing.places, scene.head) * size
        for t in range(30, 150, 12):
            x, y = at[t] + 0.62 * thing.size * WIDTH * np.array([0, -1])  # between middle and edge
            near = frames[t, max(int(y) - 3, 0) : int(y) + 4, max(int(x) - 3, 0) : int(x) + 4]
            unlike = np.abs(near - colour).sum(-1).min()
            assert unlike < 0.25 * colour.sum() + 40


def test_colours_stand_out_from_the_room(filmed: tuple[Scene, Image]) -> None:
    _, frames = filmed
    strong = np.ptp(frames[40].astype(int), axis=-1) > 110
    assert 0.02 < strong.mean() < 0.2


def test_the_camera_moves_and_the_same_numbers_give_the_same_film(
    filmed: tuple[Scene, Image],
) -> None:
    scene, frames = filmed
    assert np.abs(frames[140].astype(int) - frames[40]).mean() > 5
    again = next(images(np.random.default_rng(1), scene, WIDTH))
    assert np.array_equal(again, frames[0])
