"""A synthetic recording: coloured things in a room, the head's movement, light and grain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from eyeline.results import Floats, Image
from eyeline.synthetic.film import window
from eyeline.systems.gaze_anticipation.synthetic.scenes import (
    ASPECT,
    RATE_HZ,
    Scene,
    Thing,
    drift,
    in_image,
)
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ

LOOKS = (
    ("disc", (250, 75, 65)),
    ("square", (70, 130, 255)),
    ("triangle", (60, 225, 85)),
    ("star", (255, 220, 50)),
)
"""Outline and RGB of each kind of thing."""

_POINTS = 16
_FIXED = 4
"""Bits of a pixel to which corners are drawn."""


def height_of(width_px: int) -> int:
    """Of an image, even."""
    return 2 * round(width_px * ASPECT / 2)


def images(rng: np.random.Generator, scene: Scene, width_px: int) -> Iterator[Image]:
    """The frames `(height, width, 3)` uint8 RGB of a scene; the height is `height_of` the width."""
    import cv2

    size = (width_px, height_of(width_px))
    room = _room(rng, width_px)
    colours = [_shade(rng, thing) for thing in scene.things]
    at = [in_image(thing.places, scene.head) for thing in scene.things]
    light = np.clip(1 + 0.06 * drift(rng, scene.frames, 1, 3.0)[:, 0], 0.75, 1.25)
    grain = rng.normal(0, rng.uniform(2, 6), (size[1] + 32, size[0] + 32, 3)).astype(np.float32)
    for t in range(scene.frames):
        image = _seen(room, scene.head[t], size)
        for thing, colour, place in zip(scene.things, colours, at, strict=True):
            _draw(image, thing, colour, place[t] * size, t, float(scene.head[t, 2]))
        lit = cv2.convertScaleAbs(image, alpha=float(light[t]))
        y, x = rng.integers(0, 32, 2)
        noisy = cv2.add(lit, grain[y : y + size[1], x : x + size[0]], dtype=cv2.CV_8U)
        yield np.asarray(noisy, np.uint8)


def _room(rng: np.random.Generator, width_px: int) -> Image:
    """A square image, twice as wide as the frame, of dull walls and furniture."""
    import cv2

    side = 2 * width_px
    grey = rng.uniform(30, 95, (6, 6, 1)) + rng.uniform(-14, 14, (6, 6, 3))
    room = cv2.resize(grey.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    for _ in range(30):
        corner = rng.uniform(0, side, 2)
        far = corner + rng.uniform(0.05, 0.35, 2) * width_px
        colour = rng.uniform(20, 110) + rng.uniform(-14, 14, 3)
        cv2.rectangle(room, _fixed(corner), _fixed(far), colour.tolist(), -1, shift=_FIXED)
    return np.asarray(np.clip(cv2.GaussianBlur(room, (0, 0), width_px / 250), 0, 255), np.uint8)


def _seen(room: Image, head: Floats, size: tuple[int, int]) -> Image:
    """What of the room is in the image."""
    x, y, roll = head
    cos, sin = np.cos(roll), np.sin(roll)
    centre = np.array([len(room) / 2 + x * size[0], len(room) / 2 + y * size[0]])
    corner = centre - np.array([[cos, -sin], [sin, cos]]) @ (np.array(size) / 2)
    return window(room, corner, size, float(roll))


def _shade(rng: np.random.Generator, thing: Thing) -> Floats:
    """The colour of its kind, a little off."""
    return np.clip(
        np.array(LOOKS[thing.kind][1]) * rng.uniform(0.9, 1.05) + rng.normal(0, 8, 3), 0, 255
    )


def _draw(image: Image, thing: Thing, colour: Floats, place: Floats, t: int, roll: float) -> None:
    import cv2

    angle = float(thing.turned_rad[t]) - roll
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = thing.size * image.shape[1]
    for fraction, paint in ((1.0, colour), (0.4, 0.6 * colour)):
        corners = place + fraction * size * _outline(LOOKS[thing.kind][0]) @ turn.T
        points = np.round(corners * 2**_FIXED).astype(np.int32)
        cv2.fillPoly(image, [points], paint.tolist(), cv2.LINE_AA, _FIXED)


@cache
def _outline(shape: str) -> Floats:
    """Corners `(n, 2)` of a shape of radius 1."""
    count = {"disc": _POINTS, "square": 4, "triangle": 3, "star": 10}[shape]
    angle = np.arange(count) * 2 * np.pi / count - np.pi / 2
    radius = np.where(np.arange(count) % 2, 0.45, 1.15) if shape == "star" else np.ones(count)
    return np.asarray(np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None])


def _fixed(place: Floats) -> tuple[int, int]:
    x, y = np.round(place * 2**_FIXED).astype(int).tolist()
    return x, y


_FADE_S = 0.02
_LOUD = 0.1


def hear(rng: np.random.Generator, scene: Scene) -> Floats:
    """All that sounds in a scene: `(sample,)` float32 at `spectrogram.AUDIO_HZ`, full scale 1."""
    count = round(scene.frames * AUDIO_HZ / RATE_HZ)
    audio = _room_noise(rng, count)
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


def _room_noise(rng: np.random.Generator, count: int) -> Floats:
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
