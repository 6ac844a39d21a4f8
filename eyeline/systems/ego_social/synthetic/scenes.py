"""What happens before a synthetic head-worn camera: who is where, looks at whom, talks to whom.

Angles are those of `geometry.directions` as seen along the ray from the camera to the head: yaw and
pitch 0 face the camera, gaze 0 looks into it. People take turns to talk, look at whom they talk
to most of the time, glance at whom they listen to, and look at the table or at others between;
eyes go first, the head follows part of the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eyeline.geometry.directions import rotation_from_angles
from eyeline.results import Floats, Ints
from eyeline.synthetic.camera import View
from eyeline.synthetic.head import HeadPose
from eyeline.synthetic.motion import draw_span, follow, wander
from eyeline.systems.ego_social.recordings.annotations import RATE_HZ, WEARER

UNSEEN = "-1"
"""Number of a voice out of view."""
AT_ME_RAD = np.radians(6.0)
"""A gaze so near to the camera counts as looking at it, while that is meant."""
CLEAR_RAD = np.radians(13.0)
"""Other looks pass the camera at least so far."""
FOCAL = 0.62
"""Focal length over the width of the image."""

_MM_M = 1000.0
_LOOK = (1.3 * RATE_HZ, 0.6)  # as of `draw_span`
_TURN = (2.2 * RATE_HZ, 0.65)
_AT_ME = {"to me": 0.85, "to others": 0.1, "hears me": 0.55, "idle": 0.25}
_TALKERS = {"face": 1.0, WEARER: 0.5, UNSEEN: 0.3}


@dataclass(frozen=True)
class Turn:
    """Somebody talks."""

    speaker: str
    """Number of a person; `annotations.WEARER` and `UNSEEN` have no face."""
    start: int
    """First frame."""
    end: int
    """Last frame."""
    to_me: bool
    """It is meant for the wearer of the camera, perhaps among others."""


@dataclass(frozen=True)
class Person:
    """One person over the `t` frames of a clip."""

    person: str
    centre_px: Floats
    """`(t, 2)` of the head; may lie outside of the image."""
    px_per_mm: Floats
    """`(t,)` size at the head's distance."""
    distance_m: float
    turned_rad: Floats
    """`(t, 3)` yaw, pitch and roll of the head."""
    gaze_rad: Floats
    """`(t, 2)` yaw and pitch of the eyes."""
    at_me: Ints
    """`(t,)` 1 where the eyes meet the camera on purpose."""
    lids: Floats
    """`(t,)` how far the eyes are open, [0, 1]."""

    def pose(self, t: int, view: View, mouth: float) -> HeadPose:
        """The head in a frame, before the camera of that view."""
        scale = float(self.px_per_mm[t])
        aside = (self.centre_px[t] - view.matrix[:2, 2]) / scale
        position = np.array([*aside, view.focal_px / scale])
        rotation = rotation_from_angles(*self.turned_rad[t])
        return HeadPose(position, rotation, mouth, lids=float(self.lids[t]))


@dataclass(frozen=True)
class Scene:
    """A clip before it is drawn."""

    frames: int
    width_px: int
    height_px: int
    heads: tuple[Person, ...]
    turns: tuple[Turn, ...]
    """In order of time; none overlap."""
    camera_px: Floats
    """`(t, 2)` how far the image is shifted by the wearer's own movement."""
    light: Floats
    """`(t,)` factor of brightness."""

    @property
    def view(self) -> View:
        """The camera."""
        return View.ahead(self.width_px, self.height_px, FOCAL * self.width_px)


def draw_scene(
    rng: np.random.Generator, frames: int, width_px: int, height_px: int, *, talk: bool = True
) -> Scene:
    """A clip with one to three persons; without `talk` nobody says anything."""
    persons = [str(k + 1) for k in range(rng.choice([1, 2, 3], p=[0.3, 0.45, 0.25]))]
    turns = _turns(rng, persons, frames) if talk else ()
    camera_px = _camera(rng, frames) * width_px
    heads = []
    for k, person in enumerate(persons):
        seat = (k - (len(persons) - 1) / 2) * 0.31 + rng.uniform(-0.05, 0.05)
        centre = np.array([0.5 + seat, rng.uniform(0.36, 0.46) * height_px / width_px])
        heads.append(_head(rng, person, turns, centre * width_px, camera_px, width_px))
    light = rng.uniform(0.65, 1.15) * (1 + 0.12 * wander(rng, frames, 1, 60)[:, 0])
    return Scene(frames, width_px, height_px, tuple(heads), turns, camera_px, light)


def _turns(rng: np.random.Generator, persons: list[str], frames: int) -> tuple[Turn, ...]:
    talkers = [*persons, WEARER, UNSEEN]
    weight = np.array([_TALKERS.get(name, 1 / np.sqrt(len(persons))) for name in talkers])
    turns: list[Turn] = []
    at = int(rng.integers(5, 30))
    while at < frames - 20:
        before = [turns[-1].speaker == name if turns else False for name in talkers]
        fraction = np.where(before, 0.3 * weight, weight)
        speaker = str(rng.choice(talkers, p=fraction / fraction.sum()))
        end = min(at + draw_span(rng, _TURN, 12), frames - 2)
        chance = {WEARER: 0.0, UNSEEN: 0.2}.get(speaker, 0.42)
        turns.append(Turn(speaker, at, end, bool(rng.random() < chance)))
        at = end + int(rng.integers(6, 26))
    return tuple(turns)


def _camera(rng: np.random.Generator, frames: int) -> Floats:
    """Shift `(t, 2)` in image widths: sway, and turns of the wearer's head to a side and back."""
    from scipy.ndimage import gaussian_filter1d

    path = wander(rng, frames, 2, 18) * [0.018, 0.01]
    aside = np.zeros(frames)
    at = int(rng.integers(60, 240))
    while at < frames:
        stay = int(rng.integers(15, 50))
        aside[at : at + stay] = rng.choice([-1, 1]) * rng.uniform(0.15, 0.5)
        at += stay + int(rng.integers(90, 260))
    path[:, 0] += gaussian_filter1d(aside, 3.5, mode="nearest")
    return np.asarray(path)


def _head(
    rng: np.random.Generator,
    person: str,
    turns: tuple[Turn, ...],
    centre_px: Floats,
    camera_px: Floats,
    width_px: int,
) -> Person:
    frames = len(camera_px)
    distance_m = float(rng.uniform(0.55, 1.4))
    px_per_mm = FOCAL * width_px / (distance_m * _MM_M) * (1 + 0.08 * wander(rng, frames, 1, 50))
    px_per_mm = px_per_mm[:, 0]
    sway = wander(rng, frames, 2, 25) * [45, 18] * px_per_mm[:, None]
    meant, aim = _looks(rng, lambda frame: _doing(person, turns, frame), frames)
    gaze = follow(aim, 0.55) + np.radians(0.6) * wander(rng, frames, 2, 8)
    seat = np.radians(rng.normal([0, -4], [17, 6]))
    fraction = rng.uniform(0.35, 0.8)
    head = fraction * follow(aim, 0.16) + (1 - fraction) * seat
    head = np.column_stack([head, np.radians(rng.normal(0, 4)) * np.ones(frames)])
    head += np.radians([3.0, 2.0, 2.5]) * wander(rng, frames, 3, 22)
    at_me = (meant & (np.hypot(*gaze.T) < AT_ME_RAD)).astype(np.int64)
    centre_px, lids = centre_px + sway + camera_px, _lids(rng, frames)
    return Person(person, centre_px, px_per_mm, distance_m, head, gaze, at_me, lids)


def _doing(person: str, turns: tuple[Turn, ...], frame: int) -> tuple[str, int]:
    """What a person does in a frame, and until when."""
    for turn in turns:
        if frame < turn.start:
            return "idle", turn.start
        if frame <= turn.end:
            own = "to me" if turn.to_me else "to others"
            listens = "hears me" if turn.speaker == WEARER else "idle"
            return own if turn.speaker == person else listens, turn.end + 1
    return "idle", 1 << 30


def _looks(
    rng: np.random.Generator, doing: Callable[[int], tuple[str, int]], frames: int
) -> tuple[Ints, Floats]:
    """Whether the camera is meant `(t,)`, and where the eyes aim at `(t, 2)`, frame by frame."""
    meant, aim = np.zeros(frames, bool), np.zeros((frames, 2))
    at = 0
    while at < frames:
        what, until = doing(at)
        end = at + draw_span(rng, _LOOK, 9)
        if rng.random() < 0.75:  # a look seldom outlasts what it belongs to
            end = min(end, until + int(rng.integers(0, 8)))
        if rng.random() < _AT_ME[what]:
            meant[at:end], aim[at:end] = True, rng.normal(0, np.radians(1.0), 2)
        else:
            aim[at:end] = _elsewhere(rng)
        at = end
    return meant, aim


def _elsewhere(rng: np.random.Generator) -> Floats:
    """Yaw and pitch of the table, of somebody else, or of something beside the camera."""
    while True:
        kind, side = rng.random(), rng.choice([-1.0, 1.0])
        if kind < 0.4:
            aim = [rng.normal(0, 18), rng.uniform(-40, -14)]
        elif kind < 0.8:
            aim = [side * rng.uniform(16, 60), rng.normal(0, 5)]
        else:
            aim = rng.normal(0, 16, 2).tolist()
        if np.linalg.norm(aim) > np.degrees(CLEAR_RAD):
            return np.radians(aim)


def _lids(rng: np.random.Generator, frames: int) -> Floats:
    """Open eyes that blink for a fifth of a second every few seconds."""
    lids = np.full(frames, rng.uniform(0.8, 1.0))
    at = int(rng.integers(10, 120))
    while at < frames:
        blink = np.array([0.5, 0.1, 0.0, 0.1, 0.4, 0.8])[: frames - at]
        lids[at : at + len(blink)] *= blink
        at += int(rng.integers(50, 200))
    return lids
