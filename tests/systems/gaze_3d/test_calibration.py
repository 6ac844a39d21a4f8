"""Concentrations keep their word, or are brought to."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.systems.gaze_3d import calibration
from eyeline.systems.gaze_3d.calibration import Rescaling
from tests.systems.gaze_3d.conftest import Array


def drawn(kappa: Array, seed: int = 0) -> Array:
    """Angles from the mean, by rejection-free inversion of the cosine's own distribution."""
    u = np.random.default_rng(seed).random(kappa.shape)
    cosine = 1 + np.log(u + (1 - u) * np.exp(-2 * kappa)) / kappa
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)))


def kappas(count: int = 20_000, seed: int = 1) -> Array:
    return np.exp(np.random.default_rng(seed).normal(2.5, 0.8, count))


@pytest.mark.parametrize("kappa", [0.01, 0.5, 3.0, 40.0, 1e4])
def test_bounds_and_means_are_those_of_draws(kappa: float) -> None:
    angles = drawn(np.full(200_000, kappa))
    for level in (0.1, 0.5, 0.9):
        limit = float(calibration.bound(np.array(kappa), level))
        assert (angles <= limit).mean() == pytest.approx(level, abs=0.004)
        back = calibration.fraction_below(np.array(kappa), np.array(limit))
        assert float(back) == pytest.approx(level, abs=1e-6)
    promised = float(calibration.expected_angle(np.array([kappa]))[0])
    assert promised == pytest.approx(angles.mean(), rel=0.01)


def test_knowing_nothing_is_ninety_degrees_and_log_four_pi() -> None:
    nothing = np.full(50_000, 1e-5)
    assert np.rad2deg(calibration.expected_angle(nothing[:2])) == pytest.approx(90, abs=0.01)
    result = calibration.reliability(nothing, drawn(np.full(50_000, 1e-5)))
    assert result["negative_log_likelihood"] == pytest.approx(np.log(4 * np.pi), abs=1e-4)


def test_honest_concentrations_are_left_as_they_are() -> None:
    kappa = kappas()
    angles = drawn(kappa)
    result = calibration.reliability(kappa, angles)
    assert result["ece"] < 0.01 and result["angular_ece_deg"] < 0.5
    assert len(result["levels"]) == 9 and sum(b["frames"] for b in result["bins"]) == len(kappa)
    rescaling = calibration.fit(kappa, angles)
    assert rescaling.offset == pytest.approx(0, abs=0.1)
    assert rescaling.gain == pytest.approx(1, abs=0.05)


def test_boasts_are_taken_back() -> None:
    """What is told is the square of the truth, eight times over."""
    kappa = kappas()
    angles, known = drawn(kappa), 8 * kappa**2
    before = calibration.reliability(known, angles)
    assert before["ece"] > 0.3 and before["angular_ece_deg"] > 10
    rescaling = calibration.fit(known, angles)
    assert rescaling.gain == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(rescaling(known), kappa, rtol=0.1)
    held = kappas(seed=7)
    after = calibration.reliability(rescaling(8 * held**2), drawn(held, seed=8))
    assert after["ece"] < 0.015 and after["angular_ece_deg"] < 0.7


def test_one_concentration_for_all_becomes_the_one_that_fits() -> None:
    rescaling = calibration.fit(np.full(5000, 900.0), drawn(np.full(5000, 6.0)))
    assert rescaling.gain == 0
    assert float(rescaling(900.0)) == pytest.approx(6, rel=0.06)


def test_concentrations_that_mislead_are_made_alike() -> None:
    kappa = kappas(3000)
    assert calibration.fit(1 / kappa, drawn(kappa)).gain == 0


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi])
def test_few_and_extreme_frames_give_numbers(count: int, angle: float) -> None:
    rescaling = calibration.fit(np.array([3.0, 50.0])[:count], np.full(count, angle))
    result = rescaling(np.array([1e-9, 1.0, 1e9]))
    assert np.isfinite(result).all() and (result > 0).all() and rescaling.gain >= 0


def test_perfect_frames_do_not_become_certain_without_end() -> None:
    result = calibration.fit(np.exp(np.arange(20.0) / 5), np.zeros(20))
    assert np.isfinite(result(np.array([1.0, 50.0]))).all() and abs(result.gain) < 100


def test_a_card_holds_it_and_published_weights_hold_none() -> None:
    from eyeline.systems.gaze_3d.weights import MEASURED

    known = {"gaze": Rescaling(0.5, 0.7), "head": Rescaling(-1.0, 0.0)}
    settings = {"concentration": calibration.to_settings(known, 70)}
    assert calibration.from_settings(settings) == known
    assert calibration.from_settings(MEASURED) == {}
    assert calibration.from_settings({}) == {}
