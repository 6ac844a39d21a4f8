"""Voices: their pitch, their syllables, and the mouth that opens with them."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.results import Floats
from eyeline.synthetic.voice import AUDIO_HZ, HOP, Voice, speak

LOW = Voice(110.0, 0.85, 4.5, 0.05)
HIGH = Voice(220.0, 1.05, 4.5, 0.05)


def level_db(audio: Floats) -> float:
    return float(10 * np.log10(np.mean(np.square(audio)) + 1e-12))


def pitch_hz(audio: Floats) -> float:
    """From the first peak of the autocorrelation of the loudest half second."""
    half = AUDIO_HZ // 2
    starts = range(0, len(audio) - half, half // 2)
    piece = max((audio[s : s + half] for s in starts), key=level_db)
    spectrum = np.fft.rfft(piece - piece.mean(), 2 * half)
    match = np.fft.irfft(np.abs(spectrum) ** 2)
    lags = np.arange(AUDIO_HZ // 320, AUDIO_HZ // 75)
    return float(AUDIO_HZ / lags[match[lags].argmax()])


@pytest.mark.parametrize("voice", [LOW, HIGH])
def test_voices_have_their_pitch(voice: Voice) -> None:
    audio, _ = speak(np.random.default_rng(2), voice, 3.0)
    assert abs(np.log2(pitch_hz(audio) / voice.pitch_hz)) < 0.3
    assert np.sqrt(np.mean(audio**2)) == pytest.approx(0.2)
    assert len(audio) == 3 * AUDIO_HZ


def test_a_voice_sounds_while_its_mouth_is_open() -> None:
    audio, mouth = speak(np.random.default_rng(4), HIGH, 8.0)
    assert len(mouth) == len(audio) // HOP
    assert 0 <= mouth.min() < 0.1 < 0.6 < mouth.max() <= 1
    loud = np.sqrt(np.square(audio).reshape(-1, HOP).mean(axis=1))
    assert np.corrcoef(loud, mouth)[0, 1] > 0.3
    assert 2.5 < np.sum((mouth[1:-1] > mouth[:-2]) & (mouth[1:-1] >= mouth[2:])) / 8 < 9


def test_syllables_are_separate() -> None:
    audio, _ = speak(np.random.default_rng(4), LOW, 6.0)
    loud = 10 * np.log10(np.square(audio).reshape(-1, 4 * HOP).mean(axis=1) + 1e-9)
    assert np.quantile(loud, 0.9) - np.quantile(loud, 0.1) > 10
