"""Expected numbers by a slow computation from the definition; those of the package
`python_speech_features` are in `syncnet/test_model.py`.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from eyeline.speech.mfcc import MfccStream, cepstrum, mel_filters, mfcc
from tests.closeness import assert_close_to_scale

EPS = np.finfo(float).eps


def by_definition(frame: np.ndarray) -> list[float]:
    """Cepstrum of one pre-emphasised frame of 400 samples, term by term."""
    n, k = np.arange(400), np.arange(257)
    spectrum = np.exp(-2j * np.pi * np.outer(k, n) / 512) @ frame
    power = (spectrum.real**2 + spectrum.imag**2) / 512
    mels = [i * 2595 * math.log10(1 + 8000 / 700) / 27 for i in range(28)]
    corner = [math.floor(513 * 700 * (10 ** (m / 2595) - 1) / 16000) for m in mels]
    logs = []
    for j in range(26):
        a, b, c = corner[j : j + 3]
        rise = sum(power[i] * (i - a) / (b - a) for i in range(a, b))
        fall = sum(power[i] * (c - i) / (c - b) for i in range(b, c))
        logs.append(math.log(rise + fall or EPS))
    out = [math.log(power.sum() or EPS)]
    for i in range(1, 13):
        dct = math.sqrt(2 / 26) * sum(
            logs[j] * math.cos(math.pi * i * (j + 0.5) / 26) for j in range(26)
        )
        out.append((1 + 11 * math.sin(math.pi * i / 22)) * dct)
    return out


def test_cepstrum_by_definition() -> None:
    frames = np.random.default_rng(3).standard_normal((5, 400)) * [[3000], [50], [0.5], [0], [0]]
    frames[4, 100:102] = 32767, -0.97 * 32767  # an impulse after pre-emphasis; the fourth is silent
    expected = [by_definition(frame) for frame in frames]
    assert_close_to_scale(cepstrum(frames), expected, 1e-4)
    impulse = np.zeros(400, np.float32)
    impulse[100] = 1.0
    np.testing.assert_allclose(mfcc(impulse), cepstrum(frames[4:]), atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(0, 0), (1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (16000, 99)],
)
def test_frame_counts(samples: int, frames: int) -> None:
    assert mfcc(np.zeros(samples, np.float32)).shape == (frames, 13)


def test_filters_touch_and_do_not_leak() -> None:
    filters = mel_filters()
    assert filters.shape == (26, 257)
    assert filters.max() == 1.0
    assert (filters.argmax(axis=1)[:4]).tolist() == [2, 4, 7, 10]
    np.testing.assert_allclose(filters.sum(axis=0)[2:229], 1.0)


def test_loud_audio_is_clipped_as_in_a_file() -> None:
    loud = np.full(800, 3.0, np.float32)
    loud[::2] = -3.0
    np.testing.assert_array_equal(mfcc(loud), mfcc(np.clip(loud, -1, 1)))


def test_pieces_give_what_the_whole_gives() -> None:
    rng = np.random.default_rng(4)
    audio = rng.standard_normal(20011).astype(np.float32) / 5
    for _ in range(3):
        stream = MfccStream()
        edges = [0, *np.sort(rng.integers(0, len(audio), 40)).tolist(), len(audio)]
        pieces = [stream.feed(audio[a:b]) for a, b in itertools.pairwise(edges)]
        assert_close_to_scale(np.concatenate([*pieces, stream.finish()]), mfcc(audio))
