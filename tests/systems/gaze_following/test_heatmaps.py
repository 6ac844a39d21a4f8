"""Points as heatmaps, and heatmaps in the image's size."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import heatmaps


def test_a_gaussian_about_the_point():
    heat = heatmaps.of_points(np.array([[0.5 / 64 + 10 / 64, 20.5 / 64]]))
    assert heat.shape == (1, 64, 64)
    assert heat[0, 20, 10] == 1
    assert heat[0, 20, 13] == pytest.approx(np.exp(-0.5)), "three cells are one sigma"
    assert heat[0, 23, 13] == pytest.approx(np.exp(-1))
    wide = heatmaps.of_points(np.array([[0.5, 0.5]]), sigma_cells=6.0, cells=32)
    assert wide.shape == (1, 32, 32)
    assert wide[0, 16, 16] == pytest.approx(np.exp(-2 * 0.25 / 72))


def test_mixture():
    points = np.array([[0.25, 0.25], [0.75, 0.75]])
    heat = heatmaps.mixture(points, np.array([0.25, 0.75]))
    np.testing.assert_allclose(heat, (heatmaps.of_points(points) * [[[0.25]], [[0.75]]]).sum(0))
    assert heat[48, 48] > 2.9 * heat[16, 16]


@pytest.mark.parametrize("size", [(64, 64), (90, 160), (7, 5), (64, 1)])
def test_enlarged_as_torch_does(size):
    import torch
    from torch.nn.functional import interpolate

    heat = np.random.default_rng(0).random((16, 12))
    wanted = interpolate(torch.from_numpy(heat)[None, None], size, mode="bilinear")[0, 0]
    np.testing.assert_allclose(heatmaps.enlarged(heat, *size), wanted.numpy(), atol=1e-12)


def test_single_cell():
    np.testing.assert_array_equal(heatmaps.enlarged(np.ones((1, 1)), 2, 3), np.ones((2, 3)))


def test_peak_is_the_corner_of_the_highest_cell():
    points = np.array([[0.999, 0.001], [0.51, 0.26], [0.0, 1.0]])
    peak = heatmaps.peak_norm(heatmaps.of_points(points))
    np.testing.assert_array_equal(peak, np.array([[63, 0], [32, 16], [0, 63]]) / 64)


def test_shapes_are_checked():
    with pytest.raises(DataError, match="points"):
        heatmaps.of_points(np.zeros(2))
    with pytest.raises(DataError, match="heatmaps"):
        heatmaps.peak_norm(np.zeros((2, 2)))
