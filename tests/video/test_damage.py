from __future__ import annotations

from fractions import Fraction

import pytest

from eyeline.results import Damage
from eyeline.video.damage import DamageLog
from eyeline.video.decode import Fault

PERIOD = Fraction(40, 1000)


def show(log: DamageLog, numbers: range, keys: tuple[int, ...] = (), corrupt=()) -> list[int]:
    """Show frames at multiples of the period; the numbers of those in a damaged span."""
    return [n for n in numbers if log.shown(n * PERIOD, key=n in keys, corrupt=n in corrupt)]


def spans_in_frames(log: DamageLog) -> list[tuple[int, int]]:
    return [(round(a / PERIOD), round(b / PERIOD)) for a, b, _ in log.spans]


def test_nothing_wrong_gives_no_damage() -> None:
    log = DamageLog(PERIOD)
    assert show(log, range(10), keys=(0, 5)) == []
    log.finish(10 * PERIOD)
    assert log.on_clock(Fraction(0)) == ()


def test_damage_lasts_to_the_next_whole_key_frame() -> None:
    log = DamageLog(PERIOD)
    assert show(log, range(20), keys=(0, 5, 10, 15), corrupt=(7, 10)) == list(range(7, 15))
    log.finish(20 * PERIOD)
    assert spans_in_frames(log) == [(7, 15)]


def test_lost_packet_is_placed_by_its_own_stamp() -> None:
    log = DamageLog(PERIOD)
    show(log, range(6), keys=(0,))
    # known before frame 6 is shown, as decoding runs ahead
    log.fault(Fault(8 * PERIOD, "broken"))
    assert log.unsettled
    assert show(log, range(6, 8)) == []
    assert show(log, range(9, 14), keys=(12,)) == [9, 10, 11]
    log.finish(14 * PERIOD)
    assert log.on_clock(PERIOD) == (Damage(pytest.approx(0.28), pytest.approx(0.44), "broken"),)


def test_lost_frame_before_a_key_frame_costs_only_itself() -> None:
    log = DamageLog(PERIOD)
    show(log, range(4))
    log.fault(Fault(4 * PERIOD, "broken"))
    assert show(log, range(5, 7), keys=(5,)) == []
    assert spans_in_frames(log) == [(4, 5)]


def test_complaint_of_the_container_counts_only_with_a_gap() -> None:
    quiet, lossy = DamageLog(PERIOD), DamageLog(PERIOD)
    for log in (quiet, lossy):
        show(log, range(4))
        log.fault(Fault(None, "invalid element", sure=False))
    show(quiet, range(4, 8), keys=(5,))
    show(lossy, range(6, 10), keys=(6,))
    assert quiet.spans == []
    assert spans_in_frames(lossy) == [(4, 6)]
    assert lossy.spans[0][2] == "invalid element"


def test_file_that_ends_early_is_damaged_to_its_declared_end() -> None:
    log = DamageLog(PERIOD)
    show(log, range(4))
    log.fault(Fault(4 * PERIOD, "partial file"))
    log.finish(4 * PERIOD, cut_off_at=100 * PERIOD)
    assert spans_in_frames(log) == [(4, 100)]
    assert log.spans[0][2] == "partial file (and 1 more)"


def test_damage_before_the_first_frame_lies_before_time_zero() -> None:
    log = DamageLog(PERIOD)
    log.fault(Fault(Fraction(0), "broken"))
    show(log, range(5, 8), keys=(5,))
    log.finish(8 * PERIOD)
    assert log.on_clock(5 * PERIOD) == (Damage(-0.2, 0.0, "broken"),)
