"""Synthetic recordings of a head-worn camera: what lies about, what begins to sound, where eyes go.

One thing begins to sound in every five seconds, and the eyes go to it some time later, once no more
of the clip may be seen or heard. The things all move alike, and the head follows the eyes: nothing
that can be seen in time shows which of them it will be. Each kind of thing looks one way, sounds
one way and keeps to one height, in all videos, as birds are above and motors below; where it lies
is drawn anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.synthetic.motion import follow, wander

RATE_HZ = 30
ROUND_S = 5
"""From one layout of things to the next, as long as a clip."""
KINDS = 4
"""Of things; `filming.LOOKS` and `filming.VOICES` distinguish them."""
ASPECT = 1080 / 1088
"""Height of an image by its width."""

_REACH, _APART = 0.36, 0.27
"""Widths of the image: how far from the middle things lie, and from each other."""
_HEIGHTS, _ABOUT = (0.28, 0.1, -0.1, -0.28), 0.08
"""Widths of the image below the middle at which each kind lies, and how far from there."""
_MOVES_S = (0.0, 0.7)
"""Of a round: while things change places."""
_HEARD_S, _LOOKED_S, _SILENT_S = (1.7, 2.3), (2.9, 3.1), (4.2, 4.7)
"""Of a round: when a thing begins to sound, when eyes go there, when it is silent again."""
_LEFT_S = 0.2
"""Of the next round: when eyes go on."""
_FOLLOWS = 0.22
"""Share of the way from the middle to what is looked at that the head turns."""
_SETTLES_S = 0.4
_FIXATION_S = (0.25, 0.7)
_ASIDE = 0.25
"""Share of rounds with a look out of the image."""


@dataclass(frozen=True)
class Thing:
    """Something that lies about."""

    kind: int
    """Below `KINDS`."""
    size: float
    """Its radius in widths of the image."""
    places: Floats
    """`(frame, 2)` in widths of the image from where the head points on average; y down."""
    turned_rad: Floats
    """`(frame,)`."""


@dataclass(frozen=True)
class Event:
    """A thing sounds and is looked at; seconds of the video."""

    thing: int
    heard_s: float
    silent_s: float
    looked_s: float
    left_s: float


@dataclass(frozen=True)
class Scene:
    """What happens in a video."""

    head: Floats
    """`(frame, 3)` where the camera points, in widths of the image, and its roll in rad."""
    things: Sequence[Thing]
    events: Sequence[Event]
    gaze: Floats
    """`(frame, 2)` as shares of the image from its upper left; may lie outside."""

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.head)


def draw_scene(rng: np.random.Generator, seconds: float, things: int = 3) -> Scene:
    """What happens in a video of so many seconds with so many things, up to `KINDS`."""
    frames = round(seconds * RATE_HZ)
    rounds = -(-frames // (ROUND_S * RATE_HZ))
    lying = _things(rng, frames, rounds, things)
    events = [_event(rng, k, int(rng.integers(things))) for k in range(rounds)]
    head = _head(rng, lying, events, frames)
    seen = np.stack([in_image(thing.places, head) for thing in lying])
    return Scene(head, lying, events, _gaze(rng, seen, events))


def in_image(places: Floats, head: Floats) -> Floats:
    """Places `(frame, 2)` in widths, to shares `(frame, 2)` of the images of `head`."""
    x, y = (places - head[:, :2]).T
    cos, sin = np.cos(head[:, 2]), np.sin(head[:, 2])
    return np.stack([0.5 + x * cos + y * sin, 0.5 + (y * cos - x * sin) / ASPECT], axis=1)


def drift(rng: np.random.Generator, frames: int, columns: int, over_s: float) -> Floats:
    """Smooth noise `(frame, columns)` that turns in about `over_s`."""
    return wander(rng, frames, columns, over_s * RATE_HZ / 2)


def _things(rng: np.random.Generator, frames: int, rounds: int, count: int) -> list[Thing]:
    kinds = rng.permutation(KINDS)[:count]
    layouts = np.stack([_layout(rng, kinds) for _ in range(rounds + 1)])
    time_s = np.arange(frames) / RATE_HZ
    number = (time_s // ROUND_S).astype(int)
    fraction = np.clip((time_s % ROUND_S - _MOVES_S[0]) / (_MOVES_S[1] - _MOVES_S[0]), 0, 1)
    moved = (fraction**2 * (3 - 2 * fraction))[:, None]
    return [
        Thing(
            int(kind), float(rng.uniform(0.07, 0.1)),
            (1 - moved) * layouts[number, k] + moved * layouts[number + 1, k]
            + 0.012 * drift(rng, frames, 2, 1.0),
            0.3 * drift(rng, frames, 1, 1.0)[:, 0],
        )
        for k, kind in enumerate(kinds)
    ]  # fmt: skip


def _layout(rng: np.random.Generator, kinds: Ints) -> Floats:
    """Places `(thing, 2)` that are apart."""
    count, heights = len(kinds), np.array(_HEIGHTS)[kinds]
    while True:
        across = rng.uniform(-_REACH, _REACH, count)
        places = np.stack([across, heights + rng.uniform(-_ABOUT, _ABOUT, count)], axis=1)
        away = np.linalg.norm(places[:, None] - places[None], axis=2)
        if (away[~np.eye(count, dtype=bool)] > _APART).all():
            return places


def _event(rng: np.random.Generator, number: int, thing: int) -> Event:
    begins = number * ROUND_S
    heard, looked, silent = (
        begins + float(rng.uniform(*span)) for span in (_HEARD_S, _LOOKED_S, _SILENT_S)
    )
    return Event(thing, heard, silent, looked, begins + ROUND_S + _LEFT_S)


def _head(
    rng: np.random.Generator, things: Sequence[Thing], events: Sequence[Event], frames: int
) -> Floats:
    """It sways, and turns some of the way to what is looked at, behind the eyes."""
    wanted = np.zeros((frames, 2))
    for event in events:
        span = slice(round(event.looked_s * RATE_HZ), round(event.left_s * RATE_HZ))
        wanted[span] = _FOLLOWS * things[event.thing].places[span]
    turned = follow(wanted, 1 - np.exp(-1 / (_SETTLES_S * RATE_HZ)))
    sway = 0.02 * drift(rng, frames, 2, 0.8) + 0.02 * drift(rng, frames, 2, 6.0)
    return np.concatenate([turned + sway, 0.04 * drift(rng, frames, 1, 1.2)], axis=1)


def _gaze(rng: np.random.Generator, seen: Floats, events: Sequence[Event]) -> Floats:
    """Fixations here and there, then on what sounded; with saccades of some frames between."""
    frames = seen.shape[1]
    series, at = np.zeros((frames, 2)), 0
    for event in events:
        looked = min(round(event.looked_s * RATE_HZ), frames)
        aside = at + RATE_HZ // 2 if rng.random() < _ASIDE else None
        while at < looked:
            until = min(at + round(rng.uniform(*_FIXATION_S) * RATE_HZ), looked)
            outside = aside is not None and at >= aside
            series[at:until] = _outside(rng) if outside else _somewhere(rng, seen[:, at:until])
            aside = None if outside else aside
            at = until
        left = min(round(event.left_s * RATE_HZ), frames)
        series[at:left] = seen[event.thing, at:left] + rng.normal(0, 0.012, 2)
        at = max(at, left)
    from scipy.ndimage import convolve1d

    moved = convolve1d(series, np.array([0.25, 0.5, 0.25]), axis=0, mode="nearest")
    return np.asarray(moved + rng.normal(0, 0.002, moved.shape))


def _somewhere(rng: np.random.Generator, seen: Floats) -> Floats:
    """Mostly near the middle, at times at any of the things."""
    if rng.random() < 0.8:
        return np.asarray(rng.normal(0.5, 0.11, 2))
    return np.asarray(seen[rng.integers(len(seen))])


def _outside(rng: np.random.Generator) -> Floats:
    """Below the image, where the hands are, or to one side."""
    x, y = rng.uniform(0.2, 0.8), rng.uniform(1.05, 1.2)
    return np.array([x, y] if rng.random() < 0.6 else [1 - y if x < 0.5 else y, x])
