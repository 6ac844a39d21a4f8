"""Where people look, and how they turn there."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry.directions import angle, normalise
from eyeline.systems.gaze_following.synthetic.looking import HEAD_FRACTION, Looks, draw_looks
from eyeline.systems.gaze_following.synthetic.talk import Yes, draw_talk

HEADS = np.array([[-0.7, -0.3, 2.2], [0.0, -0.3, 2.8], [0.7, -0.3, 2.2]])
THINGS = np.array([[-0.2, 0.3, 2.2], [0.2, 0.3, 2.0]])
FRAMES = 6000


@pytest.fixture(scope="module")
def drawn() -> tuple[Looks, Yes]:
    rng = np.random.default_rng(0)
    speaks = draw_talk(rng, 3, FRAMES / 25, 25)
    heads = np.repeat(HEADS[:, None], FRAMES, axis=1)
    return draw_looks(rng, heads, speaks, THINGS), speaks


def test_listeners_look_at_who_speaks(drawn: tuple[Looks, Yes]) -> None:
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


def test_the_gaze_arrives_at_its_target(drawn: tuple[Looks, Yes]) -> None:
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


def test_the_head_takes_a_part_of_the_turn(drawn: tuple[Looks, Yes]) -> None:
    looks, _ = drawn
    short = np.degrees(angle(looks.gaze, looks.head))
    assert 3 < np.median(short) < 25
    assert 0 < HEAD_FRACTION < 1
    assert np.linalg.norm(np.diff(looks.head, axis=1), axis=-1).max() < 0.6


def test_two_people_who_never_speak() -> None:
    heads = np.repeat(HEADS[:2, None], 40, axis=1)
    looks = draw_looks(np.random.default_rng(2), heads, np.zeros((2, 40), bool), THINGS)
    assert looks.kind.shape == (2, 40)
    at_person = looks.kind == 0
    assert (looks.whom[0][at_person[0]] == 1).all() and (looks.whom[1][at_person[1]] == 0).all()
