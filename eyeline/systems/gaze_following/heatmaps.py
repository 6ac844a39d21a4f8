"""Points as heatmaps, as the field's scores want them: Gaussians over a grid of 64 x 64 cells."""

from __future__ import annotations

import numpy as np

from eyeline.errors import check_shape
from eyeline.results import Floats

CELLS = 64
"""Rows and columns of the grid on which networks of this field answer."""
SIGMA_CELLS = 3.0
"""Standard deviation of the Gaussian that stands for a point, in cells: that of the published
training targets. A point answer has no other spread, so its AUC depends on this number only
weakly: order, not height, counts."""


def of_points(
    points_norm: Floats, *, sigma_cells: float = SIGMA_CELLS, cells: int = CELLS
) -> Floats:
    """A Gaussian about each point, 1 at the point itself.

    Args:
        points_norm: `(n, 2)` x and y as fractions of the image.
        sigma_cells: standard deviation.
        cells: rows and columns.

    Returns:
        `(n, cells, cells)`; a cell has the value at its middle.
    """
    check_shape(points_norm, "n 2", "points")
    centre = (np.arange(cells) + 0.5)[None, :]
    x, y = (
        np.exp(-((centre - points_norm[:, i : i + 1] * cells) ** 2) / (2 * sigma_cells**2))
        for i in range(2)
    )
    return np.asarray(y[:, :, None] * x[:, None, :])


def mixture(
    points_norm: Floats,
    weight: Floats,
    *,
    sigma_cells: float = SIGMA_CELLS,
    cells: int = CELLS,
) -> Floats:
    """One heatmap `(cells, cells)` of points `(n, 2)`, each as high as its weight `(n,)`."""
    each = of_points(points_norm, sigma_cells=sigma_cells, cells=cells)
    return np.asarray(np.tensordot(weight, each, axes=1))


def enlarged(heatmap: Floats, height_px: int, width_px: int) -> Floats:
    """A heatmap `(rows, columns)` brought to the image's size by linear interpolation.

    Half-pixel centres, the border repeated: what `interpolate` of torch does without aligned
    corners.
    """
    check_shape(heatmap, "rows columns", "heatmap")
    return np.asarray(
        _weights(heatmap.shape[0], height_px) @ heatmap @ _weights(heatmap.shape[1], width_px).T
    )


def peak_norm(heatmaps: Floats) -> Floats:
    """The upper left corner of the highest cell `(n, 2)` of `(n, rows, columns)`, as published.

    Fractions of the image. On average half a cell up and left of the peak.
    """
    check_shape(heatmaps, "n rows columns", "heatmaps")
    rows, columns = heatmaps.shape[1:]
    best = heatmaps.reshape(len(heatmaps), -1).argmax(axis=1)
    return np.stack([best % columns / columns, best // columns / rows], axis=1)


def _weights(old: int, new: int) -> Floats:
    """Matrix `(new, old)` that interpolates."""
    place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    low = np.minimum(np.floor(place).astype(np.int64), max(old - 2, 0))
    high = np.minimum(low + 1, old - 1)
    fraction = place - low
    matrix = np.zeros((new, old))
    matrix[np.arange(new), low] += 1 - fraction
    matrix[np.arange(new), high] += fraction
    return matrix
