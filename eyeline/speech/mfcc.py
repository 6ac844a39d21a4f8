"""Mel-frequency cepstral coefficients as `python_speech_features` defines them, piece by piece.

Every constant below is a default of that package, on which the speaker networks were trained.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats
from eyeline.speech.voice import HOP_SAMPLES, RATE_HZ, Windows, continuous

if TYPE_CHECKING:
    from eyeline.video.audio import AudioBlock

COEFFICIENTS = 13
WINDOW_SAMPLES = 400
"""25 ms, rectangular."""
FFT_SAMPLES = 512
FILTERS = 26
PRE_EMPHASIS = 0.97
LIFTER = 22
FULL_SCALE = 32768
"""The networks saw 16-bit samples that were not scaled to [-1, 1]."""


def mfcc(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Coefficients of a whole audio.

    Args:
        samples: `(n,)` 16 kHz in [-1, 1]; what is louder is clipped, as in a 16-bit file.

    Returns:
        `(frames, 13)`; frame k begins at k * 10 ms, the last one is filled up with silence.
    """
    stream = MfccStream()
    return np.concatenate([stream.feed(samples), stream.finish()])


def mfcc_of_blocks(audio: Iterable[AudioBlock]) -> npt.NDArray[np.float32]:
    """Coefficients `(n, 13)` of all audio, 5 kB a second."""
    stream = MfccStream()
    parts = [stream.feed(samples) for samples in continuous(audio)]
    return np.concatenate([*parts, stream.finish()])


class MfccStream:
    """The same, fed piece by piece; the pieces joined equal the whole."""

    def __init__(self) -> None:
        """Begin at the first sample."""
        self._windows = Windows(np.zeros(0), WINDOW_SAMPLES)
        self._last = 0.0
        self._samples = 0

    def feed(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Coefficients `(k, 13)` of the frames that the next samples `(n,)` make whole."""
        self._samples += len(samples)
        wave = np.clip(np.rint(samples * np.float64(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1)
        before = np.concatenate([[self._last], wave[:-1]])[: len(wave)]
        self._last = float(wave[-1]) if len(wave) else self._last
        return cepstrum(self._windows.feed(wave - PRE_EMPHASIS * before))

    def finish(self) -> npt.NDArray[np.float32]:
        """Coefficients `(k, 13)` of the frames that reach beyond the last sample."""
        beyond = max(0, math.ceil((self._samples - WINDOW_SAMPLES) / HOP_SAMPLES))
        return cepstrum(self._windows.finish(1 + beyond if self._samples else 0))


def cepstrum(frames: Floats) -> npt.NDArray[np.float32]:
    """Coefficients `(k, 13)` of pre-emphasised frames `(k, 400)`; the first is the log energy."""
    from scipy.fft import dct

    if not len(frames):
        return np.zeros((0, COEFFICIENTS), np.float32)
    tiny = np.finfo(np.float64).eps
    power = np.abs(np.fft.rfft(frames, FFT_SAMPLES, axis=1)) ** 2 / FFT_SAMPLES
    energy = power.sum(axis=1)
    mel = power @ mel_filters().T
    logs = np.log(np.where(mel == 0, tiny, mel))
    lifter = 1 + LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / LIFTER)
    out = dct(logs, axis=1, norm="ortho")[:, :COEFFICIENTS] * lifter
    out[:, 0] = np.log(np.where(energy == 0, tiny, energy))
    return np.asarray(out, np.float32)


@cache
def mel_filters() -> Floats:
    """Triangles `(26, 257)` between 0 and 8 kHz, equally spaced on the mel scale."""
    top = 2595 * math.log10(1 + RATE_HZ / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, FILTERS + 2) / 2595) - 1)
    corner = np.floor((FFT_SAMPLES + 1) * hertz / RATE_HZ)
    low, centre, high = (corner[i : i + FILTERS, None] for i in range(3))
    index = np.arange(FFT_SAMPLES // 2 + 1)
    rising, falling = (index - low) / (centre - low), (high - index) / (high - centre)
    inside_rise = (index >= low) & (index < centre)
    inside_fall = (index >= centre) & (index < high)
    return np.where(inside_rise, rising, np.where(inside_fall, falling, 0.0))
