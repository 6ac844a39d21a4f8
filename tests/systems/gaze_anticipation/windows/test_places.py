"""Maps of a square lie where the square lay in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.windows.heatmap import heatmaps
from eyeline.systems.gaze_anticipation.windows.places import NEAR, Places
from eyeline.systems.gaze_anticipation.windows.spatial import middle_view

SIZES = [(1088, 1080), (1280, 720), (720, 1280), (640, 640), (300, 201)]


def places(size_wh: tuple[int, int], cells: int = 64) -> Places:
    return Places(middle_view(size_wh[1], size_wh[0]), size_wh, cells)


def spot(row: int, column: int, cells: int = 64) -> np.ndarray:
    found = np.zeros((1, cells, cells), np.float32)
    found[0, row, column] = 1
    return found


@pytest.mark.parametrize("size_wh", SIZES)
def test_a_label_comes_back_to_its_place(size_wh: tuple[int, int]) -> None:
    here = places(size_wh)
    middle, shorter = np.array(size_wh) / 2, min(size_wh)
    for offset in [(0.0, 0.0), (0.31, -0.4), (-0.47, 0.2)]:
        wanted = middle + np.array(offset) * shorter
        gaze = here.view.into((wanted / size_wh)[None])
        found = here.peaks(heatmaps(gaze))[0]
        # half a cell, and what is lost when the smaller picture gets a whole number of pixels
        assert np.abs(found - wanted).max() <= shorter / 128 + max(size_wh) / 256


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
    share = here.near(even, np.array([[640.0, 360.0]]))[0]
    assert share == pytest.approx(np.pi * NEAR**2, rel=0.05)


@pytest.mark.parametrize("size_wh", SIZES)
def test_a_heatmap_over_the_picture(size_wh: tuple[int, int]) -> None:
    here = places(size_wh)
    gaze = here.view.into(np.array([[0.45, 0.6]]))
    found = here.over_picture(heatmaps(gaze))[0]
    assert found.dtype == np.uint8 and found.max() == 255 and min(found.shape) == 36
    assert found.shape[1] / found.shape[0] == pytest.approx(size_wh[0] / size_wh[1], rel=0.03)
    row, column = np.unravel_index(found.argmax(), found.shape)
    at = (column + 0.5) / found.shape[1], (row + 0.5) / found.shape[0]
    np.testing.assert_allclose(at, [0.45, 0.6], atol=0.03)


def test_what_lies_beside_the_square_is_nothing() -> None:
    even = np.full((1, 64, 64), 1 / 4096, np.float32)
    found = places((1280, 720)).over_picture(even)[0]
    assert (found[:, :13] == 0).all() and (found[:, 51:] == 0).all()
    assert (found[1:-1, 15:49] == 255).all()


def test_maps_of_another_size_are_refused() -> None:
    with pytest.raises(DataError, match="maps"):
        places((640, 480)).peaks(np.zeros((1, 32, 32), np.float32))
