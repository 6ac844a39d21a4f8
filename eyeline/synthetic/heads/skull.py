"""How far head, neck and shoulders reach, so that hair and cloth lie on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats
from eyeline.synthetic.heads.assets import load
from eyeline.synthetic.heads.identity import Identity

CENTRE = np.array([0.0, -15.0, 82.0])
"""Of the skull."""


@dataclass(frozen=True)
class Surface:
    """How far head, neck and shoulders reach, by direction from the skull and round the neck."""

    skull: Floats
    """`(24, 48)` by height and azimuth."""
    neck: Floats
    """`(40, 48)` by row and azimuth."""
    top: float
    axis: Floats

    def outside(self, points: Floats, layer: Floats) -> Floats:
        """Points `(k, 3)` moved out to at least so much over the skin."""
        away = points - CENTRE
        length = np.linalg.norm(away, axis=1)
        row = np.clip((away[:, 1] / length + 1) * 12, 0, 23).astype(int)
        least = self.skull[row, _azimuth(away)] + layer
        grown = points + away * (np.maximum(least / length, 1) - 1)[:, None]
        # below the ears: round the neck and over the shoulders
        around = grown - self.axis
        level = np.clip((grown[:, 1] - self.top) / 8, 0, 39).astype(int)
        flat = np.hypot(around[:, 0], around[:, 2])
        push = np.maximum((self.neck[level, _azimuth(around)] + layer) / np.maximum(flat, 1), 1)
        around[:, [0, 2]] *= np.where(grown[:, 1] > self.top, np.minimum(push, 1.6), 1)[:, None]
        return np.asarray(self.axis + around)

    def held(self, points: Floats, layer: Floats, hold: float) -> Floats:
        """Points `(k, 3)` above the ears drawn back to so much over the skull."""
        away = points - CENTRE
        length = np.linalg.norm(away, axis=1)
        row = np.clip((away[:, 1] / length + 1) * 12, 0, 23).astype(int)
        goal = self.skull[row, _azimuth(away)] + 1.3 * layer
        much = hold * np.clip((35 - points[:, 1]) / 30, 0, 1)
        factor = np.where(length > goal, 1 - much * (1 - goal / length), 1)
        return np.asarray(CENTRE + away * factor[:, None])


def _azimuth(away: Floats) -> npt.NDArray[np.int64]:
    return ((np.arctan2(away[:, 0], -away[:, 2]) / (2 * np.pi) + 0.5) * 48).astype(int) % 48


def surface_of(person: Identity) -> Surface:
    """Measured on a person's vertices."""
    assets = load()
    which = np.unique(assets.skin)
    rest, points = assets.template[which], person.vertices[which]
    head = points[(rest[:, 1] < 112) & (assets.masks["ears"][which] < 0.3)]
    away = head - CENTRE
    length = np.linalg.norm(away, axis=1)
    skull = np.zeros((24, 48))
    np.maximum.at(
        skull, (np.clip((away[:, 1] / length + 1) * 12, 0, 23).astype(int), _azimuth(away)), length
    )
    axis = np.array([0.0, 0.0, float(person.pivot[2]) - 5])
    top = 70.0
    low = points[points[:, 1] > top - 10]
    around = low - axis
    neck = np.zeros((40, 48))
    level = np.clip((low[:, 1] - top) / 8, 0, 39).astype(int)
    near = np.hypot(around[:, 0], around[:, 2])
    near = np.where((low[:, 1] < 118) & (low[:, 2] < 30), 0, near)  # not the jaw
    np.maximum.at(neck, (level, _azimuth(around)), near)
    return Surface(_filled(skull), _filled(neck), top, axis)


def _filled(grid: Floats) -> Floats:
    """Empty cells from their neighbours, then smoothed."""
    from scipy.ndimage import distance_transform_edt, uniform_filter

    nearest = distance_transform_edt(grid <= 0, return_distances=False, return_indices=True)
    return np.asarray(uniform_filter(grid[tuple(nearest)], 3, mode=("nearest", "wrap")))


def skull_reach(person: Identity, points: Floats) -> Floats:
    """`(k,)` how far the skull without ears reaches towards points `(k, 3)`, from its middle."""
    away = points - CENTRE
    row = np.clip((away[:, 1] / np.linalg.norm(away, axis=1) + 1) * 12, 0, 23).astype(int)
    return np.asarray(surface_of(person).skull[row, _azimuth(away)])


def pressed(person: Identity, points: Floats, row: float) -> Floats:
    """Points `(k, s, 3)` of hair whose part above a row lies close to the skull, below a hat."""
    away = points - CENTRE
    flat = away.reshape(-1, 3)
    length = np.linalg.norm(flat, axis=1)
    close = np.minimum((skull_reach(person, flat + CENTRE) + 2.5) / length, 1)
    much = np.clip((row - points[..., 1]) / 12, 0, 1)
    factor = 1 - much * (1 - close.reshape(much.shape))
    return np.asarray(CENTRE + away * factor[..., None], np.float32)
