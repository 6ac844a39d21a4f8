"""Speech without a speaker: syllables from a buzz and moving formants, with the mouth's opening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, lfilter, sosfilt

Floats = npt.NDArray[np.floating[Any]]

RATE_HZ = 24000
"""Samples a second of all audio here."""
HOP_S = 0.005
"""Time between two settings of the vocal tract."""

_VOWELS = {
    "a": (850, 1250, 2800, 1.0),
    "e": (560, 2150, 2900, 0.62),
    "i": (320, 2600, 3200, 0.34),
    "o": (560, 950, 2700, 0.66),
    "u": (370, 950, 2600, 0.28),
    "@": (520, 1600, 2650, 0.5),
}
"""First three formants in Hz of a grown woman, and how far the mouth opens."""
_CONSONANTS = "mnlwstkb"
_NASAL = (280, 1200, 2500)
_GLIDE = (350, 1100, 2600)
_BANDWIDTHS_HZ = (80, 100, 140, 220, 280)


@dataclass(frozen=True)
class Voice:
    """Who speaks."""

    pitch_hz: float
    tract: float
    """Factor of all formants: 1 for a grown woman, less for a longer tract."""
    syllable_s: float
    seed: int


@dataclass
class _Tract:
    """Settings over time, one row a hop."""

    formants: Floats
    voicing: Floats
    hiss: Floats
    mouth: Floats


def speak(voice: Voice, duration_s: float) -> tuple[Floats, Floats]:
    """An utterance.

    Args:
        voice: who speaks.
        duration_s: how long.

    Returns:
        Audio `(n,)` at `RATE_HZ` with a peak of 1, and the mouth's opening in [0, 1] every `HOP_S`.
    """
    rng = np.random.default_rng(voice.seed)
    tract = _settings(voice, round(duration_s / HOP_S), rng)
    n = len(tract.voicing) * round(HOP_S * RATE_HZ)
    voiced = _glottis(voice, n, rng) * _fine(tract.voicing, n)
    breath = rng.standard_normal(n) * 0.012 * _fine(tract.voicing, n)
    audio = _filtered(voiced + breath, tract.formants * voice.tract)
    high = butter(2, [2600, 8000], "bandpass", fs=RATE_HZ, output="sos")
    audio = audio / np.abs(audio).max() + 0.16 * sosfilt(high, rng.standard_normal(n)) * _fine(
        tract.hiss, n
    )
    ends = np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.03 * RATE_HZ), 0, 1)
    audio = audio * ends
    return np.asarray(audio / np.abs(audio).max()), tract.mouth


def _settings(voice: Voice, hops: int, rng: np.random.Generator) -> _Tract:
    """Syllables one after another, words of two to four of them, no vowel twice in a row."""
    tract = _Tract(np.zeros((hops, 3)), np.zeros(hops), np.zeros(hops), np.zeros(hops))
    at, vowel, left = 0, "", 0
    while at < hops:
        if left == 0:
            left = int(rng.integers(2, 5))
            at = _fill(tract, at, 0.03, _GLIDE, 0.25, 0, 0.06) if at else at
        vowel = str(rng.choice([v for v in _VOWELS if v != vowel]))
        length = voice.syllable_s * rng.uniform(0.8, 1.25) * (1.3 if left == 1 else 1.0)
        at = _consonant(tract, at, str(rng.choice(list(_CONSONANTS))))
        *formants, opening = _VOWELS[vowel]
        at = _fill(tract, at, length * 0.72, tuple(formants), 1.0, 0, opening)
        left -= 1
    smooth = 0.018 / HOP_S
    return _Tract(
        gaussian_filter1d(tract.formants, smooth, axis=0, mode="nearest"),
        gaussian_filter1d(tract.voicing, 0.010 / HOP_S),
        gaussian_filter1d(tract.hiss, 0.006 / HOP_S),
        np.clip(gaussian_filter1d(tract.mouth, 0.032 / HOP_S), 0, 1),
    )


def _consonant(tract: _Tract, at: int, which: str) -> int:
    if which in "mn":
        return _fill(tract, at, 0.06, _NASAL, 0.5, 0, 0.0 if which == "m" else 0.15)
    if which in "lw":
        return _fill(tract, at, 0.055, _GLIDE, 0.65, 0, 0.18)
    if which == "s":
        return _fill(tract, at, 0.08, _GLIDE, 0.0, 1.0, 0.12)
    at = _fill(tract, at, 0.035, _GLIDE, 0.15 if which == "b" else 0.0, 0, 0.0)
    return _fill(tract, at, 0.02, _GLIDE, 0.1, 0.8, 0.1)


def _fill(
    tract: _Tract,
    at: int,
    length_s: float,
    formants: Any,
    voicing: float,
    hiss: float,
    mouth: float,
) -> int:
    """Set the tract from hop `at` for a time; the hop after it."""
    end = min(at + max(round(length_s / HOP_S), 1), len(tract.voicing))
    span = slice(at, end)
    tract.formants[span], tract.voicing[span] = formants, voicing
    tract.hiss[span], tract.mouth[span] = hiss, mouth
    return end if end > at else at + 1


def _glottis(voice: Voice, n: int, rng: np.random.Generator) -> Floats:
    """Pulses of the vocal folds `(n,)`: a melody over phrases, slow drift, a little jitter."""
    t = np.arange(n) / RATE_HZ
    phrase = 1.12 - 0.22 * (t % 1.6) / 1.6 + 0.05 * np.sin(2 * np.pi * 2.3 * t + voice.seed)
    drift = gaussian_filter1d(rng.standard_normal(n // 240 + 2), 3)
    jitter = 1 + 0.03 * np.interp(np.arange(n), np.arange(len(drift)) * 240.0, drift)
    phase = np.cumsum(voice.pitch_hz * phrase * jitter / RATE_HZ) % 1
    opening = np.where(phase < 0.45, 0.5 - 0.5 * np.cos(np.pi * phase / 0.45), 0.0)
    closing = np.where(
        (phase >= 0.45) & (phase < 0.62), np.cos(np.pi / 2 * (phase - 0.45) / 0.17), 0.0
    )
    return np.diff(opening + closing, prepend=0.0)


def _filtered(source: Floats, formants: Floats) -> Floats:
    """The source through five resonances that change every hop."""
    hop = round(HOP_S * RATE_HZ)
    upper = np.repeat([[3600.0, 4600.0]], len(formants), axis=0)
    tracks = np.hstack([formants, upper])
    audio = source
    for resonance, width in zip(tracks.T, _BANDWIDTHS_HZ, strict=True):
        out, state = np.empty_like(audio), np.zeros(2)
        radius = np.exp(-np.pi * width / RATE_HZ)
        for k, centre in enumerate(resonance):
            pole = -2 * radius * np.cos(2 * np.pi * centre / RATE_HZ)
            gain, span = 1 + pole + radius**2, slice(k * hop, (k + 1) * hop)
            out[span], state = lfilter([gain], [1, pole, radius**2], audio[span], zi=state)
        audio = out
    return audio


def _fine(series: Floats, n: int) -> Floats:
    """A series a hop as a series a sample."""
    return np.interp(np.arange(n) / (HOP_S * RATE_HZ), np.arange(len(series)) + 0.5, series)
