"""Turns of heads as a network states them: over time, and along another ray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline import spill
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import head_crops, smooth
from eyeline.results import Floats

SIGMA_S = 0.10
"""Of the smoothing over time."""


@dataclass(frozen=True)
class Turns:
    """Of `n` heads or frames."""

    rotation: Floats
    """`(n, 3, 3)` head to the camera frame turned towards the head."""
    error_rad: Floats
    """`(n,)` expected angle of error as the network states it."""

    def part(self, rows: slice) -> Turns:
        """Some of them."""
        return Turns(self.rotation[rows], self.error_rad[rows])


def over_time(turns: Turns, time_s: Floats) -> Turns | None:
    """Smoothed without lag; frames without a turn (NaN) take the nearest, None without any.

    What a mean of rotations loses in length is disagreement, and adds to the error.
    """
    weight = 1 / np.maximum(np.nan_to_num(turns.error_rad, nan=1.0), 1e-3) ** 2
    mean = smooth.gaussian(turns.rotation, time_s, SIGMA_S, weight)
    error = smooth.gaussian(turns.error_rad, time_s, SIGMA_S, weight)
    known = np.flatnonzero(np.isfinite(error))
    if not len(known):
        return None
    after = np.searchsorted(known, np.arange(len(error))).clip(1, len(known) - 1)
    before, after = known[after - 1], known[after]
    row = np.arange(len(error))
    nearest = np.where(row - before <= after - row, before, after)

    def nearest_rotation(rows: slice) -> Floats:
        """Nine numbers of each rotation, and the disagreement."""
        u, length, v = np.linalg.svd(mean[nearest[rows]])
        sign = np.ones((len(u), 3))
        sign[:, 2] = np.sign(np.linalg.det(u @ v))
        spread = np.sqrt(np.maximum(0.0, 3 - length.sum(1)))
        return np.concatenate([((u * sign[:, None]) @ v).reshape(-1, 9), spread[:, None]], axis=1)

    result = spill.by_blocks(len(row), nearest_rotation)
    return Turns(result[:, :9].reshape(-1, 3, 3), np.hypot(error[nearest], result[:, 9]))


def seen_along(turns: Turns, head_px: Floats, eyes_px: Floats, camera: Camera) -> Turns:
    """The turns relative to the rays through the eyes `(n, 2)` instead of the crops' middles."""
    there, here = (head_crops.towards(camera.rays(px)) for px in (head_px, eyes_px))
    return Turns(here @ np.swapaxes(there, -1, -2) @ turns.rotation, turns.error_rad)


def angles(turns: Turns) -> Floats:
    """Yaw, pitch and roll `(n, 3)` in radians as of `geometry.directions`."""
    return np.stack(directions.angles_from_rotation(turns.rotation), axis=1)
