"""Key frames from all over a video."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import VideoError
from eyeline.video.keyframes import key_frames

from .conftest import Maker
from .generate import Clip, number_in


def test_key_frames_are_those_of_the_file_and_upright(make: Maker) -> None:
    path = make("mp4", Clip(frames=48, key_every=12, turn_deg=90))
    result = list(key_frames(path))
    assert [number_in(frame.rgb()) for frame in result] == [0, 12, 24, 36]
    assert [frame.time_s for frame in result] == [0, 0.5, 1, 1.5]


def test_they_may_be_thinned_out(make: Maker) -> None:
    path = make("mp4", Clip(frames=48, key_every=12))
    assert [number_in(frame.rgb()) for frame in key_frames(path, 0.9)] == [0, 24]


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("text")
    with pytest.raises(VideoError):
        list(key_frames(tmp_path / "text.mp4"))
