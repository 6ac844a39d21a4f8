"""Who speaks when: one after another, with pauses, and with people who say more than others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eyeline.synthetic.motion import runs

RATE_HZ = 25
"""Frames a second of all videos, as the published speaker detector wants it."""

Yes = npt.NDArray[np.bool_]

_TURN_S, _PAUSE_S = (1.4, 3.2), (0.25, 0.7)
_LONG_PAUSE, _LONG_PAUSE_S = 0.2, (1.0, 1.8)
"""Share of the pauses in which nobody has anything to say, and their length."""


def draw_talk(rng: np.random.Generator, people: int, seconds: float, rate_hz: float) -> Yes:
    """`(people, frames)` bool: who speaks in each frame; nobody speaks twice in a row.

    Args:
        rng: decides.
        people: who take turns.
        seconds: how long.
        rate_hz: frames a second.
    """
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
