"""From a frame as filmed to the square that the network sees, and the gaze with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.interface import Pixels
from eyeline.systems.gaze_anticipation.windows.sampling import Draws

SIDE = 256
"""Of the square."""
MEAN, SPREAD = 0.45, 0.225
PIXELS = Pixels("RGB", (MEAN,) * 3, (SPREAD,) * 3, 255.0)
"""Of the values in [0, 1] that become 0 and 1."""


@dataclass(frozen=True)
class View:
    """How a frame becomes a square: scaled down, cut, and mirrored."""

    height: int
    width: int
    """Of the frame once it is smaller."""
    top: int
    left: int
    """Of the square in it."""
    side: int = SIDE
    mirrored: bool = False

    def into(self, xy: Floats) -> Floats:
        """Gaze `(n, 2)` as shares of the frame, to shares of the square; clipped to it.

        In a frame that is as large as the square, training draws nothing and clips nothing.
        """
        size, corner = np.array([self.width, self.height]), np.array([self.left, self.top])
        return self._mirror(np.clip((xy * size - corner) / self.side, 0, 1))

    def out_of(self, xy: Floats) -> Floats:
        """Places `(n, 2)` as shares of the square, to shares of the frame."""
        size, corner = np.array([self.width, self.height]), np.array([self.left, self.top])
        result: Floats = (self._mirror(xy) * self.side + corner) / size
        return result

    def _mirror(self, xy: Floats) -> Floats:
        return np.stack([1 - xy[:, 0], xy[:, 1]], axis=1) if self.mirrored else xy


def central_view(height: int, width: int, side: int = SIDE) -> View:
    """The view of evaluation: the middle of the frame, whose shorter side fits the square."""
    height, width = resized(height, width, side)
    return View(height, width, math.ceil((height - side) / 2), math.ceil((width - side) / 2), side)


def drawn_view(
    height: int, width: int, xy: Floats, draws: Draws, sides: tuple[int, int], side: int = SIDE
) -> View:
    """A view of training: a drawn size, a square with as much of the gaze as fits.

    Size, place and mirroring are drawn, in this order; where nothing is to be drawn, less. `xy`
    `(n, 2)` is gaze as fractions of the frame, `sides` pixels of the frame's shorter side, drawn
    between them.
    """
    height, width = resized(height, width, round(float(draws.uniform(*sides))))
    left = _offset(xy[:, 0] * width, width, side, draws)
    top = _offset(xy[:, 1] * height, height, side, draws)
    return View(height, width, top, left, side, bool(draws.uniform(0, 1) < 0.5))


def resized(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of a frame whose shorter side becomes `side`."""
    if min(height, width) == side:
        return height, width
    if width < height:
        return math.floor(height / width * side), side
    return side, math.floor(width / height * side)


def _offset(place: Floats, length: int, side: int, draws: Draws) -> int:
    """Where the square begins on one axis: with all of the gaze in it, or else with its middle."""
    if length <= side:
        return 0
    inside = sorted(place.tolist())
    while True:
        low, high = max(0.0, inside[-1] - side), min(float(length - side), inside[0])
        if low <= high:
            return int(low) if low == high else int(draws.uniform(low, high))
        inside.pop(0 if len(inside) % 2 == 0 else -1)


def seen(frames: Image, view: View) -> Tensor:
    """Squares `(3, time, side, side)` float32 of frames `(time, height, width, 3)` uint8 RGB.

    Each value is a blend of four of the frame, as published; only these are read.
    """
    sizes = check_shape(frames, "time height width 3", "frames")
    if view.height < view.side or view.width < view.side:
        raise DataError(f"a frame of {sizes['width']}x{sizes['height']} has no room for {view}")
    rows = _places(sizes["height"], view.height, view.top, view.side)
    columns = _places(sizes["width"], view.width, view.left, view.side)
    if view.mirrored:
        columns = tuple(part.flip(0) for part in columns)
    upper, lower = (_blend_columns(frames, row, *columns) for row in rows[:2])
    weight = rows[2][:, None, None]
    return torch.lerp(upper, lower, weight).permute(3, 0, 1, 2).contiguous()


def _blend_columns(
    frames: Image, row: Tensor, left: Tensor, right: Tensor, weight: Tensor
) -> Tensor:
    lines = frames[:, row.numpy()]
    pair = (torch.from_numpy(np.take(lines, column.numpy(), axis=2)) for column in (left, right))
    a, b = (values.float().div_(255).sub_(MEAN).div_(SPREAD) for values in pair)
    return torch.lerp(a, b, weight[:, None])


def _places(before: int, after: int, first: int, count: int) -> tuple[Tensor, ...]:
    """For pixels of a shrunken axis: the pixel before, the pixel after, and the latter's weight."""
    wanted = torch.arange(first, first + count, dtype=torch.float64)
    # as torch's interpolation has it: a scale of 32 bits, and a place that is rounded once
    scale = float(np.float32(before) / np.float32(after))
    place = ((wanted + 0.5) * scale - 0.5).clamp(min=0).float()
    low = place.long()
    high = (low + 1).clamp(max=before - 1)
    return low, high, place - low


SHORT_CELLS = 36
"""Of a heatmap over the image, along its shorter side."""
NEAR = 0.1
"""Of the image's height: what counts as near a place."""


class Places:
    """Maps of the central square, in pixels of the whole image.

    A cell of a map is a point: cell `i` of 64 lies at `i / 64` of the square, as its labels do.
    `view` is how the image became the square, `cells` are rows and columns of a map.
    """

    def __init__(self, view: View, size_wh: tuple[int, int], cells: int) -> None:
        self.view, self.size_wh, self.cells = view, size_wh, cells

    def peaks(self, maps: Floats) -> Floats:
        """Where maps `(n, cells, cells)` are largest, `(n, 2)` pixels."""
        check_shape(maps, f"n {self.cells} {self.cells}", "maps")
        at = maps.reshape(len(maps), self.cells**2).argmax(axis=1)
        return self._pixels(np.stack([at % self.cells, at // self.cells], axis=1))

    def near(self, maps: Floats, point_px: Floats) -> Floats:
        """Shares `(n,)` of maps that lie within `NEAR` of points `(n, 2)`."""
        reach = NEAR * self.size_wh[1]
        away_x, away_y = np.square(self._xy[:, None] - point_px.T[:, :, None])
        inside = away_y[:, :, None] + away_x[:, None] <= reach**2
        result: Floats = np.clip((maps * inside).sum((1, 2)) / maps.sum((1, 2)), 0, 1)
        return result

    def over_image(self, maps: Floats) -> Image:
        """Heatmaps `(n, rows, columns)` over the whole image, their peaks at 255.

        Outside of the square, of which the network says nothing, they are 0.
        """
        rows, columns = self._onto
        result = rows @ maps @ columns.T
        peak = result.max(axis=(1, 2), keepdims=True)
        return np.asarray(np.rint(result * (255 / np.maximum(peak, 1e-12))), np.uint8)

    def _pixels(self, cell: Floats) -> Floats:
        result: Floats = self.view.out_of(cell / self.cells) * np.array(self.size_wh)
        return result

    @cached_property
    def _xy(self) -> Floats:
        """`(2, cells)` pixels of columns and rows."""
        line = np.arange(self.cells)
        return self._pixels(np.stack([line, line], axis=1)).T

    @cached_property
    def _onto(self) -> tuple[Floats, Floats]:
        """What each row and each column of a heatmap takes of the cells."""
        view, shorter = self.view, min(self.size_wh)
        columns, rows = (round(SHORT_CELLS * length / shorter) for length in self.size_wh)
        return (
            self._fractions(rows, view.height, view.top),
            self._fractions(columns, view.width, view.left),
        )

    def _fractions(self, count: int, length: int, first: int) -> Floats:
        """How much of each cell `(count, cells)` lies in each of some equal parts of an axis."""
        edges = (np.arange(count + 1) * (length / count) - first) * (self.cells / self.view.side)
        low, high = edges[:-1, None], edges[1:, None]
        cell = np.arange(self.cells)
        result = np.minimum(high, cell + 0.5) - np.maximum(low, cell - 0.5)
        return np.asarray(np.clip(result, 0, None))
