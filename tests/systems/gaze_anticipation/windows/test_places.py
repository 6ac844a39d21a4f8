"""Maps of a square lie where the square lay in the image."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.windows.heatmap import heatmaps
from eyeline.systems.gaze_anticipation.windows.places import NEAR, Places
from eyeline.systems.gaze_anticipation.windows.spatial import central_view

SIZES = [(1088, 1080), (1280, 720), (720, 1280), (640, 640), (300, 201)]


def places(size_wh: tuple[int, int], cells: int = 64) -> Places:
    return Places(central_view(size_wh[1], size_wh[0]), size_wh, cells)


def spot(row: int, column: int, cells: int = 64) -> np.ndarray:
    result = np.zeros((1, cells, cells), np.float32)
    result[0, row, column] = 1
    return result


@pytest.mark.parametrize("size_wh", SIZES)
def test_a_label_comes_back_to_its_place(size_wh: tuple[int, int]) -> None:
    here = places(size_wh)
    centre, shorter = np.array(size_wh) / 2, min(size_wh)
    for offset in [(0.0, 0.0), (0.31, -0.4), (-0.47, 0.2)]:
        wanted = centre + np.array(offset) * shorter
        gaze = here.view.into((wanted / size_wh)[None])
        result = here.peaks(heatmaps(gaze))[0]
        # half a cell, and what is lost when the smaller image gets a whole number of pixels
        assert np.abs(result - wanted).max() <= shorter / 128 + max(size_wh) / 256


def test_the_corners_of_the_square() -> None:
    here = places((1280, 720))
    np.testing.assert_allclose(here.peaks(spot(0, 0))[0], [280, 0], atol=3)
    np.testing.assert_allclose(here.peaks(spot(63, 63))[0], [1000 - 11, 720 - 11], atol=3)


def test_how_much_is_near() -> None:
    here = places((1280, 720))
    for map_ in (spot(30, 20), spot(0, 63)):
        np.testing.assert_allclose(here.near(map_, here.peaks(map_)), 1)
    both = (spot(30, 20) + 3 * spot(40, 50)) / 4
    np.testing.assert_allclose(here.near(both, here.peaks(spot(30, 20))), 0.25)
    even = np.full((1, 64, 64), 1 / 4096, np.float32)
    fraction = here.near(even, np.array([[640.0, 360.0]]))[0]
    assert fraction == pytest.approx(np.pi * NEAR**2, rel=0.05)


@pytest.mark.parametrize("size_wh", SIZES)
def test_a_heatmap_over_the_image(size_wh: tuple[int, int]) -> None:
    here = places(size_wh)
    gaze = here.view.into(np.array([[0.45, 0.6]]))
    result = here.over_image(heatmaps(gaze))[0]
    assert result.dtype == np.uint8 and result.max() == 255 and min(result.shape) == 36
    assert result.shape[1] / result.shape[0] == pytest.approx(size_wh[0] / size_wh[1], rel=0.03)
    row, column = np.unravel_index(result.argmax(), result.shape)
    at = (column + 0.5) / result.shape[1], (row + 0.5) / result.shape[0]
    np.testing.assert_allclose(at, [0.45, 0.6], atol=0.03)


def test_what_lies_parallel_the_square_is_nothing() -> None:
    even = np.full((1, 64, 64), 1 / 4096, np.float32)
    result = places((1280, 720)).over_image(even)[0]
    assert (result[:, :13] == 0).all() and (result[:, 51:] == 0).all()
    assert (result[1:-1, 15:49] == 255).all()


def test_maps_of_another_size_are_refused() -> None:
    with pytest.raises(DataError, match="maps"):
        places((640, 480)).peaks(np.zeros((1, 32, 32), np.float32))
