"""Numbers at a constant rate: each has the frame that is nearest to it in time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeline.video.grid import on_grid
from eyeline.video.reader import VideoReader

from .conftest import Maker
from .generate import Clip, number_in


@dataclass(frozen=True)
class Shown:
    time_s: float
    end_s: float


def shown(times: list[float], end: float) -> list[Shown]:
    return [Shown(a, b) for a, b in zip(times, [*times[1:], end], strict=True)]


def test_a_slower_video_comes_again_and_none_is_left_out() -> None:
    frames = shown([0.0, 0.1, 0.2], 0.3)
    result = [(k, frames.index(f)) for k, f in on_grid(frames, 25)]  # type: ignore[arg-type]
    assert result == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2), (7, 2)]


def test_no_frame_no_number_and_one_frame_until_its_end() -> None:
    assert list(on_grid([], 25)) == []
    assert [k for k, _ in on_grid(shown([0.0], 0.04), 25)] == [0]  # type: ignore[arg-type]
    assert [k for k, _ in on_grid(shown([0.0], 0.1), 25)] == [0, 1, 2]  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=30))
def test_every_number_has_the_nearest_frame(steps_ms: list[int]) -> None:
    """Frames that no number is nearest to may be among them, as long as the grid is kept."""
    times = [0.0, *(np.cumsum(steps_ms) / 1000).tolist()]
    frames = shown(times, times[-1] + 0.04)
    result = list(on_grid(frames, 25))  # type: ignore[arg-type]
    assert [k for k, _ in result] == list(range(len(result)))
    assert len(result) == int(np.ceil(frames[-1].end_s * 25 - 1e-6))
    for k, frame in result:
        nearest = min(abs(time - k / 25) for time in times)
        assert abs(frame.time_s - k / 25) <= nearest + 1e-6


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(10), Fraction(50), Fraction(30)])
def test_real_files_of_any_rate(make: Maker, rate: Fraction) -> None:
    path: Path = make("mp4", Clip(frames=40, rate=rate))
    numbers = [(k, number_in(f.rgb())) for k, f in on_grid(VideoReader(path, rate_hz=25), 25)]
    assert [k for k, _ in numbers] == list(range(int(np.ceil(40 / rate * 25))))
    for k, number in numbers:
        assert number is not None
        assert abs(Fraction(number) / rate - Fraction(k, 25)) <= 1 / rate / 2 + Fraction(1, 25) * (
            number == 39
        )
