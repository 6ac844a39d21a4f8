"""Ellipsoids in a room, seen by a pinhole camera: depth, shade and paint of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.geometry.directions import normalise
from eyeline.results import Floats, Image
from eyeline.synthetic.camera import View

Paint = Callable[[Floats], Floats]
"""Points `(n, 3)` on the unit sphere, along the part's own axes, to colours `(n, 3)` in [0, 1]."""


def plain(colour: Floats) -> Paint:
    """One colour `(3,)` all over."""
    return lambda points: np.broadcast_to(colour, points.shape)


@dataclass(frozen=True)
class Part:
    """An ellipsoid in the world."""

    centre: Floats
    """`(3,)` metres."""
    axes: Floats
    """`(3, 3)`, a column each: for body parts forward, left, up."""
    radii: Floats
    """`(3,)` metres along these."""
    paint: Paint


@dataclass
class Canvas:
    """What is drawn so far."""

    colour: Floats
    """`(h, w, 3)` in [0, 1]."""
    depth: Floats
    """`(h, w)` metres along the camera's axis."""

    def copy(self) -> Canvas:
        """One to draw on, that leaves this one as it is."""
        return Canvas(self.colour.copy(), self.depth.copy())

    def pixels(self) -> Image:
        """`(h, w, 3)` uint8 RGB."""
        return (np.clip(self.colour, 0, 1) * 255 + 0.5).astype(np.uint8)


def draw(canvas: Canvas, view: View, rays: Floats, parts: Sequence[Part], light: Floats) -> None:
    """Draw parts where they are nearer than what is there.

    Args:
        canvas: changed.
        view: who sees.
        rays: of the view.
        parts: in any order.
        light: `(3,)` unit vector of the world towards the light.
    """
    for part in parts:
        _draw_one(canvas, view, rays, part, view.rotation.T @ light)


def _draw_one(canvas: Canvas, view: View, rays: Floats, part: Part, light: Floats) -> None:
    centre, turned = view.to_camera(part.centre), view.rotation.T @ part.axes
    box = _box(view, centre, turned * part.radii)
    if box is None:
        return
    to_sphere = (turned / part.radii).T
    begin, ray = -(to_sphere @ centre), rays[box] @ to_sphere.T
    a, b = (ray**2).sum(-1), ray @ begin
    root = b**2 - a * (begin @ begin - 1)
    with np.errstate(invalid="ignore"):
        depth = (-b - np.sqrt(root)) / a
    seen = (root > 0) & (depth > 0.05) & (depth < canvas.depth[box])
    if not seen.any():
        return
    on_sphere = begin + depth[seen, None] * ray[seen]
    normal = normalise(on_sphere @ to_sphere)
    shade = 0.5 + 0.5 * np.clip(normal @ light, 0, 1)
    canvas.colour[box][seen] = part.paint(on_sphere) * shade[:, None]
    canvas.depth[box][seen] = depth[seen]


def _box(view: View, centre: Floats, half_axes: Floats) -> tuple[slice, slice] | None:
    """Rows and columns that an ellipsoid can be seen in; None behind the camera or outside."""
    extent = np.linalg.norm(half_axes, axis=1)
    if centre[2] - extent[2] < 0.05:
        return None
    signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(-1, 3)
    corners = view.project(centre + signs * extent)
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + 1
    x1, y1 = min(x1, view.width_px), min(y1, view.height_px)
    return (slice(y0, y1), slice(x0, x1)) if x0 < x1 and y0 < y1 else None


def draw_room(view: View, rays: Floats, rng: np.random.Generator, half_m: float) -> Canvas:
    """A tiled floor and panelled walls around the world's origin, as far as `half_m`."""
    toward = rays @ view.rotation.T
    position = view.position
    with np.errstate(divide="ignore", invalid="ignore"):
        walls = np.where(toward[..., :2] > 0, half_m, -half_m)
        to_walls = (walls - position[:2]) / toward[..., :2]
        to_floor = np.where(toward[..., 2] < 0, -position[2] / toward[..., 2], np.inf)
    distance = np.stack([to_floor, to_walls[..., 0], to_walls[..., 1]], axis=-1)
    which, depth = distance.argmin(axis=-1), distance.min(axis=-1)
    place = position + depth[..., None] * toward
    # along the floor x and y, along a wall the other of them and z
    across = np.where(which == 1, place[..., 1], place[..., 0])
    along = np.where(which == 0, place[..., 1], place[..., 2])
    tiles = rng.uniform(0.75, 1, (3, 64, 64, 1)) * rng.uniform(0.25, 0.85, (3, 1, 1, 3))
    panels = rng.uniform(0.15, 0.9, (3, 64, 64, 3))
    tiles = np.where(rng.uniform(size=(3, 64, 64, 1)) < 0.15, panels, tiles)
    size_m = np.array([0.6, 0.9, 0.9])[which]
    row, column = (np.floor(v / size_m).astype(int) % 64 for v in (across, along))
    return Canvas(tiles[which, row, column], depth)
