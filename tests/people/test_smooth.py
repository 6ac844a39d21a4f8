"""Smoothing without lag."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people import smooth

TIME = np.arange(50) / 25.0


def test_gaussian_keeps_straight_lines_inside_and_has_no_lag() -> None:
    line = 3 * TIME
    assert smooth.gaussian(line, TIME, 0.1)[15:-15] == pytest.approx(line[15:-15], abs=1e-9)


def test_gaussian_passes_over_nan() -> None:
    values = np.ones(50)
    values[20:23] = np.nan
    assert smooth.gaussian(values, TIME, 0.1) == pytest.approx(np.ones(50))


def test_gaussian_stays_nan_where_nothing_is_near() -> None:
    values = np.full(50, np.nan)
    values[0] = 1.0
    smoothed = smooth.gaussian(values, TIME, 0.1)
    assert smoothed[5] == pytest.approx(1.0)
    assert np.isnan(smoothed[40])


def test_gaussian_weighs() -> None:
    values, weight = np.array([0.0, 10.0] * 25), np.array([1.0, 0.0] * 25)
    assert smooth.gaussian(values, TIME, 0.1, weight) == pytest.approx(np.zeros(50))


@pytest.mark.parametrize("shape", [(1,), (1, 5, 2)])
def test_gaussian_of_one_row(shape: tuple[int, ...]) -> None:
    assert smooth.gaussian(np.ones(shape), np.zeros(1), 0.1).shape == shape


def test_median_takes_blinks_out_but_keeps_steps() -> None:
    values = np.where(TIME > 1, 0.1, 0.3)
    values[10:13] = 0.0
    cleaned = smooth.median(values, TIME, 0.4)
    assert cleaned[11] == pytest.approx(0.3)
    assert (cleaned[20], cleaned[40]) == pytest.approx((0.3, 0.1))


def test_median_of_nothing_known_is_unknown() -> None:
    assert np.isnan(smooth.median(np.full(10, np.nan), TIME[:10], 0.4)).all()
