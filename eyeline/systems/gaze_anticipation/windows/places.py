"""From maps of the square that the network sees, to places of the image."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from eyeline.errors import check_shape
from eyeline.results import Floats, Image
from eyeline.systems.gaze_anticipation.windows.spatial import View

SHORT_CELLS = 36
"""Of a heatmap over the image, along its shorter side."""
NEAR = 0.1
"""Of the image's height: what counts as near a place."""


class Places:
    """Maps of the middle square, in pixels of the whole image.

    A cell of a map is a point: cell `i` of 64 lies at `i / 64` of the square, as its labels do.

    Args:
        view: how the image became the square.
        size_wh: of the image, pixels.
        cells: rows and columns of a map.
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
        away = self._x[None] - point_px[:, :1], self._y[None] - point_px[:, 1:]
        inside_x, inside_y = (np.square(part) for part in away)
        inside = inside_y[:, :, None] + inside_x[:, None] <= reach**2
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
    def _x(self) -> Floats:
        """`(cells,)` pixels."""
        line = np.arange(self.cells)
        return self._pixels(np.stack([line, line], axis=1))[:, 0]

    @cached_property
    def _y(self) -> Floats:
        line = np.arange(self.cells)
        return self._pixels(np.stack([line, line], axis=1))[:, 1]

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
