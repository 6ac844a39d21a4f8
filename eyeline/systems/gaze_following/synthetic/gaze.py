"""Where people look in a conversation, and how their heads and eyes turn there.

Listeners look mostly at who speaks; speakers look about and at single listeners. All look at things
on the table, down at themselves, and out of the image now and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eyeline.geometry.directions import from_yaw_pitch, normalise, to_yaw_pitch
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.synthetic.talk import RATE_HZ, Yes

KINDS = ("person", "thing", "lap", "away")
"""What is looked at; the last is out of the image."""
HEARING = (0.70, 0.10, 0.10, 0.05, 0.05)
"""Shares of the looks while somebody else speaks: at who speaks, at others, at things, at the own
lap, away."""
SPEAKING = (0.0, 0.60, 0.16, 0.10, 0.14)
"""The same while the person speaks."""
SILENCE = (0.0, 0.38, 0.30, 0.20, 0.12)
"""The same while nobody does."""
HEAD_FRACTION = 0.75
"""Of a turn from the resting direction, how much the head takes; the eyes do the rest."""

_LASTS_S, _REACTS_S = (0.8, 2.6), (0.15, 0.5)
_EYES_S, _HEAD_S = 0.04, 0.14  # how slowly they follow
_AIM_M = 0.03  # looks do not go to the very middle


@dataclass(frozen=True)
class GazePaths:
    """Of all people over time."""

    target_m: Floats
    """`(people, frames, 3)` the point looked at."""
    kind: Ints
    """`(people, frames)` place in `KINDS`."""
    whom: Ints
    """`(people, frames)` number of the person or thing looked at, -1 for others."""
    gaze: Floats
    """`(people, frames, 3)` unit vectors from the head, while eyes are on their way, too."""
    head: Floats
    """`(people, frames, 3)` where the face points."""


def draw_gaze(
    rng: np.random.Generator, heads_m: Floats, speaks: Yes, things_m: Floats
) -> GazePaths:
    """GazePaths of heads `(people, frames, 3)`, with things `(things, 3)` on the table."""
    people, frames = speaks.shape
    target = np.zeros((people, frames, 3))
    kind, whom = np.zeros((people, frames), np.int64), np.full((people, frames), -1)
    for person in range(people):
        for start, end in _spans(rng, person, speaks):
            what, which, aim = _choose(rng, person, speaks[:, start], heads_m[:, start], things_m)
            kind[person, start:end], whom[person, start:end] = what, which
            follows = heads_m[which, start:end] if what == 0 else 0.0
            target[person, start:end] = follows + aim
    rest = normalise(things_m.mean(axis=0) - [0, 0.25, 0] - heads_m.mean(axis=1))
    gaze, head = _turned(normalise(target - heads_m), rest[:, None])
    return GazePaths(target, kind, whom, gaze, head)


def _spans(rng: np.random.Generator, person: int, speaks: Yes) -> list[tuple[int, int]]:
    """First frame and frame after the last of each look; a new speaker draws a new look."""
    frames = speaks.shape[1]
    others = np.delete(speaks, person, axis=0)
    begins = np.flatnonzero((np.diff(others.astype(int), axis=1) > 0).any(axis=0)) + 1
    own = np.flatnonzero(np.diff(speaks[person].astype(int))) + 1
    late = begins + np.round(rng.uniform(*_REACTS_S, len(begins)) * RATE_HZ).astype(int)
    forced = sorted({*late.tolist(), *own.tolist()})
    edges = [0]
    while edges[-1] < frames:
        end = edges[-1] + round(rng.uniform(*_LASTS_S) * RATE_HZ)
        edges.append(min([end, frames, *(f for f in forced if f > edges[-1])]))
    return list(pairwise(edges))


def _choose(
    rng: np.random.Generator, person: int, speaks: Yes, heads_m: Floats, things_m: Floats
) -> tuple[int, int, Floats]:
    """Kind and number of what is looked at next, and the point; of a person, from the head."""
    others = [i for i in range(len(heads_m)) if i != person]
    loud = [i for i in others if speaks[i]]
    fractions = SPEAKING if speaks[person] else HEARING if loud else SILENCE
    drawn = int(rng.choice(len(fractions), p=fractions))
    aim = rng.normal(0, _AIM_M, 3)
    quiet = [i for i in others if i not in loud] or others
    if drawn <= 1:
        return 0, int(rng.choice(loud if drawn == 0 else quiet)), aim
    if drawn == 2:
        which = int(rng.integers(len(things_m)))
        return 1, which, things_m[which] + 0.3 * aim
    if drawn == 3:  # at the own hands, before the body
        below = rng.normal(0, 0.06), rng.uniform(0.36, 0.56), rng.uniform(-0.2, -0.05)
        return 2, -1, heads_m[person] + below
    # aside or above the image, or to the camera's side of it
    side = rng.choice([-1.0, 1.0])
    places = ([3.5 * side, -0.5, -0.8], [0.8 * side, -2.5, 0.5], [0.9 * side, 0.0, -4.5])
    return 3, -1, heads_m[person] + (places[rng.integers(3)] + rng.normal(0, 0.2, 3))


def _turned(aim: Floats, rest: Floats) -> tuple[Floats, Floats]:
    """Gaze and head `(people, frames, 3)` that follow an aim; the eyes are quick, heads are not."""
    gaze = _following(aim, _EYES_S)
    yaw, pitch = (np.unwrap(v, axis=1) for v in to_yaw_pitch(gaze))
    rest_yaw, rest_pitch = to_yaw_pitch(rest)
    off = (yaw - rest_yaw + np.pi) % (2 * np.pi) - np.pi  # the shorter way round
    head = from_yaw_pitch(rest_yaw + HEAD_FRACTION * off,
                          rest_pitch + HEAD_FRACTION * (pitch - rest_pitch))  # fmt: skip
    return gaze, _following(head, _HEAD_S)


def _following(aim: Floats, slow_s: float) -> Floats:
    """Directions that approach `(people, frames, 3)` as an exponential does."""
    keep = float(np.exp(-1 / (slow_s * RATE_HZ)))
    result = aim.copy()
    for frame in range(1, aim.shape[1]):
        result[:, frame] = normalise(keep * result[:, frame - 1] + (1 - keep) * aim[:, frame])
    return result
