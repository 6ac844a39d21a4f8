"""Points as heatmaps, as the field's scores want them, and the area under the curve on them.

A point is a Gaussian over a grid of 64 x 64 cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

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
    """Gaussians `(n, cells, cells)` about points `(n, 2)`, fractions of the image; 1 at the point.

    A cell has the value at its centre.
    """
    check_shape(points_norm, "n 2", "points")
    centre = (np.arange(cells) + 0.5)[None, :]
    x, y = (
        np.exp(-((centre - points_norm[:, i : i + 1] * cells) ** 2) / (2 * sigma_cells**2))
        for i in range(2)
    )
    return np.asarray(y[:, :, None] * x[:, None, :])


def mixture(
    points_norm: Floats, weight: Floats, *, sigma_cells: float = SIGMA_CELLS, cells: int = CELLS
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


Auc = Callable[[Floats, Floats, Floats], float]
"""Of heatmap `(rows, columns)`, annotators' points `(k, 2)` as fractions, image's size `(2,)`."""


def gazefollow_auc(heatmap: Floats, points_norm: Floats, size_px: Floats) -> float:
    """AUC as GazeFollow's: the pixels that annotators named against all others of the image.

    The heatmap is brought to the image's own size first.
    """
    width, height = (int(v) for v in size_px)
    return _auc_of_points(enlarged(heatmap, height, width), points_norm)


def gazefollow_cells_auc(heatmap: Floats, points_norm: Floats, size_px: Floats) -> float:
    """The same on the heatmap's own cells; a hundred times quicker, a little lower."""
    return _auc_of_points(heatmap, points_norm)


def attention_target_auc(heatmap: Floats, points_norm: Floats, size_px: Floats) -> float:
    """AUC as VideoAttentionTarget's: a square of cells about the point against all others.

    The published code draws a Gaussian of sigma 3 over 19 x 19 cells and calls all of it positive.
    (A later code cuts that square one cell short at the right and lower border.) Of several
    annotators the squares are joined.
    """
    rows, columns = heatmap.shape
    positive = np.zeros(heatmap.shape, bool)
    reach = int(3 * SIGMA_CELLS)
    for x, y in points_norm * (columns, rows):
        left, top = int(x - reach), int(y - reach)
        right, bottom = int(x + reach + 1), int(y + reach + 1)
        positive[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return auc_of(heatmap, positive.ravel())


PROTOCOLS: Mapping[str, Auc] = {
    "gazefollow": gazefollow_auc,
    "gazefollow_cells": gazefollow_cells_auc,
    "attention_target": attention_target_auc,
}
"""Definitions of AUC in use."""


def auc_of(values: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Chance that a positive place has a higher value than another, ties counting half.

    As scikit-learn's, which takes thirty times as long for the few positives of a map. Values are
    of any shape, `positive` `(size of values,)`; NaN where all or none are.
    """
    flat = values.ravel()
    yes, no = flat[positive], flat[~positive]
    if not len(yes) or not len(no):
        return float("nan")
    if len(yes) <= _FEW:
        wins = sum(np.count_nonzero(no < v) + np.count_nonzero(no <= v) for v in yes) / 2
    else:
        no = np.sort(no)
        wins = (np.searchsorted(no, yes) + np.searchsorted(no, yes, "right")).sum() / 2
    return float(wins / (len(yes) * len(no)))


_FEW = 20  # up to here counting beats sorting


def _auc_of_points(heatmap: Floats, points_norm: Floats) -> float:
    rows, columns = heatmap.shape
    x = np.clip((points_norm[:, 0] * columns).astype(np.int64), 0, columns - 1)
    y = np.clip((points_norm[:, 1] * rows).astype(np.int64), 0, rows - 1)
    positive = np.zeros(heatmap.size, bool)
    positive[y * columns + x] = True
    return auc_of(heatmap, positive)
