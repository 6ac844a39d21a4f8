"""Made-up voices: syllables of a buzz and hiss with formants, near or far, turned to or away.

What tells talk to the wearer from other talk is what does in a room: who faces the microphone is
heard directly and with all of the high tones, who faces away is heard by way of the walls. Loudness
and timbre go where a network's front end brings each sound to one loudness and each band to one
level; what stays is the manner: who addresses somebody across a room speaks clearly, slower, with a
livelier melody and gaps between the words, who is not meant for us is heard to chat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eyeline.results import Floats
from eyeline.systems.ego_social.inputs import SOUND_HZ
from eyeline.systems.ego_social.recordings.annotations import RATE_HZ, WEARER
from eyeline.systems.ego_social.synthetic.scenes import UNSEEN, Scene, Turn

HOP = 80
"""Samples between two settings of the vocal tract: 5 ms."""

_HOP_HZ = SOUND_HZ / HOP
_WINDOW = 400
_VOWELS = np.array([
    [850, 1250, 2800, 1.0], [560, 2150, 2900, 0.6], [320, 2600, 3200, 0.3],
    [560, 950, 2700, 0.65], [370, 950, 2600, 0.25], [520, 1600, 2650, 0.5],
])  # fmt: skip
"""First three formants in Hz of a short vocal tract, and how far the mouth opens."""
_CLOSED = np.array([300.0, 1150, 2550])
_BANDWIDTH_HZ = np.array([80.0, 110, 150])
_CLEAR, _CHAT = (0.82, 1.6, 0.35), (1.12, 0.6, 0.12)
"""Rate of syllables and melody as factors, and gaps."""
_EAR_M = 0.25
"""From the wearer's own mouth to the microphone."""


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

    def addressing(self, us: bool) -> Voice:
        """The same voice when it is meant for us, or for others."""
        rate, melody, gaps = _CLEAR if us else _CHAT
        return replace(
            self, syllables_s=self.syllables_s * rate, melody=self.melody * melody, gaps=gaps
        )


@dataclass(frozen=True)
class Heard:
    """The sound of a scene, and what mouths do to it."""

    sound: Floats
    """`(sample,)` at `inputs.SOUND_HZ`, within [-1, 1]."""
    mouths: list[Floats]
    """`(t,)` opening of each head's mouth, [0, 1]."""


def hear(rng: np.random.Generator, scene: Scene) -> Heard:
    """All that is said in a scene, as the wearer's microphone has it."""
    samples = round(scene.frames * SOUND_HZ / RATE_HZ)
    names = [head.person for head in scene.heads]
    voices = {name: Voice.drawn(rng) for name in (*names, WEARER, UNSEEN)}
    walls = _walls(rng)
    direct, all_round = np.zeros(samples), np.zeros(samples)
    mouths: list[Floats] = [np.zeros(scene.frames) for _ in names]
    for turn in scene.turns:
        start, frames = turn.start, turn.end - turn.start + 1
        voice = voices[turn.speaker].addressing(turn.to_me)
        said, opening = speak(rng, voice, frames / RATE_HZ)
        span = slice(round(start * SOUND_HZ / RATE_HZ), None)
        said = said[: samples - span.start]
        near, around = _reaching(rng, scene, turn)
        direct[span][: len(said)] += near * _turned_away(said, _away(scene, turn))
        all_round[span][: len(said)] += around * said
        if turn.speaker in names:
            frame_s = (np.arange(frames) + 0.5) / RATE_HZ * _HOP_HZ
            mouth = np.interp(frame_s, np.arange(len(opening)), opening)
            mouths[names.index(turn.speaker)][start : start + frames] = mouth
    sound = direct + _echoed(all_round, walls) + _hum(rng, samples)
    return Heard(np.asarray(np.clip(0.25 * sound, -1, 1), np.float32), mouths)


def speak(rng: np.random.Generator, voice: Voice, seconds: float) -> tuple[Floats, Floats]:
    """Something said from the first to the last moment.

    Args:
        rng: decides about the syllables.
        voice: who speaks.
        seconds: how long.

    Returns:
        Sound `(sample,)` at `inputs.SOUND_HZ` with a root mean square of 0.2, and the mouth's
        opening `(hop,)` every `HOP` samples, [0, 1].
    """
    hops = max(2, round(seconds * _HOP_HZ))
    formants, voiced, hiss, mouth = _syllables(rng, voice, hops)
    n = hops * HOP
    buzz = _glottis(rng, voice, n) * _each_sample(voiced, n)
    noise = rng.standard_normal(n)
    source = buzz + 0.3 * voice.breath * noise * _each_sample(voiced, n)
    sound = _through_tract(source, formants * voice.tract)
    sound /= max(float(np.sqrt(np.mean(sound**2))), 1e-9)
    sound += 0.5 * np.diff(noise, prepend=0) * _each_sample(hiss, n)
    sound *= np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.02 * SOUND_HZ), 0, 1)
    return np.asarray(0.2 * sound / np.sqrt(np.mean(sound**2))), mouth


def _syllables(
    rng: np.random.Generator, voice: Voice, hops: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Formants `(hop, 3)`, voicing, hiss and mouth `(hop,)`: consonant and vowel in turn."""
    from scipy.ndimage import gaussian_filter1d

    formants = np.repeat(_CLOSED[None], hops, axis=0)
    voiced, hiss, mouth = np.zeros(hops), np.zeros(hops), np.zeros(hops)
    at = 0
    while at < hops:
        length = _HOP_HZ / voice.syllables_s * rng.uniform(0.75, 1.3)
        shut = at + round(0.3 * length)
        open_, kind = at + round(length), rng.random()
        voiced[at:shut] = 0.5 if kind < 0.6 else 0.0
        hiss[at:shut] = 0.8 if kind > 0.8 else 0.0
        mouth[at:shut] = 0.12 if kind > 0.8 else 0.0
        vowel = _VOWELS[rng.integers(len(_VOWELS))]
        formants[shut:open_], voiced[shut:open_], mouth[shut:open_] = vowel[:3], 1.0, vowel[3]
        at = open_
        if rng.random() < voice.gaps:  # a word ends
            at += round(rng.uniform(0.02, 0.12) * _HOP_HZ)
    smooth = gaussian_filter1d(formants, 3.5, axis=0, mode="nearest")
    return (
        smooth, gaussian_filter1d(voiced, 2.0), gaussian_filter1d(hiss, 1.2),
        np.clip(gaussian_filter1d(mouth, 5.0), 0, 1),
    )  # fmt: skip


def _glottis(rng: np.random.Generator, voice: Voice, n: int) -> Floats:
    """Pulses `(n,)` with a melody that falls over a phrase, and some jitter."""
    time_s = np.arange(n) / SOUND_HZ
    melody = 0.1 - 0.2 * (time_s / 1.5 % 1) + 0.06 * np.sin(2 * np.pi * 2.1 * time_s)
    phrase = 1 + voice.melody * melody
    jitter = _each_sample(1 + 0.02 * rng.standard_normal(n // HOP), n)
    phase = np.cumsum(voice.pitch_hz * phrase * jitter / SOUND_HZ) % 1
    flow = np.where(phase < 0.6, np.sin(np.pi * phase / 0.6) ** 2 * phase, 0.0)
    return np.diff(flow, prepend=0)


def _through_tract(source: Floats, formants: Floats) -> Floats:
    """The source with three resonances that change every hop, by overlapping windows."""
    reach = _WINDOW // 2
    padded = np.pad(source, (reach, reach + _WINDOW))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][: len(formants)]
    window = np.hanning(_WINDOW + 1)[:-1]
    spectrum = np.fft.rfft(pieces * window, 512)
    frequency = np.fft.rfftfreq(512, 1 / SOUND_HZ)[None]
    for k in range(3):
        centre, half = formants[:, k : k + 1], _BANDWIDTH_HZ[k] / 2
        spectrum *= centre**2 / (centre**2 - frequency**2 + 2j * half * frequency)
    shaped = np.fft.irfft(spectrum, 512)
    out = np.zeros(len(padded) + 512)
    for k, piece in enumerate(shaped):
        out[k * HOP : k * HOP + 512] += piece
    return out[reach : reach + len(source)]


def _each_sample(series: Floats, n: int) -> Floats:
    return np.interp(np.arange(n) / HOP, np.arange(len(series)) + 0.5, series)


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
    """Gains of a speaker's sound straight and by way of the walls."""
    distance = {WEARER: _EAR_M, UNSEEN: 2.5}
    distance |= {head.person: head.distance_m for head in scene.heads}
    effort = 1.25 if turn.to_me else 0.85  # others are spoken to more quietly, or further away
    effort *= rng.uniform(0.85, 1.15)
    near = effort / distance[turn.speaker] * (1.1 - min(_away(scene, turn), 1.0))
    return float(near), float(0.5 * effort)


def _turned_away(sound: Floats, away: float) -> Floats:
    """What is left of the high tones beside and behind a head."""
    from scipy.signal import lfilter

    keep = float(np.exp(-2 * np.pi * (6500 * (1 - min(away, 0.95)) + 300) / SOUND_HZ))
    return np.asarray(lfilter([1 - keep], [1, -keep], sound))


def _walls(rng: np.random.Generator) -> Floats:
    """Noise `(sample,)` that dies away within a room's time, high tones first; energy 1."""
    from scipy.signal import lfilter

    fades_s = rng.uniform(0.25, 0.6)
    time_s = np.arange(round(fades_s * SOUND_HZ)) / SOUND_HZ
    tail = lfilter([0.4], [1, -0.6], rng.standard_normal(len(time_s)))
    tail = tail * np.exp(-6.9 * time_s / fades_s) * (time_s > 0.004)
    return np.asarray(tail / np.sqrt(np.sum(tail**2)))


def _echoed(sound: Floats, walls: Floats) -> Floats:
    from scipy.signal import fftconvolve

    return np.asarray(fftconvolve(sound, walls)[: len(sound)])


def _hum(rng: np.random.Generator, samples: int) -> Floats:
    """The room by itself: low noise, quieter than any talk."""
    from scipy.signal import lfilter

    noise = lfilter([0.1], [1, -0.9], rng.standard_normal(samples))
    return np.asarray(rng.uniform(0.004, 0.03) * noise)
