"""Made-up voices of syllables, and the mouths that say them.

A voice is a train of pulses through two resonances; a syllable closes the mouth, then opens it, and
the sound is as loud as the mouth is open. Mouths also move without sound: chewing, and smiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.synthetic.talk import Yes, turns

SOUND_HZ = 16_000
"""Of all sound, as the published speaker detector wants it."""

_VOWELS_HZ = ((730, 1250), (530, 1850), (300, 2250), (500, 900), (330, 900))
_OPEN = (1.0, 0.75, 0.4, 0.75, 0.4)
_STEPS_HZ = 200  # how finely a mouth moves
_CHEWS, _CHEW_HZ = 0.25, (1.2, 1.9)
_SMILES = 0.4


@dataclass(frozen=True)
class Heard:
    """Sound and mouths of a video."""

    sound: Floats
    """`(samples,)` at `SOUND_HZ`, within [-1, 1]."""
    mouths: Floats
    """`(people, frames)` how far each is open, [0, 1]."""
    smiles: Floats
    """`(people, frames)` how wide each is, [0, 1]."""


def hear(rng: np.random.Generator, speaks: Yes, rate_hz: float) -> Heard:
    """What is heard and seen of those who speak.

    Args:
        rng: decides about voices, syllables, noise, and mouths that move without a voice.
        speaks: `(people, frames)` bool.
        rate_hz: frames a second.
    """
    people, frames = speaks.shape
    mouths, smiles = _silent_mouths(rng, people, frames, rate_hz)
    sound = rng.uniform(0.002, 0.01) * rng.standard_normal(round(frames / rate_hz * SOUND_HZ))
    pitch = rng.permutation(np.linspace(95, 230, people)) * rng.uniform(0.93, 1.07, people)
    for person, start, end in turns(speaks):
        said, open_ = speak(rng, float(pitch[person]), (end - start) / rate_hz)
        first = round(start / rate_hz * SOUND_HZ)
        sound[first : first + len(said)] += said[: len(sound) - first]
        at_s = (np.arange(end - start) + 0.5) / rate_hz
        mouths[person, start:end] = np.interp(at_s * _STEPS_HZ, np.arange(len(open_)), open_)
    return Heard(np.clip(sound, -1, 1), mouths, smiles)


def speak(rng: np.random.Generator, pitch_hz: float, seconds: float) -> tuple[Floats, Floats]:
    """Syllables one after another.

    Args:
        rng: decides.
        pitch_hz: of the voice.
        seconds: how long.

    Returns:
        Sound `(samples,)` at `SOUND_HZ`, and the mouth's opening every 5 ms, [0, 1].
    """
    from scipy.ndimage import gaussian_filter1d

    steps = max(2, round(seconds * _STEPS_HZ))
    open_, vowel = np.zeros(steps), np.zeros(steps, np.int64)
    at = 0
    while at < steps:
        shut, long = rng.uniform(0.05, 0.09), rng.uniform(0.1, 0.2)
        begin, end = at + round(shut * _STEPS_HZ), at + round((shut + long) * _STEPS_HZ)
        kind = int(rng.integers(len(_VOWELS_HZ)))
        vowel[at:end], open_[begin:end] = kind, _OPEN[kind] * rng.uniform(0.8, 1.0)
        at = end + (round(rng.uniform(0.05, 0.15) * _STEPS_HZ) if rng.random() < 0.2 else 0)
    open_ = np.clip(gaussian_filter1d(open_, 3.5), 0, 1)
    open_ *= np.clip(np.minimum(np.arange(steps), np.arange(steps)[::-1]) / 8, 0, 1)
    return _sounding(rng, pitch_hz, open_, vowel), open_


def _sounding(rng: np.random.Generator, pitch_hz: float, open_: Floats, vowel: Ints) -> Floats:
    """Pulses and breath through the resonances of each step's vowel, as loud as the mouth opens."""
    samples = round(len(open_) / _STEPS_HZ * SOUND_HZ)
    time_s = np.arange(samples) / SOUND_HZ
    melody = 1 + 0.12 * np.sin(2 * np.pi * rng.uniform(0.3, 0.7) * time_s + rng.uniform(0, 6))
    phase = np.cumsum(pitch_hz * melody / SOUND_HZ) % 1
    source = np.diff(np.where(phase < 0.4, np.sin(np.pi * phase / 0.4) ** 2, 0), prepend=0)
    source += 0.01 * rng.standard_normal(samples)
    step = np.minimum((time_s * _STEPS_HZ).astype(int), len(open_) - 1)
    shaped = np.zeros(samples)
    for kind, formants in enumerate(_VOWELS_HZ):
        if (vowel == kind).any():
            shaped += np.where(vowel[step] == kind, _resonate(source, formants), 0)
    loud = np.interp(time_s * _STEPS_HZ, np.arange(len(open_)), open_)
    return np.asarray(0.25 * shaped * loud)


def _resonate(source: Floats, formants_hz: tuple[int, int]) -> Floats:
    """Two resonances in a row, at a root mean square of one."""
    from scipy.signal import lfilter

    for formant in formants_hz:
        radius = float(np.exp(-np.pi * 110 / SOUND_HZ))
        turn = 2 * radius * float(np.cos(2 * np.pi * formant / SOUND_HZ))
        source = lfilter([1.0], [1.0, -turn, radius**2], source)
    return np.asarray(source / max(float(np.sqrt(np.mean(source**2))), 1e-9) * 0.4)


def _silent_mouths(
    rng: np.random.Generator, people: int, frames: int, rate_hz: float
) -> tuple[Floats, Floats]:
    """Mouths `(people, frames)` of those who chew for a while, and smiles likewise."""
    time_s = np.arange(frames) / rate_hz
    mouths, smiles = np.zeros((people, frames)), np.zeros((people, frames))
    for person in range(people):
        if rng.random() < _CHEWS:
            begin = rng.uniform(0, time_s[-1] / 2)
            during = (time_s > begin) & (time_s < begin + rng.uniform(2, 4))
            bites = 0.5 - 0.5 * np.cos(2 * np.pi * rng.uniform(*_CHEW_HZ) * (time_s - begin))
            mouths[person] = np.where(during, 0.35 * bites, 0)
        if rng.random() < _SMILES:
            middle = rng.uniform(0, time_s[-1])
            smiles[person] = np.exp(-(((time_s - middle) / rng.uniform(0.6, 1.5)) ** 4))
    return mouths, smiles
