"""Which row of a track each moment of the 30 Hz clock shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.systems.ego_social.from_video.moments import (
    Run,
    moment_at,
    moments_of,
    runs,
)
from eyeline.systems.ego_social.inputs import sample_at
from tests.systems.ego_social.raw_video import walker


def test_at_30_hz_moments_are_frames() -> None:
    clock = moments_of(walker(range(7, 5000)))
    assert clock.first == 7
    np.testing.assert_array_equal(clock.row, np.arange(4993))


@pytest.mark.parametrize(
    ("rate_hz", "first", "rows"),
    [
        (30 / 1.001, 0, [0, 1, 2, 3, 4, 5]),
        (60, 0, [0, 2, 4]),
        (90, 0, [0, 3, 5]),
        (25, 0, [0, 1, 2, 2, 3, 4, 5]),
        (15, 0, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        (10, 0, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5]),
    ],
)  # fmt: skip
def test_rates(rate_hz: float, first: int, rows: list[int]) -> None:
    clock = moments_of(walker(range(6), rate_hz=rate_hz))
    assert clock.first == first
    assert clock.row.tolist() == rows


def test_rows_have_the_moment_nearest_to_them() -> None:
    fast = walker(range(3, 9), rate_hz=60)
    clock = moments_of(fast)
    assert clock.first == 1  # 0.05 s lie between moments 1 and 2
    assert clock.of_rows(fast.time_s).tolist() == [0, 1, 1, 2, 2, 3]
    slow = walker(range(4), rate_hz=10)
    assert moments_of(slow).of_rows(slow.time_s).tolist() == [0, 3, 6, 9]


def test_a_hole_shows_nothing() -> None:
    whole = walker(range(20))
    kept = np.r_[0:5, 12:20]
    columns = {k: v[kept] for k, v in vars(whole).items() if isinstance(v, np.ndarray)}
    clock = moments_of(replace(whole, **columns))
    assert clock.row.tolist() == [*range(5), *[-1] * 7, *range(5, 13)]


def test_a_frame_that_is_shown_for_long_is_no_hole() -> None:
    still = walker(range(2), rate_hz=1)
    clock = moments_of(still)
    assert len(clock.row) == 60 and (clock.row >= 0).all()


def test_runs() -> None:
    result = runs(5, np.array([-1, 0, 0, 2, -1, -1, 2, 3]))
    assert result == [Run(0, 6, 2), Run(2, 8, 1), Run(2, 11, 1), Run(3, 12, 1)]
    assert runs(5, np.array([], np.int64)) == []
    assert runs(5, np.array([-1])) == []


def test_times_and_samples() -> None:
    assert moment_at(np.array([0.0, 1 / 60, 0.0168, 2.0])).tolist() == [0, 0, 1, 60]
    assert [sample_at(m) for m in (0, 1, 3, 150)] == [0, 533, 1600, 80_000]
