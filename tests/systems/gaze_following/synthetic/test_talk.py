"""Turns of talk, and voices as loud as their mouths are open."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from eyeline.results import Floats
from eyeline.synthetic.voice import AUDIO_HZ
from eyeline.systems.gaze_following.synthetic.talk import draw_talk, hear, turns


def test_one_at_a_time_with_pauses() -> None:
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


def test_nobody_speaks_without_turns() -> None:
    assert turns(np.zeros((3, 10), bool)) == []
    assert turns(np.ones((1, 10), bool)) == [(0, 0, 10)]


def loudness(audio: Floats, frames: int) -> Floats:
    """Root mean square `(frames,)` at 25 frames a second."""
    hop = AUDIO_HZ // 25
    return np.sqrt(np.mean(audio[: frames * hop].reshape(frames, hop) ** 2, axis=1))


def test_the_speakers_mouth_moves_with_the_audio() -> None:
    rng = np.random.default_rng(0)
    speaks = draw_talk(rng, 3, 20.0, 25)
    heard = hear(rng, speaks, 25)
    assert heard.audio.shape == (20 * AUDIO_HZ,) and np.abs(heard.audio).max() <= 1
    loud = loudness(heard.audio, 500)
    for person in range(3):
        own, others = speaks[person], speaks.any(axis=0) & ~speaks[person]
        assert np.corrcoef(heard.mouths[person, own], loud[own])[0, 1] > 0.85
        assert heard.mouths[person, own].mean() > 2 * heard.mouths[person, others].mean()
    assert loud[speaks.any(axis=0)].mean() > 3 * loud[~speaks.any(axis=0)].mean()
    assert ((heard.mouths >= 0) & (heard.mouths <= 1)).all()


def test_some_chew_and_smile_without_a_voice() -> None:
    chewed, smiled = 0, 0
    for seed in range(20):
        heard = hear(np.random.default_rng(seed), np.zeros((3, 200), bool), 25)
        chewed += int((heard.mouths.max(axis=1) > 0.2).sum())
        smiled += int((heard.smiles.max(axis=1) > 0.5).sum())
        assert loudness(heard.audio, 200).max() < 0.02
    assert 5 < chewed < 30 and 10 < smiled < 40
