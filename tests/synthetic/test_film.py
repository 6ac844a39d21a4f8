"""Video and sound that come from no other file."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from eyeline.synthetic.film import write_video
from eyeline.video.reader import VideoReader, probe
from eyeline.video.sound import has_sound, pcm16, write_wav


def test_a_wave_file_holds_its_samples(tmp_path: Path) -> None:
    samples = pcm16(np.array([0, 0.5, -1, 1]))
    write_wav(tmp_path / "a.wav", samples, 16_000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 16_000)
        content = np.frombuffer(file.readframes(4), "<i2")
    assert content.tolist() == [0, 16384, -32767, 32767]


@pytest.mark.parametrize("heard", [True, False])
def test_a_video_has_its_frames_and_sound(tmp_path: Path, heard: bool) -> None:
    sound = tmp_path / "a.wav"
    write_wav(sound, np.zeros(8000, np.int16), 16_000)
    shades = [20, 120, 220, 60, 160]
    pictures = (np.full((48, 64, 3), shade, np.uint8) for shade in shades)
    path = tmp_path / "a.mp4"
    write_video(path, pictures, (64, 48), 5, 10, sound if heard else None)
    info = probe(path)
    assert (info.width_px, info.height_px, info.rate_hz, info.frame_count) == (64, 48, 10, 5)
    assert has_sound(path) is heard
    seen = [float(frame.rgb().mean()) for frame in VideoReader(path)]
    np.testing.assert_allclose(seen, shades, atol=4)
