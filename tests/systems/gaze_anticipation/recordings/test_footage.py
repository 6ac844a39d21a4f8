"""Frames by their own stamps, whatever lies between them and the key frames."""

from __future__ import annotations

import os
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, VideoError
from eyeline.systems.gaze_anticipation.recordings.footage import Frames, Videos, find_frames
from tests.systems.gaze_anticipation.filmed import number_of, write_video


@pytest.mark.parametrize("key_every", [7, 25, 250])
@pytest.mark.parametrize("b_frames", [0, 3])
def test_the_same_frames_whatever_the_key_frames(
    tmp_path: Path, key_every: int, b_frames: int
) -> None:
    path = write_video(tmp_path / "v.mp4", 100, key_every=key_every, b_frames=b_frames)
    frames = find_frames(path)
    assert (
        len(frames) == 100 and frames.rate_hz == 30 and frames.duration_s == pytest.approx(10 / 3)
    )
    assert len(frames.keys) == -(-100 // key_every)
    videos = Videos()
    for numbers in ([73, 80, 99], [0, 1, 2], [22, 31, 40, 49, 58, 67, 76, 85], [50, 50, 51]):
        result = videos.read(path, frames, np.array(numbers))
        assert number_of(result) == numbers
    videos.close()


def test_one_after_the_other(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", 60, key_every=20)
    numbers = np.array([10, 11, 11, 30, 59])
    result = np.stack([*Videos().each(path, find_frames(path), numbers)])
    assert number_of(result) == numbers.tolist()


def test_few_stay_open_and_none_travels(tmp_path: Path) -> None:
    paths = [write_video(tmp_path / f"{k}.mp4", 20) for k in range(3)]
    videos = Videos(2)
    for _ in range(2):
        for path in paths:
            assert number_of(videos.read(path, find_frames(path), np.array([3, 19]))) == [3, 19]
    assert len(videos._open) == 2
    assert not pickle.loads(pickle.dumps(videos))._open
    videos.close()


def test_what_is_not_there(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", 20)
    with pytest.raises(DataError, match="20 frames; number 20"):
        Videos().read(path, find_frames(path), np.array([3, 20]))
    with pytest.raises(VideoError, match=r"gone.mp4 does not exist"):
        find_frames(tmp_path / "gone.mp4")


def test_a_file_cut_short_names_the_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", 60, key_every=20)
    frames = find_frames(path)
    other = write_video(tmp_path / "w.mp4", 30)
    with pytest.raises(DataError, match="frame 40 cannot be decoded"):
        Videos().read(other, frames, np.array([20, 40]))


@pytest.mark.parametrize(
    ("rate", "tick", "time_s", "number"),
    [
        (Fraction(30), Fraction(1, 15360), 5.0, 150),
        (Fraction(30), Fraction(1, 1000), 2 / 30, 2),
        (Fraction(30000, 1001), Fraction(1, 30000), 5.0, 149),
        (Fraction(30), Fraction(1, 15360), -1.0, 0),
        (Fraction(30), Fraction(1, 15360), 99.0, 299),
    ],
)
def test_which_frame_is_on_show(rate: Fraction, tick: Fraction, time_s: float, number: int) -> None:
    stamps = np.round(np.arange(300) / float(rate) / float(tick)).astype(np.int64)
    frames = Frames(stamps, stamps[:1], tick, rate)
    assert frames.shown_at([time_s]).tolist() == [number]


def test_a_process_that_branches_off_opens_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, videos = write_video(tmp_path / "v.mp4", 20), Videos()
    frames = find_frames(path)
    videos.read(path, frames, np.array([3]))
    before = videos._open[path]
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert number_of(videos.read(path, frames, np.array([4]))) == [4]
    assert videos._open[path] is not before
    before.close()
    videos.close()
