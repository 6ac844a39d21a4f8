"""The closeness that numerical tests ask for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.closeness import (
    assert_close_to_scale,
    assert_gradient_close,
    assert_gradients_close,
)

WANTED = np.array([1000.0, 1e-6])


def test_a_small_element_may_be_off_by_a_fraction_of_the_largest() -> None:
    assert_close_to_scale(torch.tensor([1000.0, 0.009]), WANTED)
    with pytest.raises(AssertionError):
        assert_close_to_scale([1000.0, 0.011], WANTED)
    with pytest.raises(AssertionError):
        assert_close_to_scale([1000.02, 1e-6], WANTED)


def test_missing_values_stay_missing() -> None:
    assert_close_to_scale([np.nan, 1.0], [np.nan, 1.0])
    for given in ([0.0, 1.0], [np.nan, np.nan]):
        with pytest.raises(AssertionError):
            assert_close_to_scale(given, [np.nan, 1.0])


def test_nothing_but_zero_is_close_to_zero() -> None:
    assert_close_to_scale(np.zeros(3), np.zeros(3))
    with pytest.raises(AssertionError):
        assert_close_to_scale([0.0, 1e-9], [0.0, 0.0])


def test_gradients_are_compared_by_length() -> None:
    assert_gradient_close([3.0, 4.0003], [3.0, 4.0])
    for given in ([3.0, 4.001], [-3.0, -4.0], [np.nan, 4.0]):
        with pytest.raises(AssertionError):
            assert_gradient_close(given, [3.0, 4.0])
    with pytest.raises(AssertionError, match=r"\(1,\)"):
        assert_gradient_close([3.0], [3.0, 4.0])


def test_a_gradient_that_is_rounding_only_may_be_another() -> None:
    wanted = {"weight": np.array([3.0, 4.0]), "bias": np.array([1e-7])}
    assert_gradients_close({"weight": [3.0, 4.0], "bias": [-1e-7]}, wanted)
    for given in ({"weight": [3.0, 4.0], "bias": [1e-4]}, {"weight": [3.0, 4.01], "bias": [1e-7]}):
        with pytest.raises(AssertionError):
            assert_gradients_close(given, wanted)
    with pytest.raises(AssertionError):
        assert_gradients_close({"weight": [3.0, 4.0]}, wanted)
