from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from eyeline.results import Gap
from eyeline.video.audio import read_audio
from eyeline.video.gaps import GapFinder, Shortened
from eyeline.video.placing import LongSilenceError, audio_spans
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots

from .generate import Clip, number_in, write_with_hole


def gaps_in(times_s: list[float]) -> list[tuple[float, float]]:
    """The gaps that are seen in a video with these stamps, each read 50 packets ahead."""
    finder = GapFinder(Fraction(1, 1000))
    ticks = [round(t * 1000) for t in times_s]
    result = []
    for k, (at, following) in enumerate(itertools.pairwise(ticks)):
        for later in ticks[k : k + 50] if not k else ticks[k + 49 : k + 50]:
            finder.read(later)
        ends = finder.frame_ends(Fraction(at, 1000), Fraction(following, 1000))
        if ends < Fraction(following, 1000):
            result.append((float(ends), following / 1000))
    return result


def steps(*runs: tuple[int, float]) -> list[float]:
    """Stamps from 0 with runs of so many equal steps."""
    return [0.0, *np.cumsum([step for count, step in runs for _ in range(count)]).tolist()]


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([(50, 0.04), (1, 60), (50, 0.04)], [(2.04, 62.0)]),  # a jump of the clock
        ([(1, 60), (50, 0.04)], [(0.04, 60)]),  # after the first frame
        ([(50, 0.04), (1, 60)], [(2.04, 62)]),  # before the last one
        ([(50, 0.04), (1, 60), (50, 0.04), (1, 60), (9, 0.04)], [(2.04, 62), (64.04, 124)]),
        ([(100, 1)], []),  # slides
        ([(100, 5)], []),
        ([(20, 1), (1, 60), (20, 1)], [(21, 80)]),  # slides with a hole
        ([(100, 0.04), (30, 5)], []),  # a film, then slides
        ([(30, 5), (100, 0.04)], []),
        ([(7, 0.04), (1, 3), (7, 0.04), (1, 4)] * 9, []),  # frames only when something changes
        ([(50, 0.04), (1, 0.9), (50, 0.04)], []),  # a pause
        ([(1, 60)], []),  # nothing says what is usual
    ],
)
def test_a_gap_is_longer_than_what_is_usual_around_it(runs, found) -> None:
    assert gaps_in(steps(*runs)) == [pytest.approx(gap, abs=0.002) for gap in found]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("rate_hz", [None, 5.0])
def test_the_reader_ends_frames_at_gaps(suffix: str, rate_hz: float | None, tmp_path: Path) -> None:
    path = write_with_hole(tmp_path / f"gap.{suffix}", 3600)
    reader = VideoReader(path, rate_hz=rate_hz)
    frames = list(reader)
    (gap,) = reader.info.gaps
    assert (gap.start_s, gap.end_s) == pytest.approx((2, 3602), abs=0.01)
    assert reader.info.duration_s == pytest.approx(3604, abs=0.03)
    assert reader.info.analysed_s == pytest.approx(4, abs=0.03)
    assert float(reader.info.rate_hz) == pytest.approx(25, abs=0.2)
    assert not reader.info.variable_rate or suffix == "mkv"  # whose stamps are milliseconds
    shown_s = sum(frame.end_s - frame.time_s for frame in frames)
    assert shown_s == pytest.approx(4, abs=0.03)
    after = next((frame for frame in frames if frame.time_s > 3601), None)
    assert after is None or (after.index, True) in [(f.index, new) for f, new in mark_shots(frames)]


def test_slow_and_uneven_videos_have_no_gaps(make) -> None:
    slow = VideoReader(make("mp4", Clip(frames=12, rate=Fraction(1))))
    assert [number_in(frame.gray()) for frame in slow] == list(range(12))
    assert slow.info.gaps == ()


def test_dead_time_is_left_out_of_the_audio(tmp_path: Path) -> None:
    path = write_with_hole(tmp_path / "gap.mp4", 3600, codec="aac")
    clock = Shortened.of([Gap(2.0, 3602.0)], audio_spans(path, Fraction(0)))
    assert [(d.start_s, d.end_s) for d in clock.dead] == [(pytest.approx(3, abs=1), 3602)]
    blocks = list(read_audio(path, 16000, start_s=0, clock=clock))
    samples = np.concatenate([block.samples for block in blocks])
    assert len(samples) / 16000 == pytest.approx(5 + 5, abs=2)
    loud_s = np.flatnonzero(np.abs(samples) > 0.2) / 16000
    assert loud_s.max() == pytest.approx(1.75, abs=0.05)
    with pytest.raises(LongSilenceError):
        list(read_audio(path, 16000, start_s=0, clock=Shortened(known=False)))


def test_audio_that_goes_on_keeps_its_time(tmp_path: Path) -> None:
    path = write_with_hole(tmp_path / "gap.mkv", 60, video_only=True)
    clock = Shortened.of([Gap(2.0, 62.0)], audio_spans(path, Fraction(0)))
    assert [(d.start_s, d.end_s) for d in clock.dead] == [pytest.approx((4, 62), abs=0.05)]


def test_times_come_back_from_the_shortened_clock() -> None:
    clock = Shortened((Gap(2.0, 62.0), Gap(100.0, 1000.5)))
    assert clock.cuts == [(4.0, 55), (102.0, 895)]
    assert clock.shorter(np.array([1.0, 62.0, 99.0, 1000.5])).tolist() == [1.0, 7.0, 44.0, 50.5]
    times_s = np.array([0.0, 1.96, 62.0, 99.96, 1000.5, 1001.0])
    assert clock.longer(clock.shorter(times_s)).tolist() == times_s.tolist()
    assert Shortened.of([Gap(2.0, 9.0)], []).cuts == []
