"""What synthetic things sound like: a hum, a bell, chirps and a hiss, and the room around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eyeline.results import Floats
from eyeline.systems.gaze_anticipation.synthetic.scenes import RATE_HZ, Scene
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ

_FADE_S = 0.02
_LOUD = 0.1


def hear(rng: np.random.Generator, scene: Scene) -> Floats:
    """All that sounds in a scene.

    Args:
        rng: decides about pitch, loudness and the room's own noise.
        scene: what happens.

    Returns:
        `(sample,)` float32 at `spectrogram.AUDIO_HZ`, full scale 1.
    """
    count = round(scene.frames * AUDIO_HZ / RATE_HZ)
    audio = _room(rng, count)
    for event in scene.events:
        first, last = (min(round(at * AUDIO_HZ), count) for at in (event.heard_s, event.silent_s))
        if first < last:
            created = VOICES[scene.things[event.thing].kind](
                rng, np.arange(last - first) / AUDIO_HZ
            )
            loud = _LOUD * rng.uniform(0.6, 1.6) / np.sqrt(np.mean(created**2))
            audio[first:last] += loud * created * _faded(last - first)
    return np.clip(audio, -1, 1).astype(np.float32)


def _hum(rng: np.random.Generator, time_s: Floats) -> Floats:
    """A motor: many overtones of a low pitch."""
    pitch = rng.uniform(90, 130)
    turns = pitch * (time_s + 0.004 * np.sin(2 * np.pi * 3 * time_s))
    return np.asarray(sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 13)))


def _bell(rng: np.random.Generator, time_s: Floats) -> Floats:
    """Struck three times a second; tones that are no overtones of each other."""
    every = 1 / rng.uniform(2.5, 3.5)
    pitch, since = rng.uniform(950, 1200), time_s % every
    tones = sum(
        np.sin(2 * np.pi * pitch * ratio * time_s) / ratio for ratio in (1, 1.51, 2.76, 3.9)
    )
    return np.asarray(tones * np.exp(-6 * since))


def _chirps(rng: np.random.Generator, time_s: Floats) -> Floats:
    """A bird: tones that rise, one after the other."""
    every, low = 1 / rng.uniform(5, 7), rng.uniform(3600, 4200)
    since = time_s % every
    rising = low + 9000 * since
    phase = 2 * np.pi * (low * since + 4500 * since**2)
    return np.asarray(np.sin(phase) * (since < 0.7 * every) * (rising < 0.45 * AUDIO_HZ))


def _hiss(rng: np.random.Generator, time_s: Floats) -> Floats:
    """Steam: high noise."""
    from scipy.signal import butter, sosfilt

    band = butter(4, (rng.uniform(6500, 7200), 10_500), "bandpass", fs=AUDIO_HZ, output="sos")
    return np.asarray(sosfilt(band, rng.standard_normal(len(time_s))))


VOICES: tuple[Callable[[np.random.Generator, Floats], Floats], ...] = (
    _hum, _bell, _chirps, _hiss,
)  # fmt: skip
"""Of each kind of thing: a generator and seconds `(sample,)` to an audio signal `(sample,)`."""


def _room(rng: np.random.Generator, count: int) -> Floats:
    """Low noise, and steps or knocks now and then."""
    from scipy.signal import lfilter

    noise = lfilter([0.1], [1, -0.9], rng.standard_normal(count))
    result: Floats = rng.uniform(0.004, 0.015) * noise
    for start in rng.integers(0, count, count // (3 * AUDIO_HZ)):
        time_s = np.arange(min(2400, count - start)) / AUDIO_HZ
        knock = np.sin(2 * np.pi * rng.uniform(150, 400) * time_s) * np.exp(-60 * time_s)
        result[start : start + len(knock)] += 0.05 * knock
    return result


def _faded(count: int) -> Floats:
    """Up at the beginning and down at the end, `(count,)` from 0 to 1."""
    at = np.arange(count) / (_FADE_S * AUDIO_HZ)
    return np.minimum(np.minimum(at, at[::-1]), 1)
