from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
import pytest

from eyeline.video.damage import DamageLog
from eyeline.video.placing import _Line, _Placer

from .generate import Audio, click_times, signal

RATE_HZ = 48000
EVEN = Audio("pcm", RATE_HZ, end_s=6, clicks_s=(0.25, 0.75, 1.5, 3.25, 5.25))


def frames(audio: Audio, stamp_s: Callable[[float], float | None]) -> list[av.AudioFrame]:
    """Decoded audio whose frames are stamped anew."""
    wave, created = signal(audio), []
    for start in range(0, wave.shape[1], 1024):
        piece = np.ascontiguousarray(wave[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        stamp = stamp_s(start / RATE_HZ)
        frame.pts = None if stamp is None else round(stamp * RATE_HZ)
        created.append(frame)
    return created


def placed(made: list[av.AudioFrame], rate_hz: int = 16000) -> npt.NDArray[np.float32]:
    log = DamageLog(Fraction(1024, RATE_HZ))
    placer, line = _Placer(rate_hz, 1, Fraction(0), log, None), _Line(1)
    pieces = []
    for frame in made:
        for at, samples in placer.add(frame):
            pieces += line.lay(at, samples, rate_hz)
    for at, samples in placer.finish():
        pieces += line.lay(at, samples, rate_hz)
    return np.concatenate(pieces, axis=1)[0]


def clicks(stamp_s: Callable[[float], float | None]) -> list[float]:
    return click_times(placed(frames(EVEN, stamp_s)), 16000)


def test_even_stamps() -> None:
    assert clicks(lambda s: s) == pytest.approx(EVEN.clicks_s, abs=1e-4)


def test_missing_stamps_follow_on() -> None:
    assert clicks(lambda s: s if s < 1 else None) == pytest.approx(EVEN.clicks_s, abs=1e-4)


def test_jitter_is_no_gap() -> None:
    """As a browser stamps what it records."""
    random = np.random.default_rng(0)
    result = clicks(lambda s: s + random.normal(0, 0.005))
    assert result == pytest.approx(EVEN.clicks_s, abs=0.004)


@pytest.mark.parametrize("until_s", [1.02, 1.2])
def test_stamps_that_leap_ahead_shift_nothing_after_them(until_s: float) -> None:
    """A single wild stamp is not believed; a wild stretch is, but only until it ends."""
    result = clicks(lambda s: s + 1.5 if 1 <= s < until_s else s)
    after = [click for click in result if click > 3]
    assert result[:2] == pytest.approx([0.25, 0.75], abs=1e-4)
    assert after == pytest.approx([3.25, 5.25], abs=1e-4)


def test_single_wild_stamp_costs_nothing() -> None:
    result = clicks(lambda s: s + 1.5 if 1 <= s < 1.02 else s)
    assert result == pytest.approx(EVEN.clicks_s, abs=1e-4)


def test_clock_that_is_set_back_goes_on() -> None:
    result = clicks(lambda s: s if s < 2 else s - 2)
    assert result == pytest.approx(EVEN.clicks_s, abs=1e-4)


def test_gap_is_silent_and_overlap_is_left_out() -> None:
    gap = placed([f for f in frames(EVEN, lambda s: s) if not 2 <= f.pts / RATE_HZ < 3])
    assert click_times(gap, 16000) == pytest.approx(EVEN.clicks_s, abs=1e-4)
    assert not gap[round(2.1 * 16000) : round(2.9 * 16000)].any()
    overlap = placed(frames(EVEN, lambda s: s if s < 2 else s - 0.5))
    assert len(overlap) == pytest.approx(5.5 * 16000, abs=2)
    assert click_times(overlap, 16000)[-1] == pytest.approx(4.75, abs=1e-4)


def test_format_that_changes_midway() -> None:
    created = frames(EVEN, lambda s: s)
    for place in range(100, len(created)):
        stamp = created[place].pts
        stereo = np.repeat(created[place].to_ndarray(), 2, axis=0)
        created[place] = av.AudioFrame.from_ndarray(stereo, format="fltp", layout="stereo")
        created[place].sample_rate, created[place].pts = RATE_HZ, stamp
        created[place].time_base = Fraction(1, RATE_HZ)
    samples = placed(created)
    assert click_times(samples, 16000) == pytest.approx(EVEN.clicks_s, abs=1e-4)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.03)


def test_line_lays_pieces_without_gap_or_overlap() -> None:
    line = _Line(2)
    one = np.ones((2, 4), np.float32)
    laid = [piece for at in (-2, 5, 6, 0) for piece in line.lay(at, one, rate_hz=2)]
    assert [piece.shape[1] for piece in laid] == [2, 2, 1, 4, 1]
    assert [piece[0, 0] for piece in laid] == [1, 0, 0, 1, 1]
    assert line.position == 10
