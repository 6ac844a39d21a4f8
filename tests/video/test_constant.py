"""Conversion to 25 frames a second: which frames, with audio, whole or not at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import OutputError, UsageError, VideoError
from eyeline.video import constant
from eyeline.video.audio import read_audio
from eyeline.video.constant import convert_to_25_fps, is_constant
from eyeline.video.reader import VideoReader, probe

from .conftest import Maker
from .generate import Audio, Clip, number_in


def numbers(path: Path) -> list[int | None]:
    return [number_in(frame.rgb()) for frame in VideoReader(path)]


def clicks_s(path: Path, start_s: float) -> list[float]:
    """Middles of the clicks in a file's audio, seconds after the first image."""
    blocks = read_audio(path, 16000, start_s=start_s)
    audio = np.abs(np.concatenate([block.samples for block in blocks]))
    loud = np.flatnonzero(audio > 0.3 * audio.max())
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 1600) + 1)
    return [float(group.mean()) / 16000 for group in groups]


@pytest.mark.parametrize("rate", [Fraction(10), Fraction(24000, 1001), Fraction(50)])
def test_every_frame_is_the_nearest_one(make: Maker, tmp_path: Path, rate: Fraction) -> None:
    source, target = make("mp4", Clip(frames=40, rate=rate)), tmp_path / "a_fps25.mkv"
    assert convert_to_25_fps(source, target) == "encoded"
    result = numbers(target)
    assert len(result) == np.ceil(40 / rate * 25)
    for k, number in enumerate(result):
        assert number is not None
        assert number == 39 or abs(number / rate - Fraction(k, 25)) <= 1 / rate / 2
    reader = VideoReader(target)
    assert [frame.time_s for frame in reader] == pytest.approx(
        np.arange(len(result)) / 25, abs=2e-3
    )
    assert is_constant(target)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_video_at_25_is_copied(make: Maker, tmp_path: Path, ending: str) -> None:
    clip = Clip(frames=50, rate=Fraction(25), audio=Audio())
    source, target = make("mp4", clip), tmp_path / f"a.{ending}"
    assert convert_to_25_fps(source, target) == "copied"
    assert numbers(target) == list(range(50))
    images = [[frame.gray() for frame in VideoReader(path)] for path in (source, target)]
    np.testing.assert_array_equal(*images)


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30)])
def test_audio_stays_in_step(make: Maker, tmp_path: Path, rate: Fraction) -> None:
    clip = Clip(frames=int(2 * rate), rate=rate, audio=Audio(), offset_s=Fraction(2, 5))
    source, target = make("mp4", clip), tmp_path / "a.mkv"
    convert_to_25_fps(source, target)
    expected = clicks_s(source, probe(source).start_s)
    assert len(expected) == 4
    assert clicks_s(target, probe(target).start_s) == pytest.approx(expected, abs=0.003)


def test_turned_and_uneven_videos_are_not_constant(make: Maker, tmp_path: Path) -> None:
    turned = make("mp4", Clip(frames=25, rate=Fraction(25), turn_deg=90))
    assert not is_constant(turned)
    assert convert_to_25_fps(turned, tmp_path / "a.mkv") == "encoded"
    assert numbers(tmp_path / "a.mkv") == list(range(25))
    times = [Fraction(n, 25) + Fraction(n % 2, 100) for n in range(25)]
    uneven = make("mp4", Clip(frames=25, times_s=times, time_base=Fraction(1, 12800)))
    assert not is_constant(uneven)


def test_nothing_is_left_of_a_failure(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make("mp4", Clip(frames=30))

    def failing(source: object, part: Path) -> bool:
        part.write_bytes(b"half")
        raise OutputError("the disk is full")

    monkeypatch.setattr(constant, "copied", failing)
    with pytest.raises(OutputError):
        convert_to_25_fps(source, tmp_path / "a.mkv")
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be(make: Maker, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.mkv or \.mp4"):
        convert_to_25_fps(make("mp4", Clip(frames=30)), tmp_path / "a.avi")
    with pytest.raises(VideoError):
        convert_to_25_fps(tmp_path / "nowhere.mp4", tmp_path / "a.mkv")
    with pytest.raises(OutputError):
        convert_to_25_fps(make("mp4", Clip(frames=30)), tmp_path / "no folder" / "a.mkv")
