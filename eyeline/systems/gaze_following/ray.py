"""Where in the image a look lands that meets no face: the gaze's cone, and heatmaps of targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from eyeline import spill
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people.targets.model import Looks
from eyeline.results import Floats, Image, Ints

_FRAMES_AT_ONCE = 1024  # what is spread out along the cone stays small
_MAPS_AT_ONCE = 256
REACH = (0.15, 0.3, 0.45, 0.7, 1.1)
"""Distances at which the cone is followed for what lies elsewhere, in distances of the looker from
the camera."""
Box = tuple[float, float, float, float]
LAP_MM = 350.0
"""A look down ends at the latest this far below the eyes: at hands, a table, a lap."""


@dataclass(frozen=True)
class Looker:
    """One person over a time of `n` frames."""

    eyes_px: Floats
    """`(n, 2)`."""
    distance_mm: Floats
    """`(n,)` from the camera."""
    gaze: Floats
    """`(n, 3)` unit vectors."""
    concentration: Floats
    """`(n,)`."""

    def at(self, rows: Ints | slice) -> Looker:
        """The same in some of the frames."""
        return Looker(**{name: value[rows] for name, value in vars(self).items()})


def landing(looker: Looker, camera: Camera, view_xyxy: Box) -> Floats:
    """The centre `(n, 2)` of the part of the cone that stays in what the camera shows.

    Where none does it is the cone's centre, moved to the nearest border.
    """
    n = len(looker.distance_mm)
    centre = np.empty((n, 2))
    for start in range(0, n, _FRAMES_AT_ONCE):
        rows = np.arange(start, min(n, start + _FRAMES_AT_ONCE))
        points, inside = _cone(looker.at(rows), camera, view_xyxy)
        mean = np.clip(points.mean(axis=1), view_xyxy[:2], np.array(view_xyxy[2:]) - 1)
        count = inside.sum(axis=1, keepdims=True)
        seen = np.where(inside[..., None], points, 0).sum(axis=1) / np.maximum(count, 1)
        centre[rows] = np.where(count > 0, seen, mean)
    return centre


def heatmaps(
    looker: Looker,
    looks: Looks,
    kept: Ints,
    camera: Camera,
    view_xyxy: Box,
    size_px: tuple[int, int],
    shape: tuple[int, int],
) -> Image:
    """Where a look may land: `(kept, *shape)` over the image, the peak at 255.

    Faces and the scene share what the camera and off screen leave of the probability.

    Args:
        looker: in the kept frames.
        looks: in all frames.
        kept: rows of the frames.
        camera: that sees the looker.
        view_xyxy: what it shows: the image, or a pane of it.
        size_px: width and height of the image.
        shape: rows and columns of a map.
    """
    from scipy.ndimage import gaussian_filter

    cell = np.array([shape[1] / size_px[0], shape[0] / size_px[1]])

    def of(rows: slice) -> Image:
        points, inside = _cone(looker.at(rows), camera, view_xyxy)
        maps = np.zeros((len(points), *shape))
        for i, row in enumerate(kept[rows]):
            chance, faces = looks.posterior[row], looks.evidence.other_px[row]
            _add(maps[i], points[i][inside[i]] * cell, chance[-2] / points.shape[1])
            for j in np.flatnonzero(np.isfinite(faces[:, 0])):
                _add(maps[i], faces[j : j + 1] * cell, chance[j])
            maps[i] = gaussian_filter(maps[i], shape[1] / 40, truncate=2.0)
        peak = maps.max(axis=(1, 2), keepdims=True)
        return np.round(255 * maps / np.where(peak > 0, peak, 1)).astype(np.uint8)

    return spill.by_blocks(len(kept), of, _MAPS_AT_ONCE)


def _add(heat: Floats, cells: Floats, mass: float) -> None:
    at = np.clip(cells.astype(int), 0, np.array(heat.shape[::-1]) - 1)
    np.add.at(heat, (at[:, 1], at[:, 0]), mass)


def _cone(looker: Looker, camera: Camera, view_xyxy: Box) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Pixels `(n, samples, 2)` of points along the cone, and which of them can be seen.

    Seen `(n, samples)` is what lies in the view and before the camera.
    """
    start = camera.rays(looker.eyes_px) * looker.distance_mm[:, None]
    side = directions.normalise(np.cross(looker.gaze, [0.0, 1.0, 0.0]))
    above = np.cross(side, looker.gaze)
    spread = 1 / np.sqrt(looker.concentration)
    points = []
    for a, b in _disc():
        aim = directions.normalise(looker.gaze + spread[:, None] * (a * side + b * above))
        below_mm = LAP_MM / np.clip(aim[:, 1:2], 0.05, None)
        far_mm = np.minimum(np.outer(looker.distance_mm, REACH), below_mm)
        points += [start + far_mm[:, k : k + 1] * aim for k in range(len(REACH))]
    place = np.stack(points, axis=1)
    ahead = place[..., 2] > 150.0
    pixel = camera.project(np.where(ahead[..., None], place, [0.0, 0.0, 1.0]))
    inside = ahead & (pixel >= view_xyxy[:2]).all(-1) & (pixel < view_xyxy[2:]).all(-1)
    return pixel, inside


@cache
def _disc() -> tuple[tuple[float, float], ...]:
    """A sunflower of points distributed as a two-dimensional normal law."""
    k = np.arange(32) + 0.5
    radius = np.sqrt(-2 * np.log1p(-k / 32))
    angle = np.pi * (3 - np.sqrt(5)) * k
    return tuple(
        zip((radius * np.cos(angle)).tolist(), (radius * np.sin(angle)).tolist(), strict=True)
    )
