"""Smooth noise, values that are followed, runs of ones."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.synthetic.motion import draw_span, follow, runs, wander


def test_wander_has_the_std_and_the_memory_it_says() -> None:
    result = wander(np.random.default_rng(0), 40_000, 2, 20)
    assert np.abs(result.std(axis=0) - 1).max() < 0.08
    near, far = (np.mean(result[:-lag] * result[lag:]) for lag in (2, 150))
    assert near > 0.95
    assert abs(far) < 0.1


@pytest.mark.parametrize(
    ("flags", "least", "wanted"),
    [
        ([], 1, []),
        ([1], 1, [(0, 1)]),
        ([0, 1, 1, 0, 1], 2, [(1, 3)]),
        ([1, 0, 1], 1, [(0, 1), (2, 3)]),
    ],
)
def test_runs(flags: list[int], least: int, wanted: list[tuple[int, int]]) -> None:
    assert runs(np.array(flags, np.int64), least) == wanted


def test_values_are_followed_from_the_first_on() -> None:
    result = follow(np.array([[2.0], [2.0], [6.0], [6.0]]), 0.5)
    np.testing.assert_allclose(result[:, 0], [2, 2, 4, 5])


def test_spans_lie_about_their_median_and_within_bounds() -> None:
    rng = np.random.default_rng(0)
    spans = [draw_span(rng, (20.0, 0.8), 5, 60) for _ in range(2000)]
    assert min(spans) == 5 and max(spans) == 60
    assert abs(np.median(spans) - 20) < 2
