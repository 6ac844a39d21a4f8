"""Video and audio that come from no other file."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from eyeline.synthetic.film import write_video
from eyeline.video.audio import has_audio, pcm16, write_wav
from eyeline.video.reader import VideoReader, probe


def test_a_wave_file_holds_its_samples(tmp_path: Path) -> None:
    samples = pcm16(np.array([0, 0.5, -1, 1]))
    write_wav(tmp_path / "a.wav", samples, 16_000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 16_000)
        content = np.frombuffer(file.readframes(4), "<i2")
    assert content.tolist() == [0, 16384, -32767, 32767]


@pytest.mark.parametrize("heard", [True, False])
def test_a_video_has_its_frames_and_audio(tmp_path: Path, heard: bool) -> None:
    audio = tmp_path / "a.wav"
    write_wav(audio, np.zeros(8000, np.int16), 16_000)
    shades = [20, 120, 220, 60, 160]
    images = (np.full((48, 64, 3), shade, np.uint8) for shade in shades)
    path = tmp_path / "a.mp4"
    write_video(path, images, (64, 48), 5, 10, audio if heard else None)
    info = probe(path)
    assert (info.width_px, info.height_px, info.rate_hz, info.frame_count) == (64, 48, 10, 5)
    assert has_audio(path) is heard
    seen = [float(frame.rgb().mean()) for frame in VideoReader(path)]
    np.testing.assert_allclose(seen, shades, atol=4)
