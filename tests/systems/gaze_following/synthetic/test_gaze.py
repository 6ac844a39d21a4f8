"""Where people look and how they turn there; turns of talk, and voices as loud as their mouths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from eyeline.geometry.directions import angle, normalise
from eyeline.results import Floats
from eyeline.synthetic.voice import AUDIO_HZ
from eyeline.systems.gaze_following.synthetic.gaze import HEAD_FRACTION, GazePaths, draw_gaze
from eyeline.systems.gaze_following.synthetic.talk import Yes, draw_talk, draw_voices, turns

HEADS = np.array([[-0.7, -0.3, 2.2], [0.0, -0.3, 2.8], [0.7, -0.3, 2.2]])
THINGS = np.array([[-0.2, 0.3, 2.2], [0.2, 0.3, 2.0]])
FRAMES = 6000


@pytest.fixture(scope="module")
def drawn() -> tuple[GazePaths, Yes]:
    rng = np.random.default_rng(0)
    speaks = draw_talk(rng, 3, FRAMES / 25, 25)
    heads = np.repeat(HEADS[:, None], FRAMES, axis=1)
    return draw_gaze(rng, heads, speaks, THINGS), speaks


def test_listeners_look_at_who_speaks(drawn: tuple[GazePaths, Yes]) -> None:
    looks, speaks = drawn
    loud = np.where(speaks.any(axis=0), speaks.argmax(axis=0), -9)
    listening = (loud >= 0) & (loud != np.arange(3)[:, None])
    at_speaker = (looks.kind == 0) & (looks.whom == loud)
    assert 0.5 < at_speaker[listening].mean() < 0.75
    others = (looks.kind == 0) & ~at_speaker
    assert others[listening].mean() < 0.3
    silent = np.broadcast_to(loud < 0, looks.kind.shape)
    fractions = np.bincount(looks.kind[silent], minlength=4) / silent.sum()
    assert (fractions > 0.03).all()


def test_gaze_and_head_turn_to_the_target(drawn: tuple[GazePaths, Yes]) -> None:
    looks, _ = drawn
    aim = normalise(looks.target_m - HEADS[:, None])
    off = np.degrees(angle(looks.gaze, aim))
    still = np.zeros(off.shape, bool)
    same = (looks.whom[:, 1:] == looks.whom[:, :-1]) & (looks.kind[:, 1:] == looks.kind[:, :-1])
    still[:, 10:] = np.lib.stride_tricks.sliding_window_view(same, 10, axis=1).all(axis=-1)
    assert np.median(off[still]) < 1
    assert np.percentile(off, 99) > 20
    np.testing.assert_allclose(np.linalg.norm(looks.gaze, axis=-1), 1)
    np.testing.assert_allclose(np.linalg.norm(looks.head, axis=-1), 1)
    looks, _ = drawn
    short = np.degrees(angle(looks.gaze, looks.head))
    assert 3 < np.median(short) < 25
    assert 0 < HEAD_FRACTION < 1
    assert np.linalg.norm(np.diff(looks.head, axis=1), axis=-1).max() < 0.6


def test_two_silent_people_and_turns_with_pauses() -> None:
    heads = np.repeat(HEADS[:2, None], 40, axis=1)
    looks = draw_gaze(np.random.default_rng(2), heads, np.zeros((2, 40), bool), THINGS)
    assert looks.kind.shape == (2, 40)
    at_person = looks.kind == 0
    assert (looks.whom[0][at_person[0]] == 1).all() and (looks.whom[1][at_person[1]] == 0).all()
    speaks = draw_talk(np.random.default_rng(0), 4, 120.0, 25)
    assert speaks.shape == (4, 3000) and speaks.dtype == bool
    together = speaks.sum(axis=0)
    assert together.max() == 1
    assert 0.1 < (together == 0).mean() < 0.4
    assert (speaks.mean(axis=1) > 0.05).all()


def test_turns_are_what_was_drawn() -> None:
    speaks = draw_talk(np.random.default_rng(1), 3, 30.0, 25)
    result = turns(speaks)
    assert [t[1] for t in result] == sorted(t[1] for t in result)
    assert all(a[0] != b[0] for a, b in pairwise(result))
    again = np.zeros_like(speaks)
    for person, start, end in result:
        again[person, start:end] = True
    assert np.array_equal(again, speaks)
    assert turns(np.zeros((3, 10), bool)) == []
    assert turns(np.ones((1, 10), bool)) == [(0, 0, 10)]


def loudness(audio: Floats, frames: int) -> Floats:
    """Root mean square `(frames,)` at 25 frames a second."""
    hop = AUDIO_HZ // 25
    return np.sqrt(np.mean(audio[: frames * hop].reshape(frames, hop) ** 2, axis=1))


def test_the_speakers_mouth_moves_with_the_audio() -> None:
    rng = np.random.default_rng(0)
    speaks = draw_talk(rng, 3, 20.0, 25)
    voices = draw_voices(rng, speaks, 25)
    assert voices.audio.shape == (20 * AUDIO_HZ,) and np.abs(voices.audio).max() <= 1
    loud = loudness(voices.audio, 500)
    for person in range(3):
        own, others = speaks[person], speaks.any(axis=0) & ~speaks[person]
        assert np.corrcoef(voices.mouths[person, own], loud[own])[0, 1] > 0.85
        assert voices.mouths[person, own].mean() > 2 * voices.mouths[person, others].mean()
    assert loud[speaks.any(axis=0)].mean() > 3 * loud[~speaks.any(axis=0)].mean()
    assert ((voices.mouths >= 0) & (voices.mouths <= 1)).all()


def test_some_chew_and_smile_without_a_voice() -> None:
    chewed, smiled = 0, 0
    for seed in range(20):
        voices = draw_voices(np.random.default_rng(seed), np.zeros((3, 200), bool), 25)
        chewed += int((voices.mouths.max(axis=1) > 0.2).sum())
        smiled += int((voices.smiles.max(axis=1) > 0.5).sum())
        assert loudness(voices.audio, 200).max() < 0.02
    assert 5 < chewed < 30 and 10 < smiled < 40
