"""Turns of talk."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from eyeline.systems.gaze_following.synthetic.talk import draw_talk, turns


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
