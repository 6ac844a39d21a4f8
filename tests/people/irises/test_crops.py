"""Cutting about an eye: the map goes where it says, and small copies of large eyes are averages."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people.irises import crops


def dotted(x: int, y: int, size: int = 200) -> np.ndarray:
    image = np.full((size, size), 40, np.uint8)
    image[y - 3 : y + 4, x - 3 : x + 4] = 240
    return image


def brightest(crop: np.ndarray) -> np.ndarray:
    """Middle of what is bright, in crop pixels."""
    weight = crop.astype(float) - crop.min()
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@pytest.mark.parametrize("zoom", [0.2, 0.45, 1.0, 1.7])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_point_lands_where_the_map_says(zoom: float, mirrored: bool) -> None:
    turn = zoom / crops.PX_PER_MM * np.array([[0.96, 0.28], [-0.28, 0.96]])
    matrix = crops.placing(np.array([100.0, 90.0]), turn, mirrored)
    at = np.array([104, 92])
    expected = matrix[:, :2] @ at + matrix[:, 2]
    assert brightest(crops.cut(dotted(*at), matrix)) == pytest.approx(expected, abs=0.35)


def test_the_centre_is_the_centre_and_mirrors_swap_sides() -> None:
    centre = np.array([30.0, 20.0])
    plain, mirrored = (crops.placing(centre, np.eye(2), m) for m in (False, True))
    for matrix in (plain, mirrored):
        assert matrix[:, :2] @ centre + matrix[:, 2] == pytest.approx([23.5, 15.5])
    right = centre + np.array([5.0, 0.0])
    assert (plain[:, :2] @ right + plain[:, 2])[0] > 23.5
    assert (mirrored[:, :2] @ right + mirrored[:, 2])[0] < 23.5


def test_fine_stripes_of_a_large_eye_become_grey() -> None:
    stripes = np.zeros((400, 400), np.uint8)
    stripes[:, ::2] = 200
    crop = crops.cut(stripes, crops.placing(np.array([200.0, 200.0]), 0.25 * np.eye(2), False))
    assert np.abs(crop.astype(float) - 100).max() < 12


def test_light_and_contrast_do_not_count() -> None:
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 100, (1, crops.CROP_H, crops.CROP_W)).astype(np.uint8)
    one, other = crops.standardised(crop), crops.standardised(2 * crop + 20)
    assert one.shape == (1, 1, crops.CROP_H, crops.CROP_W)
    assert one.mean() == pytest.approx(0, abs=1e-5)
    assert np.abs(one - other).max() < 0.2
