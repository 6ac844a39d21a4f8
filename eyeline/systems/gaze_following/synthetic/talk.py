"""Who speaks when, how it sounds, and mouths that move with it or silently."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats
from eyeline.synthetic.motion import runs
from eyeline.synthetic.voice import AUDIO_HZ, HOPS_HZ, Voice, each_sample, speak

RATE_HZ = 25
"""Frames a second of all videos, as the published speaker detector wants it."""

Yes = npt.NDArray[np.bool_]

_TURN_S, _PAUSE_S = (1.4, 3.2), (0.25, 0.7)
_LONG_PAUSE, _LONG_PAUSE_S = 0.2, (1.0, 1.8)
"""Share of the pauses in which nobody has anything to say, and their length."""


def draw_talk(rng: np.random.Generator, people: int, seconds: float, rate_hz: float) -> Yes:
    """`(people, frames)` bool: who speaks in each frame; nobody speaks twice in a row."""
    frames = round(seconds * rate_hz)
    speaks = np.zeros((people, frames), bool)
    weight = rng.uniform(0.5, 1.5, people)
    at, last = rng.uniform(0, 0.6), -1
    while at < seconds:
        fraction = np.where(np.arange(people) == last, 0.0, weight)
        last = int(rng.choice(people, p=fraction / fraction.sum()))
        end = at + rng.uniform(*_TURN_S)
        speaks[last, round(at * rate_hz) : round(end * rate_hz)] = True
        pause = _LONG_PAUSE_S if rng.random() < _LONG_PAUSE else _PAUSE_S
        at = end + rng.uniform(*pause)
    return speaks


def turns(speaks: Yes) -> list[tuple[int, int, int]]:
    """Person, first frame and the frame after the last of each turn, by time."""
    result = [(person, a, b) for person, row in enumerate(speaks) for a, b in runs(row)]
    return sorted(result, key=lambda turn: turn[1])


_CHEWS, _CHEW_HZ = 0.25, (1.2, 1.9)
_SMILES = 0.4


@dataclass(frozen=True)
class Voices:
    """Audio and mouths of a video."""

    audio: Floats
    """`(samples,)` at `AUDIO_HZ`, within [-1, 1]."""
    mouths: Floats
    """`(people, frames)` how far each is open, [0, 1]."""
    smiles: Floats
    """`(people, frames)` how wide each is, [0, 1]."""


def draw_voices(rng: np.random.Generator, speaks: Yes, rate_hz: float) -> Voices:
    """Audio and mouths, also those that move without a voice, of who speaks `(people, frames)`."""
    people, frames = speaks.shape
    mouths, smiles = _silent_mouths(rng, people, frames, rate_hz)
    audio = rng.uniform(0.002, 0.01) * rng.standard_normal(round(frames / rate_hz * AUDIO_HZ))
    pitch = rng.permutation(np.linspace(95, 230, people)) * rng.uniform(0.93, 1.07, people)
    for person, start, end in turns(speaks):
        voice = replace(Voice.drawn(rng), pitch_hz=float(pitch[person]))
        said, open_ = speak(rng, voice, (end - start) / rate_hz)
        said *= 1.5 * each_sample(open_, len(said))  # as loud as the mouth is open
        first = round(start / rate_hz * AUDIO_HZ)
        audio[first : first + len(said)] += said[: len(audio) - first]
        at_s = (np.arange(end - start) + 0.5) / rate_hz
        mouths[person, start:end] = np.interp(at_s * HOPS_HZ, np.arange(len(open_)), open_)
    return Voices(np.clip(audio, -1, 1), mouths, smiles)


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
            centre = rng.uniform(0, time_s[-1])
            smiles[person] = np.exp(-(((time_s - centre) / rng.uniform(0.6, 1.5)) ** 4))
    return mouths, smiles
