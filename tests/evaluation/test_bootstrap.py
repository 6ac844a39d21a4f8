"""Intervals by draws of whole groups, of means, and of what two have of the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.evaluation.bootstrap import (
    bootstrap_interval,
    compared,
    difference_lines,
    drawn_mean,
    drawn_precision,
    interval,
)


def test_bootstrap_draws_groups() -> None:
    value = np.array([0.0, 0.0, 1.0, 1.0])
    low, high = bootstrap_interval(lambda g: float(value[g].mean()), 4, samples=400, seed=1)
    assert low == 0.0 and high == 1.0
    again = bootstrap_interval(lambda g: float(value[g].mean()), 4, samples=400, seed=1)
    assert again == (low, high)


def test_bootstrap_of_alike_groups_is_a_point() -> None:
    assert bootstrap_interval(lambda g: 0.25, 5) == (0.25, 0.25)


def test_bootstrap_leaves_out_draws_without_a_score() -> None:
    low, high = bootstrap_interval(lambda g: float("nan") if 0 in g else 0.5, 3)
    assert (low, high) == (0.5, 0.5)


def test_bootstrap_without_any_score_is_nan() -> None:
    assert np.isnan(bootstrap_interval(lambda g: float("nan"), 3)).all()


def test_no_interval() -> None:
    assert interval(lambda g: 1.0, 3, samples=0) is None
    assert interval(lambda g: float("nan"), 3, samples=5) is None
    assert interval(lambda g: 1.0, 3, samples=5) == [1.0, 1.0]


def test_means_of_draws_leave_out_what_is_not_known() -> None:
    of = drawn_mean(np.array([1.0, 3.0, np.nan, 8.0]), np.array([0, 0, 0, 1]), 3)
    assert of(np.array([0, 1, 1])) == pytest.approx((1 + 3 + 8 + 8) / 4)
    assert np.isnan(of(np.array([2])))


def test_precision_without_a_positive_or_a_score() -> None:
    none = np.full(3, np.nan)
    group = np.arange(3)
    assert np.isnan(drawn_precision(np.ones(3, np.int64), none, group, 3)(group))
    assert np.isnan(drawn_precision(np.zeros(3, np.int64), group / 3, group, 3)(group))
    of = drawn_precision(np.array([1, 0, 1]), group / 3, group, 3)
    assert np.isnan(of(np.array([1, 1, 1]))) and of(np.array([2, 1, 1])) == 1.0


@pytest.mark.parametrize("higher", [True, False])
def test_a_difference_is_paired(higher: bool) -> None:
    group = np.arange(6)
    noise = np.array([5.0, -3, 8, 0, 1, -2])
    one, two = drawn_mean(noise + 1, group, 6), drawn_mean(noise, group, 6)
    result = compared(one, two, 6, names=("a", "b"), higher=higher, samples=50)
    assert result is not None and result["difference"] == pytest.approx(1)
    assert result["interval"] == pytest.approx([1, 1]) and result["better"] is higher
    assert difference_lines({"x": result, "n": 3}, ("a", "b")) == [
        "  x                    2.500 a    1.500 b   +1.000  (+1.000 to +1.000)"
    ]
    alike = compared(one, one, 6, names=("a", "b"), higher=higher, samples=50)
    assert alike is not None and alike["better"] is None
    alone = compared(one, two, 1, names=("a", "b"), higher=higher)
    assert alone is not None and alone["interval"] is None and alone["better"] is None
    nothing = drawn_mean(np.full(6, np.nan), group, 6)
    assert compared(one, nothing, 6, names=("a", "b"), higher=higher) is None
