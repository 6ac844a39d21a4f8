"""Spectrograms against the original's, of a clip and of a whole video cut into clips."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.windows import spectrogram
from eyeline.systems.gaze_anticipation.windows.spectrogram import SILENCE
from tests.systems.gaze_anticipation.filmed import tone
from tests.systems.gaze_anticipation.invented import golden


@pytest.mark.parametrize("case", ["mono_spec", "stereo_spec", "mono_16k_spec_of_first_8000"])
def test_as_published(case: str) -> None:
    file = golden("stft")
    pcm = file["stereo_pcm16" if case.startswith("stereo") else "mono_pcm16"] / np.float32(32768)
    rate = 16_000 if "16k" in case else spectrogram.AUDIO_HZ
    audio = pcm.mean(axis=1) if pcm.ndim == 2 else pcm[: 8000 if "16k" in case else None]
    result = spectrogram.spectrogram(audio, rate)
    assert result.shape == file[case].shape and np.abs(result - file[case]).max() <= 1e-4


def test_silence() -> None:
    file, result = golden("stft"), spectrogram.spectrogram(np.zeros(120_000, np.float32))
    assert result.shape == tuple(file["silence_5s_shape"]) == (256, 1000)
    assert (result == file["silence_5s_value"]).all() and pytest.approx(result.max()) == SILENCE


@pytest.mark.parametrize("block", [999, 24_000, 200_000])
def test_in_blocks_as_at_once(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrogram, "_PIECE", 300)
    audio = tone(6.01)
    blocks = (audio[i : i + block] for i in range(0, len(audio), block))
    result = np.concatenate([*spectrogram.pieces(blocks)])
    assert np.array_equal(result.T, spectrogram.spectrogram(audio))


@pytest.mark.parametrize("samples", [1, 119, 120, 121])
def test_short_sounds_in_blocks(samples: int) -> None:
    audio = tone(1)[:samples]
    result = np.concatenate([*spectrogram.pieces([audio])])
    assert np.array_equal(result.T, spectrogram.spectrogram(audio))


def test_a_clip_of_the_whole_differs_in_its_first_column_only() -> None:
    audio = tone(15)
    whole = spectrogram.spectrogram(audio)
    clip = spectrogram.spectrogram(audio[5 * 24_000 : 10 * 24_000])
    cut = whole[:, 1000:2000]
    assert np.array_equal(clip[:, 1:], cut[:, 1:])
    assert np.abs(clip[:, 0] - cut[:, 0]).max() > 0.1
    head = spectrogram.first_columns(audio[None, 5 * 24_000 :][:, :256])
    assert np.abs(head[0] - clip[:, 0]).max() < 1e-5


def test_no_audio() -> None:
    assert [*spectrogram.pieces([])] == []
    with pytest.raises(DataError, match="0 samples"):
        spectrogram.spectrogram(np.zeros(0, np.float32))
