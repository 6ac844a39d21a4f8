"""Resizing, cropping and mirroring against the original's."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.inputs import heatmaps
from eyeline.systems.gaze_anticipation.windows import spatial
from eyeline.systems.gaze_anticipation.windows.spatial import NEAR, Places, View, central_view
from tests.systems.gaze_anticipation.invented import golden


@pytest.mark.parametrize("case", [0, 1, 2, 4, 5])
def test_as_published(case: int) -> None:
    file = {k.split("/")[1]: v for k, v in golden("spatial").items() if k.startswith(f"{case}/")}
    seed, least, most, side = (int(n) for n in file["args"])
    frames, xy = file["frames"], file["labels_in"][:, :2]
    size = (int(frames.shape[1]), int(frames.shape[2]))
    if str(file["mode"]) == "train":
        draws = np.random.RandomState(seed)
        view = spatial.drawn_view(*size, xy, draws, (least, most), side)
    else:
        view = spatial.central_view(*size, side)
    assert np.abs(spatial.seen(frames, view).numpy() - file["out"]).max() <= 1e-6
    assert np.abs(view.into(xy) - file["labels_out"][:, :2]).max() <= 1e-12


def test_the_centre_of_ego4d() -> None:
    assert spatial.central_view(1080, 1088) == View(256, 257, 0, 1)


@pytest.mark.parametrize("mirrored", [False, True])
def test_there_and_back(mirrored: bool) -> None:
    view = View(300, 400, 20, 90, 256, mirrored)
    xy = np.array([[0.4, 0.5], [0.6, 0.3]])
    assert np.abs(view.out_of(view.into(xy)) - xy).max() < 1e-12


def test_gaze_is_kept_in_the_square_where_it_can_be_and_mirroring_turns_images_and_gaze() -> None:
    draws, xy = np.random.default_rng(0), np.array([[0.9, 0.2], [0.75, 0.6]])
    for _ in range(100):
        view = spatial.drawn_view(300, 500, xy, draws, (256, 320))
        place = view.into(xy)
        assert ((place >= 0) & (place <= 1)).all()
        # squares begin at whole pixels, so one may be clipped
        assert np.abs(view.out_of(place) - xy).max() < 1 / 256
    frames = np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3)).astype(np.uint8)
    plain, turned = (
        spatial.seen(frames, View(40, 53, 4, 7, 32, mirrored)) for mirrored in (False, True)
    )
    assert (plain.flip(-1) - turned).abs().max() < 1e-6


def test_too_small_for_the_square() -> None:
    with pytest.raises(DataError, match="no room"):
        spatial.seen(np.zeros((1, 20, 20, 3), np.uint8), View(20, 20, 0, 0, 32))


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


def test_what_lies_parallel_the_square_is_nothing_and_maps_of_another_size_are_refused() -> None:
    even = np.full((1, 64, 64), 1 / 4096, np.float32)
    result = places((1280, 720)).over_image(even)[0]
    assert (result[:, :13] == 0).all() and (result[:, 51:] == 0).all()
    assert (result[1:-1, 15:49] == 255).all()
    with pytest.raises(DataError, match="maps"):
        places((640, 480)).peaks(np.zeros((1, 32, 32), np.float32))
