"""Synthetic recordings as the camera has them."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.results import Floats, Image
from eyeline.systems.gaze_anticipation.synthetic.filming import (
    LOOKS,
    VOICES,
    hear,
    height_of,
    images,
)
from eyeline.systems.gaze_anticipation.synthetic.scenes import (
    KINDS,
    RATE_HZ,
    Scene,
    draw_scene,
    in_image,
)
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ, COLUMNS_S, spectrogram

WIDTH = 96


@pytest.fixture(scope="module")
def filmed() -> tuple[Scene, Image]:
    scene = draw_scene(np.random.default_rng(0), 5, 4)
    return scene, np.stack([*images(np.random.default_rng(1), scene, WIDTH)])


def test_things_are_where_the_scene_says_in_their_colour(filmed: tuple[Scene, Image]) -> None:
    scene, frames = filmed
    assert frames.shape == (150, height_of(WIDTH), WIDTH, 3) and frames.dtype == np.uint8
    size = np.array([WIDTH, height_of(WIDTH)])
    for thing in scene.things:
        colour = np.array(LOOKS[thing.kind][1], float)
        at = in_image(thing.places, scene.head) * size
        for t in range(30, 150, 12):
            x, y = at[t] + 0.62 * thing.size * WIDTH * np.array([0, -1])  # between middle and edge
            near = frames[t, max(int(y) - 3, 0) : int(y) + 4, max(int(x) - 3, 0) : int(x) + 4]
            unlike = np.abs(near - colour).sum(-1).min()
            assert unlike < 0.25 * colour.sum() + 40


def test_colours_stand_out_from_the_room(filmed: tuple[Scene, Image]) -> None:
    _, frames = filmed
    strong = np.ptp(frames[40].astype(int), axis=-1) > 110
    assert 0.02 < strong.mean() < 0.2


def test_the_camera_moves_and_the_same_numbers_give_the_same_film(
    filmed: tuple[Scene, Image],
) -> None:
    scene, frames = filmed
    assert np.abs(frames[140].astype(int) - frames[40]).mean() > 5
    again = next(images(np.random.default_rng(1), scene, WIDTH))
    assert np.array_equal(again, frames[0])


def power(audio: Floats) -> Floats:
    """Mean spectrum `(256,)` in decibels."""
    return np.asarray(10 * np.log10(np.exp(spectrogram(audio)).mean(1)))


def test_there_is_one_for_every_look() -> None:
    from eyeline.systems.gaze_anticipation.synthetic.filming import LOOKS

    assert len(VOICES) == len(LOOKS) == KINDS
    assert len({shape for shape, _ in LOOKS}) == KINDS


@pytest.mark.parametrize(("kind", "low_hz", "high_hz"), [
    (0, 60, 1600), (1, 800, 4800), (2, 3300, 9000), (3, 5500, 11_500),
])  # fmt: skip
def test_a_voice_keeps_to_its_band(kind: int, low_hz: float, high_hz: float) -> None:
    time_s = np.arange(2 * AUDIO_HZ) / AUDIO_HZ
    for seed in range(3):
        created = VOICES[kind](np.random.default_rng(seed), time_s)
        spectrum = np.abs(np.fft.rfft(created)) ** 2
        hz = np.fft.rfftfreq(len(created), 1 / AUDIO_HZ)
        within = spectrum[(hz > low_hz) & (hz < high_hz)].sum()
        assert within > 0.95 * spectrum.sum()


def test_voices_are_reported_apart_by_their_spectra() -> None:
    """The nearest mean spectrum is that of the same kind, for pitches drawn anew."""
    time_s = np.arange(AUDIO_HZ) / AUDIO_HZ
    of = lambda kind, seed: power(VOICES[kind](np.random.default_rng(seed), time_s))  # noqa: E731
    known = np.stack([of(kind, 0) for kind in range(KINDS)])
    for kind in range(KINDS):
        for seed in range(1, 4):
            away = np.linalg.norm(known - of(kind, seed), axis=1)
            assert int(away.argmin()) == kind


def test_what_sounds_is_heard_from_its_time_on() -> None:
    scene = draw_scene(np.random.default_rng(3), 20)
    audio = hear(np.random.default_rng(4), scene)
    assert len(audio) == scene.frames * AUDIO_HZ // RATE_HZ
    assert audio.dtype == np.float32 and np.abs(audio).max() <= 1
    level = spectrogram(audio).mean(0)
    for event in scene.events:
        heard, silent = (round(at * COLUMNS_S) for at in (event.heard_s, event.silent_s))
        quiet = level[heard - 200 : heard - 10]
        assert level[heard + 10 : silent - 10].mean() > quiet.mean() + 0.3
        assert np.ptp(level[heard - 200 : heard - 10]) < 6


def test_the_audio_is_the_same_for_the_same_numbers() -> None:
    scene = draw_scene(np.random.default_rng(3), 10)
    one, two, other = (hear(np.random.default_rng(seed), scene) for seed in (0, 0, 1))
    assert np.array_equal(one, two) and not np.array_equal(one, other)
