from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, zip_longest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeline.video.clock import Clock, Grid, Reordering, Spacing

TICK = Fraction(1, 1000)
PERIOD = Fraction(40, 1000)


def place(stamps: list[int | None], declared_end: int | None = None) -> tuple[list[int], Clock]:
    """Stamps in milliseconds as the clock gives them."""
    end = None if declared_end is None else declared_end * TICK
    clock = Clock(TICK, PERIOD, end)
    pairs = zip_longest(stamps, stamps[1:])
    return [round(clock.place(stamp, None, after) * 1000) for stamp, after in pairs], clock


@pytest.mark.parametrize(
    ("stamps", "expected", "missing", "backward"),
    [
        ([], [], 0, 0),
        ([500], [500], 0, 0),
        ([0, 40, 80], [0, 40, 80], 0, 0),
        # a variable rate is left alone
        ([7, 40, 2000, 2001], [7, 40, 2000, 2001], 0, 0),
        # missing stamps go by the rate
        ([0, None, None, 120], [0, 40, 80, 120], 2, 0),
        ([None, None, 80], [0, 40, 80], 2, 0),
        # a repeated stamp costs half a period, so the next one is right
        ([0, 40, 40, 80, 120], [0, 40, 60, 80, 120], 0, 1),
        ([0, 40, 39, 80], [0, 20, 39, 80], 0, 1),
        # a clock that was set back goes on by the rate, until it has caught up
        ([9000, 9040, 0, 40, 80, 9200], [9000, 9040, 9080, 9120, 9160, 9200], 0, 3),
        # one stamp that leaps ahead of its neighbours is not believed
        ([0, 40, 900, 120, 160], [0, 40, 80, 120, 160], 0, 1),
        ([0, 40, 70, 60, 100], [0, 40, 50, 60, 100], 0, 1),
        ([900, 0, 40], [-40, 0, 40], 0, 1),
    ],
)
def test_stamps_always_increase(stamps, expected, missing, backward) -> None:
    given_stamps, clock = place(stamps)
    assert given_stamps == expected
    assert (clock.missing, clock.backward) == (missing, backward)
    assert len(clock.warnings) == bool(missing) + bool(backward)


def test_stamp_far_beyond_the_declared_end_is_not_believed() -> None:
    assert place([0, 40, 500_000, 120], declared_end=2000)[0] == [0, 40, 80, 120]


def test_long_pause_within_the_declared_end_is_believed() -> None:
    assert place([0, 40, 500_000], declared_end=500_040)[0] == [0, 40, 500_000]


def test_decoding_stamp_stands_in_for_a_missing_one() -> None:
    clock = Clock(TICK, PERIOD)
    assert [clock.place(None, dts) * 1000 for dts in (80, 120, 200, None)] == [80, 120, 200, 240]


def reordered(packets: list[tuple[int, int]], order: list[int], depth: int) -> list[int | None]:
    """Stamps of frames shown in the order of `order`, indices of packets, `depth` behind them."""
    reordering = Reordering()
    shown: list[int | None] = []
    for count, (pts, dts) in enumerate(packets):
        reordering.sent(pts, dts)
        if count >= depth:
            shown.append(reordering.shown(packets[order[len(shown)]][0], depth))
    while len(shown) < len(packets):
        shown.append(reordering.shown(packets[order[len(shown)]][0], depth))
    return shown


def test_decoding_stamps_are_put_in_order() -> None:
    packets = [(n, n) for n in range(8)]
    assert reordered(packets, [0, 1, 4, 3, 2, 5, 6, 7], depth=2) == list(range(8))


def test_true_presentation_stamps_are_left_alone() -> None:
    packets = [(0, -2), (3, -1), (1, 0), (2, 1), (6, 2), (4, 3), (5, 4)]
    assert reordered(packets, [0, 2, 3, 1, 5, 6, 4], depth=2) == list(range(7))


def test_without_reordering_a_frame_keeps_even_an_odd_stamp() -> None:
    packets = [(n, n) for n in (0, 1, 3, 2, 4)]
    assert reordered(packets, list(range(5)), depth=0) == [0, 1, 3, 2, 4]


def test_packet_without_a_frame_does_not_shift_the_others() -> None:
    known, silent = Reordering(), Reordering()
    for reordering in (known, silent):
        for stamp in range(3):
            reordering.sent(stamp, stamp)
        assert reordering.shown(0, 2) == 0
        reordering.sent(3, 3)
    known.lost(1)
    assert known.shown(2, 2) == 2
    # unknown at first, it is noticed when the decoder holds less than it ought to
    assert silent.shown(2, 2) == 1
    for stamp in (4, 5):
        silent.sent(stamp, stamp)
    assert [silent.shown(3, 2), silent.shown(4, 2), silent.shown(5, 2)] == [3, 4, 5]


@given(st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), max_size=30))
def test_any_stamps_give_increasing_times(stamps: list[int | None]) -> None:
    clock = Clock(TICK, PERIOD, Fraction(5))
    pairs = zip_longest(stamps, stamps[1:])
    times = [clock.place(stamp, None, after) for stamp, after in pairs]
    assert all(later > earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    ("times_ms", "variable"),
    [
        ([], False),
        ([0], False),
        ([0, 40], False),
        # 24 Hz in milliseconds
        ([0, 42, 83, 125, 167], False),
        ([0, 40, 80, 160], True),
        ([0, 30, 70, 100], True),
    ],
)
def test_spacing(times_ms: list[int], variable: bool) -> None:
    spacing = Spacing(TICK)
    for earlier, later in pairwise(times_ms):
        spacing.add((later - earlier) * TICK)
    assert spacing.variable is variable


def chosen(times_s: list[float], end_s: float, rate_hz: float) -> list[int]:
    grid = Grid(rate_hz)
    bounds = [(a + b) / 2 for a, b in pairwise(times_s)]
    wanted = [grid.wants(bound) for bound in bounds] + [grid.wants(end_s, last=True)]
    return [index for index, want in enumerate(wanted) if want]


@pytest.mark.parametrize(
    ("times_s", "end_s", "rate_hz", "expected"),
    [
        ([0.0], 0.04, 10, [0]),
        ([k / 25 for k in range(10)], 0.4, 25, list(range(10))),
        ([k / 25 for k in range(10)], 0.4, 1000, list(range(10))),
        ([k / 25 for k in range(11)], 0.44, 12.5, [0, 2, 4, 6, 8, 10]),
        ([k / 25 for k in range(25)], 1.0, 1, [0]),
        # 0.1 lies midway between frames 2 and 3: the earlier one is taken
        ([k / 25 for k in range(6)], 0.24, 10, [0, 2, 5]),
        # a pause: of four points in it, two are nearest to each of its ends
        ([0.0, 0.1, 0.6, 0.7], 0.8, 10, [0, 1, 2, 3]),
    ],
)
def test_grid_takes_the_nearest_frames(times_s, end_s, rate_hz, expected) -> None:
    assert chosen(times_s, end_s, rate_hz) == expected


@given(
    st.lists(st.floats(0.005, 0.5), min_size=1, max_size=40),
    st.floats(0.5, 60.0),
)
def test_grid_agrees_with_a_search_for_the_nearest(intervals: list[float], rate_hz: float) -> None:
    times = np.concatenate([[0.0], np.cumsum(intervals)])
    end = times[-1] + 0.01
    points = np.arange(0, end, 1 / rate_hz)
    distance = np.abs(times[None] - points[:, None])
    nearest = set(distance.argmin(axis=1).tolist())
    two = np.partition(distance, 1, axis=1)[:, :2]
    clear = np.abs(two[:, 1] - two[:, 0]).min() > 1e-4 and abs(points[-1] - end) > 1e-4
    got = set(chosen(times.tolist(), end, rate_hz))
    assert 0 in got
    if clear and abs(end * rate_hz - round(end * rate_hz)) > 1e-3:
        assert got == nearest
