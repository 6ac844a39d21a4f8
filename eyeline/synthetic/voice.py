"""Voices of syllables: a buzz and hiss through formants, and how far the mouth opens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats

AUDIO_HZ = 16_000
HOP = 80
"""Samples between two settings of the vocal tract: 5 ms."""
HOPS_HZ = AUDIO_HZ / HOP

_WINDOW = 400
_VOWELS = np.array(
    [
        [850, 1250, 2800, 1.0],
        [560, 2150, 2900, 0.6],
        [320, 2600, 3200, 0.3],
        [560, 950, 2700, 0.65],
        [370, 950, 2600, 0.25],
        [520, 1600, 2650, 0.5],
    ]
)
"""First three formants in Hz of a short vocal tract, and how far the mouth opens."""
_CLOSED = np.array([300.0, 1150, 2550])
_BANDWIDTH_HZ = np.array([80.0, 110, 150])


@dataclass(frozen=True)
class Voice:
    """How somebody sounds."""

    pitch_hz: float
    tract: float
    """Factor of all formants; less for a longer vocal tract."""
    syllables_s: float
    """Syllables a second."""
    breath: float
    """Noise in the voice, [0, 1]."""
    melody: float = 1.0
    """How far the pitch rises and falls; 0 for a monotone."""
    gaps: float = 0.2
    """Share of the syllables that a gap follows, [0, 1]."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Voice:
        """Somebody's."""
        low = bool(rng.random() < 0.5)
        pitch = rng.uniform(90, 140) if low else rng.uniform(165, 250)
        tract = rng.uniform(0.82, 0.9) if low else rng.uniform(0.95, 1.08)
        return cls(float(pitch), float(tract), rng.uniform(3.6, 5.5), rng.uniform(0.02, 0.1))


def speak(rng: np.random.Generator, voice: Voice, seconds: float) -> tuple[Floats, Floats]:
    """Something said from the first to the last moment.

    Args:
        rng: decides about the syllables.
        voice: who speaks.
        seconds: how long.

    Returns:
        Audio `(sample,)` at `AUDIO_HZ` with a root mean square of 0.2, and the mouth's
        opening `(hop,)` every `HOP` samples, [0, 1].
    """
    hops = max(2, round(seconds * HOPS_HZ))
    formants, voiced, hiss, mouth = _syllables(rng, voice, hops)
    n = hops * HOP
    buzz = _glottis(rng, voice, n) * each_sample(voiced, n)
    noise = rng.standard_normal(n)
    source = buzz + 0.3 * voice.breath * noise * each_sample(voiced, n)
    audio = _through_tract(source, formants * voice.tract)
    audio /= max(float(np.sqrt(np.mean(audio**2))), 1e-9)
    audio += 0.5 * np.diff(noise, prepend=0) * each_sample(hiss, n)
    audio *= np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.02 * AUDIO_HZ), 0, 1)
    return np.asarray(0.2 * audio / np.sqrt(np.mean(audio**2))), mouth


def _syllables(
    rng: np.random.Generator, voice: Voice, hops: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Formants `(hop, 3)`, voicing, hiss and mouth `(hop,)`: consonant and vowel in turn."""
    from scipy.ndimage import gaussian_filter1d

    formants = np.repeat(_CLOSED[None], hops, axis=0)
    voiced, hiss, mouth = np.zeros(hops), np.zeros(hops), np.zeros(hops)
    at = 0
    while at < hops:
        length = HOPS_HZ / voice.syllables_s * rng.uniform(0.75, 1.3)
        shut = at + round(0.3 * length)
        open_, kind = at + round(length), rng.random()
        voiced[at:shut] = 0.5 if kind < 0.6 else 0.0
        hiss[at:shut] = 0.8 if kind > 0.8 else 0.0
        mouth[at:shut] = 0.12 if kind > 0.8 else 0.0
        vowel = _VOWELS[rng.integers(len(_VOWELS))]
        formants[shut:open_], voiced[shut:open_], mouth[shut:open_] = vowel[:3], 1.0, vowel[3]
        at = open_
        if rng.random() < voice.gaps:  # a word ends
            at += round(rng.uniform(0.02, 0.12) * HOPS_HZ)
    smooth = gaussian_filter1d(formants, 3.5, axis=0, mode="nearest")
    return (
        smooth,
        gaussian_filter1d(voiced, 2.0),
        gaussian_filter1d(hiss, 1.2),
        np.clip(gaussian_filter1d(mouth, 5.0), 0, 1),
    )


def _glottis(rng: np.random.Generator, voice: Voice, n: int) -> Floats:
    """Pulses `(n,)` with a melody that falls over a phrase, and some jitter."""
    time_s = np.arange(n) / AUDIO_HZ
    melody = 0.1 - 0.2 * (time_s / 1.5 % 1) + 0.06 * np.sin(2 * np.pi * 2.1 * time_s)
    phrase = 1 + voice.melody * melody
    jitter = each_sample(1 + 0.02 * rng.standard_normal(n // HOP), n)
    phase = np.cumsum(voice.pitch_hz * phrase * jitter / AUDIO_HZ) % 1
    flow = np.where(phase < 0.6, np.sin(np.pi * phase / 0.6) ** 2 * phase, 0.0)
    return np.diff(flow, prepend=0)


def _through_tract(source: Floats, formants: Floats) -> Floats:
    """The source with three resonances that change every hop, by overlapping windows."""
    reach = _WINDOW // 2
    padded = np.pad(source, (reach, reach + _WINDOW))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][: len(formants)]
    window = np.hanning(_WINDOW + 1)[:-1]
    spectrum = np.fft.rfft(pieces * window, 512)
    frequency = np.fft.rfftfreq(512, 1 / AUDIO_HZ)[None]
    for k in range(3):
        centre, half = formants[:, k : k + 1], _BANDWIDTH_HZ[k] / 2
        spectrum *= centre**2 / (centre**2 - frequency**2 + 2j * half * frequency)
    shaped = np.fft.irfft(spectrum, 512)
    out = np.zeros(len(padded) + 512)
    for k, piece in enumerate(shaped):
        out[k * HOP : k * HOP + 512] += piece
    return out[reach : reach + len(source)]


def each_sample(series: Floats, n: int) -> Floats:
    """A series with a value a hop `(hop,)`, at each sample `(n,)`."""
    return np.interp(np.arange(n) / HOP, np.arange(len(series)) + 0.5, series)
