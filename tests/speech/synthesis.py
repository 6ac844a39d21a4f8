"""Speech-like audio and the mouths that go with it, made from noise and pulses.

The audio is a pulse train through formants, syllable by syllable, with fricatives between and
pauses between phrases; the voice detector takes it for speech. The mouth opens with each syllable,
a little earlier than it is heard, by an amount that follows its loudness only in part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, lfilter, sosfilt

from eyeline.people.tracks import Track
from eyeline.speech.lips import Lips

RATE = 16000
CURVE_HZ = 100
_VOWELS_HZ = np.array(
    [
        [730, 1090, 2440],
        [270, 2290, 3010],
        [300, 870, 2240],
        [530, 1840, 2480],
        [570, 840, 2410],
        [660, 1720, 2410],
    ]
)
_WIDTHS_HZ = (80.0, 100.0, 140.0)


@dataclass(frozen=True)
class Voice:
    """One talker's audio, `(n,)` at 16 kHz, and the opening of the mouth, `(m,)` at 100 Hz."""

    audio: np.ndarray
    opening: np.ndarray


def talk(rng, duration_s, spans, pitch_hz=120.0, coupling=0.5):
    """A voice that talks inside the spans (start, end) and is silent elsewhere."""
    audio = np.zeros(round(duration_s * RATE))
    opening = np.zeros(round(duration_s * CURVE_HZ) + 1)
    for start, end in spans:
        time = start
        while time < end - 0.15:
            phrase_end = min(end, time + rng.uniform(1.2, 3.0))
            time = _phrase(rng, audio, opening, time, phrase_end, pitch_hz, coupling)
            time += rng.uniform(0.15, 0.6)
    return Voice(audio.astype(np.float32), gaussian_filter1d(opening, 2.0))


def _phrase(rng, audio, opening, time, end, pitch_hz, coupling):
    pitch = pitch_hz * rng.uniform(0.9, 1.15)
    while time < end - 0.1:
        length = min(rng.uniform(0.12, 0.28), end - time)
        loud = rng.uniform(0.3, 1.0)
        wide = coupling * loud + (1 - coupling) * rng.uniform(0.1, 1.0)
        at = round(time * RATE)
        piece = _syllable(rng, round(length * RATE), pitch, loud)[: len(audio) - at]
        audio[at : at + len(piece)] += piece
        begin = max(0, round((time + 0.03 * rng.standard_normal()) * CURVE_HZ))
        count = round(length * CURVE_HZ)
        shape = wide * np.sin(np.pi * np.linspace(0, 1, count)) ** 1.2
        shape = shape[: len(opening) - begin]
        opening[begin : begin + len(shape)] = np.maximum(opening[begin : begin + len(shape)], shape)
        pitch = max(0.75 * pitch_hz, pitch * rng.uniform(0.95, 1.02))
        time += length
    return time


def _syllable(rng, samples, pitch, loud):
    consonant = min(round(rng.uniform(0.02, 0.07) * RATE), samples // 3)
    out = np.zeros(samples)
    if rng.random() < 0.6:
        centre = rng.uniform(2500, 5500)
        band = butter(2, [0.7 * centre, 1.3 * centre], "bandpass", fs=RATE, output="sos")
        noise = sosfilt(band, rng.standard_normal(consonant)) * np.hanning(consonant)
        out[:consonant] = 0.25 * loud * noise
    voiced = samples - consonant
    wobble = 1 + 0.01 * np.cumsum(rng.standard_normal(voiced)) / np.sqrt(voiced)
    phase = np.cumsum(pitch * np.linspace(1, 0.92, voiced) * wobble) / RATE
    source = lfilter([1], [1, -0.96], np.diff(np.floor(phase), prepend=0))
    wave = source - source.mean() + 0.003 * rng.standard_normal(voiced)
    formants = _VOWELS_HZ[rng.integers(len(_VOWELS_HZ))] * rng.uniform(0.93, 1.07)
    for formant, width in zip(formants, _WIDTHS_HZ, strict=True):
        r, turn = np.exp(-np.pi * width / RATE), 2 * np.cos(2 * np.pi * formant / RATE)
        wave = lfilter([1 - r * turn + r * r], [1, -r * turn, r * r], wave)
    wave *= np.sqrt(np.sin(np.pi * np.linspace(0, 1, voiced)))
    out[consonant:] += 0.4 * loud * wave / (np.abs(wave).max() + 1e-9)
    return out


def music(rng, duration_s):
    """Chords of decaying partials over a bass: no voice in it."""
    time = np.arange(round(duration_s * RATE)) / RATE
    out = np.zeros(len(time))
    for begin in np.arange(0, duration_s, 0.5):
        since = time - begin
        on = since >= 0
        for note in 220 * 2 ** (rng.choice([0, 3, 4, 7, 10, 12], 3, replace=False) / 12):
            for partial in (1, 2, 3):
                tone = np.sin(2 * np.pi * note * partial * since) * np.exp(-3 * since * partial)
                out += np.where(on, tone, 0) / partial
    return (0.3 * out / np.abs(out).max()).astype(np.float32)


def frame_times(duration_s, rate_hz):
    """Starts of the frames."""
    return np.arange(int(duration_s * rate_hz)) / rate_hz


def speaking_mouth(rng, voice, time_s, lead_s=0.12, gain=0.25, noise=0.008, other=0.02):
    """Opening in eye distances of the mouth that makes the voice, at frame times.

    `other` is motion that goes with speaking but not with loudness: rounding, turning, grimacing.
    """
    own = np.arange(len(voice.opening)) / CURVE_HZ
    talking = gaussian_filter1d((voice.opening > 0.05).astype(float), 20)
    wander = gaussian_filter1d(rng.standard_normal(len(own)), 5)
    clean = gain * voice.opening + other * talking * wander / wander.std()
    at_frames = np.interp(time_s + lead_s, own, clean)
    return np.abs(0.03 + at_frames + noise * rng.standard_normal(len(time_s)))


def jittering_mouth(rng, time_s, noise=0.008):
    """A turned head: for seconds at a time the landmarks jump about."""
    bursts = np.repeat(rng.random(len(time_s) // 40 + 1) < 0.5, 40)[: len(time_s)]
    wild = gaussian_filter1d(rng.standard_normal(len(time_s)), 1.0) * 0.08 * bursts
    return np.abs(0.08 + wild + noise * rng.standard_normal(len(time_s)))


def still_mouth(rng, time_s, noise=0.008):
    """A closed mouth as landmarks see it."""
    return np.abs(0.02 + noise * rng.standard_normal(len(time_s)))


def smiling_mouth(rng, time_s, noise=0.008):
    """Smiles and laughs: the mouth opens for seconds, with some shaking."""
    steps = np.repeat(rng.random(len(time_s) // 20 + 1) < 0.4, 20)[: len(time_s)]
    rate = 1 / np.median(np.diff(time_s))
    slow = gaussian_filter1d(0.25 * steps, 0.15 * rate)
    shaking = 0.1 * slow * np.sin(2 * np.pi * 5 * time_s + rng.uniform(0, 6))
    return np.abs(0.02 + slow + shaking + noise * rng.standard_normal(len(time_s)))


def chewing_mouth(rng, time_s, noise=0.008):
    """Chewing at about one and a half bites a second."""
    bite_hz = 1.5 + 0.2 * gaussian_filter1d(rng.standard_normal(len(time_s)), 5)
    phase = np.cumsum(bite_hz * np.gradient(time_s)) * 2 * np.pi + rng.uniform(0, 6)
    return np.abs(0.06 + 0.05 * np.sin(phase) + noise * rng.standard_normal(len(time_s)))


def make_track(number, time_s, mouth_open, *, person=None, quality=0.8, left_px=None):
    """A face that stays where it is, with the given lips."""
    n = len(time_s)
    left = 200.0 * number if left_px is None else left_px
    box = np.tile([left, 100.0, left + 90, 220.0], (n, 1))
    five = box[:, None, :2] + np.array([[25, 45], [62, 45], [44, 70], [30, 92], [58, 92]])
    six = box[:, None, :2] + np.array([[18, 45], [32, 45], [55, 45], [69, 45], [38, 72], [50, 72]])
    gap = np.median(np.diff(time_s)) if n > 1 else 0.04
    zero = np.zeros(n)
    return Track(
        track_id=number,
        person=number if person is None else person,
        shot=0,
        frame=np.arange(n),
        time_s=np.asarray(time_s, float),
        end_s=np.append(time_s[1:], time_s[-1] + gap),
        box_xyxy=box,
        head_xyxy=box + np.array([-10.0, -20.0, 10.0, 5.0]),
        score=zero + 0.9,
        detected=np.ones(n, bool),
        five_px=five,
        six_px=six,
        quality=np.broadcast_to(np.asarray(quality, float), (n,)).copy(),
        yaw_rad=zero,
        pitch_rad=zero,
        roll_rad=zero,
        head_error_rad=zero + 0.1,
        pupil_mm=np.zeros((n, 2)),
        lid_opening=zero + 0.3,
        mouth_open=np.asarray(mouth_open, float),
    )


def lips_of(track, *, covered=0.02):
    """What pixels show of a track's mouth: dark where it is open, stirred where it moves."""
    known = np.isfinite(track.mouth_open)
    time_s, opening = track.time_s[known], track.mouth_open[known]
    rng = np.random.default_rng(track.track_id)
    speed = np.abs(np.gradient(opening, time_s)) if len(opening) > 1 else np.zeros(len(opening))
    stir = 20 * gaussian_filter1d(speed, 1.0) + 5 * np.exp(0.2 * rng.standard_normal(len(opening)))
    dark = 1 + 5 * opening + 0.1 * rng.standard_normal(len(opening))
    covered = np.full(len(opening), covered)
    return Lips(time_s, opening, track.quality[known], stir, dark, covered)
