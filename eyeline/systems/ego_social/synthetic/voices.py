"""Synthetic voices: syllables of a buzz and hiss with formants, near or far, turned to or away.

What tells talk to the wearer from other talk is what does in a room: who faces the microphone is
heard directly and with all of the high tones, who faces away is heard by way of the walls. Loudness
and timbre go where a network's front end brings each audio to one loudness and each band to one
level; what stays is the manner: who addresses somebody across a room speaks clearly, slower, with a
livelier melody and gaps between the words, who is not meant for us is heard to chat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eyeline.results import Floats
from eyeline.synthetic.voice import HOPS_HZ, Voice, speak
from eyeline.systems.ego_social.inputs import AUDIO_HZ
from eyeline.systems.ego_social.recordings.annotations import RATE_HZ, WEARER
from eyeline.systems.ego_social.synthetic.scenes import UNSEEN, Scene, Turn

_CLEAR, _CHAT = (0.82, 1.6, 0.35), (1.12, 0.6, 0.12)
"""Rate of syllables and melody as factors, and gaps."""
_EAR_M = 0.25
"""From the wearer's own mouth to the microphone."""


@dataclass(frozen=True)
class Heard:
    """The audio of a scene, and what mouths do to it."""

    audio: Floats
    """`(sample,)` at `inputs.AUDIO_HZ`, within [-1, 1]."""
    mouths: list[Floats]
    """`(t,)` opening of each head's mouth, [0, 1]."""


def addressing(voice: Voice, us: bool) -> Voice:
    """A voice when it is meant for us, or for others."""
    rate, melody, gaps = _CLEAR if us else _CHAT
    return replace(
        voice, syllables_s=voice.syllables_s * rate, melody=voice.melody * melody, gaps=gaps
    )


def hear(rng: np.random.Generator, scene: Scene) -> Heard:
    """All that is said in a scene, as the wearer's microphone has it."""
    samples = round(scene.frames * AUDIO_HZ / RATE_HZ)
    names = [head.person for head in scene.heads]
    voices = {name: Voice.drawn(rng) for name in (*names, WEARER, UNSEEN)}
    walls = _walls(rng)
    direct, all_round = np.zeros(samples), np.zeros(samples)
    mouths: list[Floats] = [np.zeros(scene.frames) for _ in names]
    for turn in scene.turns:
        start, frames = turn.start, turn.end - turn.start + 1
        voice = addressing(voices[turn.speaker], turn.to_me)
        said, opening = speak(rng, voice, frames / RATE_HZ)
        span = slice(round(start * AUDIO_HZ / RATE_HZ), None)
        said = said[: samples - span.start]
        near, around = _reaching(rng, scene, turn)
        direct[span][: len(said)] += near * _turned_away(said, _away(scene, turn))
        all_round[span][: len(said)] += around * said
        if turn.speaker in names:
            frame_s = (np.arange(frames) + 0.5) / RATE_HZ * HOPS_HZ
            mouth = np.interp(frame_s, np.arange(len(opening)), opening)
            mouths[names.index(turn.speaker)][start : start + frames] = mouth
    audio = direct + _echoed(all_round, walls) + _hum(rng, samples)
    return Heard(np.asarray(np.clip(0.25 * audio, -1, 1), np.float32), mouths)


def _away(scene: Scene, turn: Turn) -> float:
    """How far a speaker faces away from the wearer, 0 to 1."""
    if turn.speaker == WEARER:
        return 0.5
    for head in scene.heads:
        if head.person == turn.speaker:
            yaw, pitch = head.turned_rad[turn.start : turn.end + 1, :2].T
            return float(np.mean(1 - np.cos(yaw) * np.cos(pitch)) * 2.5 + 0.1)
    return 0.3 if turn.to_me else 0.8


def _reaching(rng: np.random.Generator, scene: Scene, turn: Turn) -> tuple[float, float]:
    """Gains of a speaker's audio straight and by way of the walls."""
    distance = {WEARER: _EAR_M, UNSEEN: 2.5}
    distance |= {head.person: head.distance_m for head in scene.heads}
    effort = 1.25 if turn.to_me else 0.85  # others are spoken to more quietly, or further away
    effort *= rng.uniform(0.85, 1.15)
    near = effort / distance[turn.speaker] * (1.1 - min(_away(scene, turn), 1.0))
    return float(near), float(0.5 * effort)


def _turned_away(audio: Floats, away: float) -> Floats:
    """What is left of the high tones beside and behind a head."""
    from scipy.signal import lfilter

    keep = float(np.exp(-2 * np.pi * (6500 * (1 - min(away, 0.95)) + 300) / AUDIO_HZ))
    return np.asarray(lfilter([1 - keep], [1, -keep], audio))


def _walls(rng: np.random.Generator) -> Floats:
    """Noise `(sample,)` that dies away within a room's time, high tones first; energy 1."""
    from scipy.signal import lfilter

    fades_s = rng.uniform(0.25, 0.6)
    time_s = np.arange(round(fades_s * AUDIO_HZ)) / AUDIO_HZ
    tail = lfilter([0.4], [1, -0.6], rng.standard_normal(len(time_s)))
    tail = tail * np.exp(-6.9 * time_s / fades_s) * (time_s > 0.004)
    return np.asarray(tail / np.sqrt(np.sum(tail**2)))


def _echoed(audio: Floats, walls: Floats) -> Floats:
    from scipy.signal import fftconvolve

    return np.asarray(fftconvolve(audio, walls)[: len(audio)])


def _hum(rng: np.random.Generator, samples: int) -> Floats:
    """The room by itself: low noise, quieter than any talk."""
    from scipy.signal import lfilter

    noise = lfilter([0.1], [1, -0.9], rng.standard_normal(samples))
    return np.asarray(rng.uniform(0.004, 0.03) * noise)
