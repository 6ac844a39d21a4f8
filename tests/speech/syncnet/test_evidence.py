from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from eyeline.errors import DataError
from eyeline.speech.syncnet.evidence import (
    INDEPENDENT_S,
    Calibration,
    agreement,
    common_shift,
    smooth,
)

USUAL = 14.0


def dip(n: int, column: int, depth: float) -> np.ndarray:
    """Distances that fall by a share at one shift and a little beside it."""
    apart = np.full((n, 31), USUAL)
    apart[:, column] *= 1 - depth
    for beside in (column - 1, column + 1):
        apart[:, beside] *= 1 - depth / 2
    return apart


def test_the_fall_over_the_usual_distance() -> None:
    result = agreement(dip(20, 18, 0.5))
    np.testing.assert_allclose(result[:, 18], 0.5)
    np.testing.assert_allclose(result[:, 3], 0.0, atol=1e-12)
    np.testing.assert_allclose(agreement(7 * dip(20, 18, 0.5)), result)


def test_what_is_not_known_stays_so() -> None:
    apart = dip(60, 15, 0.5)
    apart[20:40] = np.nan
    apart[:, :5] = np.nan
    apart[50:, :20] = np.nan
    result = agreement(smooth(apart))
    assert np.isnan(result[20:40]).all() and np.isnan(result[50:]).all()
    assert np.isnan(result[:20, :5]).all()
    np.testing.assert_allclose(result[:20, 15], 0.5)
    assert np.isnan(agreement(np.zeros((2, 31)))).all(), "no distance at all tells nothing"


def test_times_are_averaged_by_what_is_known() -> None:
    apart = dip(100, 15, 0.5)
    apart[::2] = np.nan
    assert np.isfinite(smooth(apart)[1::2]).all()
    apart = dip(200, 15, 0.0)
    apart[100:, 15] /= 2
    across = agreement(smooth(apart))[:, 15]
    assert across[60] < 0.01 and 0.2 < across[100] < 0.3 and across[140] > 0.49


def test_the_shift_of_those_who_speak_counts() -> None:
    rng = np.random.default_rng(0)
    talker = agreement(dip(250, 19, 0.45)) + 0.03 * rng.standard_normal((250, 31))
    others = [0.06 * rng.standard_normal((250, 31)) for _ in range(3)]
    voice = [np.ones(250)] * 4
    assert common_shift([talker, *others], voice, Calibration()) == 4
    assert common_shift([talker, *others], [np.zeros(250)] * 4, Calibration()) == 0
    assert common_shift([], [], Calibration()) == 0


def test_the_rate_is_bounded_and_nothing_where_nothing_is_known() -> None:
    rate = Calibration(0.2, 20.0).rate(np.array([0.2, 0.25, 1.0, -1.0, np.nan]))
    np.testing.assert_allclose(rate, [0, 1, 6, -4, 0], atol=1e-12)


@pytest.fixture(scope="module")
def calibrate() -> Callable[..., Calibration]:
    """Of the script that chooses a threshold."""
    path = Path(__file__).parents[3] / "scripts"
    sys.path.insert(0, str(path))
    try:
        return import_module("choose_syncnet_threshold").calibrate  # type: ignore[no-any-return]
    finally:
        sys.path.remove(str(path))


def test_a_threshold_between_two_kinds(calibrate: Callable[..., Calibration]) -> None:
    rng = np.random.default_rng(0)
    speaking, silent = 0.5 + 0.1 * rng.standard_normal(900), 0.1 * rng.standard_normal(300)
    result = calibrate(speaking, silent)
    assert result.threshold == pytest.approx(0.25, abs=0.03)
    # for two bells of deviation d with middles m apart the evidence rises by m / d^2
    assert result.nats_a_second * INDEPENDENT_S == pytest.approx(0.5 / 0.01, rel=0.35)
    parted = calibrate(np.linspace(0.4, 0.6, 50), np.linspace(-0.1, 0.1, 50))
    assert parted.threshold == pytest.approx(0.25)


def test_kinds_that_cannot_be_reported_apart(calibrate: Callable[..., Calibration]) -> None:
    values = np.linspace(0, 1, 20)
    with pytest.raises(DataError, match="does not know lips and audio"):
        calibrate(values, values)
    with pytest.raises(DataError, match="too few"):
        calibrate(values[:3], values)


def test_the_real_network_on_the_real_clip(shared: Path) -> None:
    """The authors' stored distances, put right in time: the blond woman, then the man with the cap.

    Their lips run four per cent fast; shifts beyond the stored ones are lost from 11 s on.
    """
    with np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz") as file:
        stored = file["sync_dist"].astype(np.float64)
    curves = [agreement(smooth(_in_time(distance))) for distance in stored]
    voice = [np.ones(len(stored[0]))] * 4
    shift = common_shift(curves, voice, Calibration())
    assert shift in (3, 4)
    woman, cap, shirt, dark = (curve[:250, shift + 15] for curve in curves)
    calibration = Calibration()
    assert woman[:175].min() > calibration.threshold > woman[200:].max()
    assert cap[195:].min() > calibration.threshold > cap[:170].max()
    assert max(shirt.max(), dark.max()) < calibration.threshold


def _in_time(distance: np.ndarray) -> np.ndarray:
    """Distances by true shift: row i is of the frame at i / 23.976 s, not at i / 25 s."""
    row = np.arange(len(distance), dtype=float)
    out = np.full(distance.shape, np.nan)
    for column in range(31):
        there = column + row * (25 * 1001 / 24000 - 1)
        known = there <= 30
        out[known, column] = map_coordinates(distance, [row[known], there[known]], order=1)
    return out
