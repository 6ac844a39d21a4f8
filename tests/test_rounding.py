"""Results are rounded so that the last bits of a sum are in none of them."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.results import Scores
from eyeline.rounding import rounded, to_digits


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1 / 3, 0.333333333),
        (-2 / 3e5, -6.66666667e-06),
        (640.123456789, 640.123457),
        (0.9999999999999999, 1.0),
        (1e-30, 0.0),
        (12345678901.4, 12345678901.0),
        (0.0, 0.0),
        (np.inf, np.inf),
    ],
)
def test_nine_digits(value: float, expected: float) -> None:
    assert to_digits(np.array([value])).tolist() == [expected]


def test_the_last_bits_of_a_sum_are_gone() -> None:
    values = np.random.default_rng(0).random((400, 2))
    exact = to_digits(values)
    for bits in (-4, 4):
        np.testing.assert_array_equal(to_digits(values + bits * np.spacing(values)), exact)
    assert np.abs(exact - values).max() < 1e-9


def test_a_float32_is_itself_again() -> None:
    values = np.random.default_rng(1).normal(0, 1, 1000).astype(np.float32)
    np.testing.assert_array_equal(to_digits(values.astype(np.float64)).astype(np.float32), values)


def test_times_and_other_types_stay() -> None:
    time_s = np.array([1 / 3, 2 / 3])
    value = np.array([1 / 3, np.nan], np.float32)
    scores = Scores("r", "b", "x", 0.5, np.arange(2), time_s, np.ones(2, int), value)
    result = rounded(scores)
    assert result.time_s is time_s and result.value is value
    fine = Scores("r", "b", "x", 0.5, np.arange(2), time_s, np.ones(2, int), np.array([1 / 3, 1]))
    assert rounded(fine).value.tolist() == [0.333333333, 1.0]
