"""Ribbons of hair and frames: their form, and their vertices for the renderer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from eyeline.results import Floats
from eyeline.synthetic.heads.assets import Indices

LOCK, FINE, RIGID = 0.0, 1.0, 2.0
"""Kinds of ribbons."""


@dataclass(frozen=True)
class Ribbons:
    """`k` ribbons of `s` points each in the head's frame."""

    points: Floats
    """`(k, s, 3)`."""
    half_width: Floats
    """`(k, s)` millimetres."""
    colour: Floats
    """`(k, 3)` linear RGB."""
    kind: float


def vertices(ribbons: Ribbons) -> tuple[Floats, Indices]:
    """`(2 k s, 13)` vertices of both edges, and their triangles."""
    points = ribbons.points
    count, steps = points.shape[:2]
    along = np.gradient(points, axis=1)
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
    data = np.empty((count, steps, 2, 13), np.float32)
    data[..., 0:3], data[..., 3:6] = points[:, :, None], along[:, :, None]
    data[..., 6] = ribbons.half_width[:, :, None] * np.array([-1, 1])
    data[..., 7] = np.linspace(0, 1, steps)[None, :, None]
    data[..., 8] = (np.arange(count) * 0.6180339887 % 1)[:, None, None]
    data[..., 9] = ribbons.kind
    data[..., 10:13] = ribbons.colour[:, None, None]
    return data.reshape(-1, 13), _ribbon_triangles(count, steps)


@cache
def _ribbon_triangles(count: int, steps: int) -> Indices:
    at = (2 * steps * np.arange(count)[:, None] + 2 * np.arange(steps - 1)).ravel()
    return np.stack([at, at + 1, at + 2, at + 1, at + 3, at + 2], 1).astype(np.int32).ravel()
