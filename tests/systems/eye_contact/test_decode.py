"""Calibration and decoding, against brute force and known cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeline.systems.eye_contact.decode import (
    Calibration,
    Decoding,
    balanced,
    cheapest_states,
    decode,
    fit_calibration,
)


def gain(states: tuple[int, ...], log_odds: list[float], switch_cost: float) -> float:
    changes = sum(a != b for a, b in itertools.pairwise(states))
    return sum(x for x, s in zip(log_odds, states, strict=True) if s) - switch_cost * changes


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(-30, 30), min_size=1, max_size=9),
    st.sampled_from([0.05, 0.45, 1.25, 4.05]),
)
def test_no_sequence_is_better(tenths: list[int], switch_cost: float) -> None:
    log_odds = [t / 10 for t in tenths]
    result = tuple(cheapest_states(np.array(log_odds), switch_cost).tolist())
    best = max(
        gain(s, log_odds, switch_cost) for s in itertools.product((0, 1), repeat=len(log_odds))
    )
    assert gain(result, log_odds, switch_cost) == pytest.approx(best)


@pytest.mark.parametrize(
    ("log_odds", "expected"),
    [
        ([], []),
        ([0.1], [1]),
        ([-0.1], [0]),
        ([1, 1, -0.2, 1, 1], [1, 1, 1, 1, 1]),  # a dip that is not worth two changes
        ([1, 1, -3, -3, 1, 1], [1, 1, 0, 0, 1, 1]),
        ([-1, -1, 0.3, -1], [0, 0, 0, 0]),
    ],
)
def test_states(log_odds: list[float], expected: list[int]) -> None:
    assert cheapest_states(np.array(log_odds, float), 0.5).tolist() == expected


def test_steady_evidence_outlasts_the_balance() -> None:
    """Someone who never looks away is not said to look away half of the time."""
    for level, state in ((1.0, 1), (-1.0, 0)):
        assert (decode(np.full(2000, level), Decoding()) == state).all()


def test_balance_is_local() -> None:
    log_odds = np.concatenate([np.full(1000, 2.0), np.full(1000, 0.0)])
    rest = balanced(log_odds, Decoding(balance=0.5, window_s=10))
    assert rest[:500] == pytest.approx(1.0) and rest[-500:] == pytest.approx(0.0)
    assert len(balanced(np.zeros(0), Decoding())) == 0


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_calibration_finds_the_scale(scale: float) -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 40_000)
    label = (rng.random(40_000) < Calibration(scale).probability(logit)).astype(np.int64)
    assert fit_calibration(logit, label).scale == pytest.approx(scale, rel=0.05)


def test_calibration_of_perfect_answers_stays_finite_and_calibration_keeps_the_side() -> None:
    logit = np.array([-1.0, 1.0])
    assert 1 < fit_calibration(logit, np.array([0, 1])).scale <= 10
    assert 0.01 <= fit_calibration(logit, np.array([1, 0])).scale < 0.1
    logit = np.array([-3.0, -0.1, 0.0, 0.1, 3.0])
    assert ((Calibration(0.4).probability(logit) >= 0.5) == (logit >= 0)).all()
