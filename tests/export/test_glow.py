"""A heatmap covers what is likely, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.export.glow import lay_over
from eyeline.results import Image

GREY = 128


def spot(row: float, column: float, spread: float = 2.0) -> Image:
    y, x = np.mgrid[:36, :64]
    density = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * spread**2))
    return np.rint(255 * density / density.max()).astype(np.uint8)


def drawn(heatmap: Image, width: int = 1280, height: int = 720) -> Image:
    rgb = np.full((height, width, 3), GREY, np.uint8)
    lay_over(rgb, heatmap)
    return rgb


def moved(rgb: Image) -> np.ndarray:
    return np.abs(rgb.astype(int) - GREY).sum(axis=-1)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (1921, 1081), (96, 64)])
def test_the_likely_place_is_covered_and_the_rest_is_not(width: int, height: int) -> None:
    changed = moved(drawn(spot(9, 48), width, height))
    y, x = round(9.5 / 36 * height), round(48.5 / 64 * width)
    assert changed[y, x] > 40
    assert (changed[:, : width // 2] == 0).all() and (changed[height // 2 :] == 0).all()
    assert 0.005 < (changed > 0).mean() < 0.1


def test_the_image_shows_through() -> None:
    left, right = (np.full((720, 1280, 3), shade, np.uint8) for shade in (60, 200))
    for rgb in (left, right):
        lay_over(rgb, spot(18, 32))
    assert ((right.astype(int) - left)[370, 650] > 40).all()


def test_two_places_are_two_spots() -> None:
    both = np.maximum(spot(10, 15), spot(25, 50) // 2)
    changed = moved(drawn(both))
    assert changed[210, 310] > changed[510, 1010] > 0
    assert changed[360, 640] == 0


def test_what_tells_little_is_drawn_faintly() -> None:
    sharp, broad = (moved(drawn(spot(18, 32, spread))) for spread in (2, 12))
    assert 0 < broad[370, 650] < 0.6 * sharp[370, 650]


def test_an_empty_map_draws_nothing() -> None:
    assert (drawn(np.zeros((36, 64), np.uint8)) == GREY).all()


def test_one_map_after_the_other() -> None:
    first, second = drawn(spot(9, 48)), drawn(spot(27, 10))
    np.testing.assert_array_equal(drawn(spot(9, 48)), first)
    assert (first != second).any()
