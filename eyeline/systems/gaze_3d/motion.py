"""How a synthetic person walks, turns and looks about: smooth, and known at any time.

The world is that of the data set: metres, z up. Yaw turns from x to y, pitch is up. The eyes lead,
the head follows them part of the way and later, the chest points where the person walks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats

RATE_HZ = 10.0
"""Frames a second of what is synthetic here; that of the real recordings is not published."""
HEAD_LAG_S = 0.3
HEAD_FRACTION = 0.75
"""How far the head turns towards where the eyes go."""


@dataclass(frozen=True)
class Motion:
    """A person over time; a row a frame, angles in radians."""

    place: Floats
    """`(t, 2)` on the floor."""
    walk: Floats
    """`(t,)` phase of the gait."""
    body: Floats
    """`(t, 2)` yaw and pitch of the chest."""
    head: Floats
    """`(t, 2)` yaw and pitch, as of the gaze."""
    gaze: Floats

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.place)


@dataclass(frozen=True)
class _Waves:
    """A sum of sines."""

    size: Floats
    cycle_hz: Floats
    phase: Floats

    @classmethod
    def drawn(cls, rng: np.random.Generator, size: float, fastest_hz: float, n: int = 3) -> _Waves:
        cycle = rng.uniform(0.15 * fastest_hz, fastest_hz, n)
        fraction = rng.uniform(0.5, 1, n)
        return cls(size * fraction / fraction.sum(), cycle, rng.uniform(0, 2 * np.pi, n))

    def at(self, time_s: Floats) -> Floats:
        """`(t,)` values, at most the size that was drawn."""
        turns = 2 * np.pi * self.cycle_hz * time_s[:, None] + self.phase
        return np.asarray((self.size * np.sin(turns)).sum(axis=1))


def draw_motion(rng: np.random.Generator, frames: int) -> Motion:
    """A person who walks in a curve about the world's origin."""
    time_s = np.arange(frames) / RATE_HZ
    turn = np.radians(rng.uniform(35, 65)) * rng.choice([-1, 1])
    heading = rng.uniform(-np.pi, np.pi) + turn * time_s
    heading += _Waves.drawn(rng, np.radians(20), 0.4).at(time_s)
    speed = rng.uniform(0.3, 0.8)
    steps = speed / RATE_HZ * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    place = np.cumsum(steps, axis=0)
    body_pitch = np.radians(-5) + _Waves.drawn(rng, np.radians(10), 0.3).at(time_s)
    head, gaze = _look(rng, heading, time_s)
    return Motion(
        place - place.mean(axis=0), 2 * np.pi * speed / 1.2 * time_s + rng.uniform(0, 2 * np.pi),
        np.stack([heading, body_pitch], axis=1), head, gaze,
    )  # fmt: skip


def directions(yaw_pitch: Floats) -> Floats:
    """Unit vectors `(..., 3)` in the world of yaw and pitch `(..., 2)`."""
    yaw, pitch = yaw_pitch[..., 0], yaw_pitch[..., 1]
    flat = np.cos(pitch)
    return np.stack([flat * np.cos(yaw), flat * np.sin(yaw), np.sin(pitch)], axis=-1)


def axes(yaw_pitch: Floats) -> Floats:
    """Rotations `(..., 3, 3)`, columns forward, left, up, of yaw and pitch `(..., 2)`."""
    yaw, zero = yaw_pitch[..., 0], np.zeros_like(yaw_pitch[..., 0])
    forward = directions(yaw_pitch)
    left = np.stack([-np.sin(yaw), np.cos(yaw), zero], axis=-1)
    return np.stack([forward, left, np.cross(forward, left)], axis=-1)


def _look(rng: np.random.Generator, heading: Floats, time_s: Floats) -> tuple[Floats, Floats]:
    """Head and gaze `(t, 2)`, of which the head is a delayed share."""
    yaw, pitch = _Waves.drawn(rng, np.radians(75), 0.5), _Waves.drawn(rng, np.radians(30), 0.4)
    level = np.radians(rng.uniform(-20, 0))
    before_s = time_s - HEAD_LAG_S
    gaze = np.stack([heading + yaw.at(time_s), level + pitch.at(time_s)], axis=1)
    head = np.stack(
        [heading + HEAD_FRACTION * yaw.at(before_s), HEAD_FRACTION * (level + pitch.at(before_s))],
        axis=1,
    )
    return head, gaze
