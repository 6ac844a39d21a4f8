"""A span of a video put into another file as it is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from eyeline.errors import VideoError
from eyeline.video.copying import copied_span
from eyeline.video.reader import VideoReader, probe

from .conftest import Maker
from .generate import Audio, Clip, number_in
from .test_constant import clicks_s

RATE = Fraction(30)


def numbers(path: Path) -> list[int | None]:
    return [number_in(frame.rgb()) for frame in VideoReader(path)]


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("offset", [0, 5])
def test_the_frames_of_the_span(make: Maker, tmp_path: Path, b_frames: int, offset: int) -> None:
    clip = Clip(60, RATE, key_every=10, b_frames=b_frames, offset_s=Fraction(offset))
    target = tmp_path / "b.mp4"
    assert copied_span(make("mp4", clip), target, 20 / 30, 50 / 30)
    assert numbers(target) == list(range(20, 50))
    assert [*tmp_path.glob(".*.copied.*")] == []


@pytest.mark.parametrize("first, last", [(21, 40), (15, 30), (70, 80)])
def test_no_key_frame_at_its_beginning(make: Maker, tmp_path: Path, first: int, last: int) -> None:
    source = make("mp4", Clip(60, RATE, key_every=10))
    assert not copied_span(source, tmp_path / "b.mp4", first / 30, last / 30)
    assert not (tmp_path / "b.mp4").exists()


def test_an_end_among_frames_out_of_order(make: Maker, tmp_path: Path) -> None:
    source = make("mp4", Clip(60, RATE, key_every=60, b_frames=3))
    possible = []
    for last in range(30, 42):
        if copied_span(source, tmp_path / "b.mp4", 0, last / 30):
            possible.append(last)
            assert numbers(tmp_path / "b.mp4") == list(range(last))
    assert 0 < len(possible) < 12, "some ends can be cut without encoding, and others not"


def test_audio_stays_in_step(make: Maker, tmp_path: Path) -> None:
    source = make("mp4", Clip(100, Fraction(25), key_every=25, audio=Audio()))
    target = tmp_path / "b.mp4"
    assert copied_span(source, target, 1, 3)
    assert numbers(target) == list(range(25, 75))
    before = [t - 1 for t in clicks_s(source, probe(source).start_s)]
    there = clicks_s(target, probe(target).start_s)
    inside = [t for t in before if 0.1 < t < 1.9]
    assert inside and all(min(abs(t - one) for one in there) < 0.03 for t in inside)
    assert max(there) < 2.1


def test_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"none")
    with pytest.raises(VideoError):
        copied_span(tmp_path / "a.mp4", tmp_path / "b.mp4", 0, 1)
