"""Maps in 256 levels: all that the scores ask of a map, in a byte a cell.

The borders between levels are all published thresholds and finer ones, so that counts of cells
above a published threshold are exact.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Image, Ints
from eyeline.systems.gaze_anticipation.windows.sampling import check_task, timing_of

LEVELS = 256
VERSION = 1
"""Of the borders; files of levels have it."""

_LEAST_RANGE = 1e-6
_FAINT = ((1e-37, 50), (1e-6, 50))
"""Where borders below the least published threshold begin and how many follow, for the order of
faint cells: a spot of a label's width differs from nothing as far as 42 of 64 cells away."""
_SHIFT = np.uint32(16)
_AT_ONCE = 32
"""Maps that stay in the processor's cache."""


def sweep(dataset: str, task: str) -> Floats:
    """The thresholds `(n,)` that the published metric tries."""
    timing_of(dataset)
    check_task(task)
    if task == "estimation":
        return np.linspace(0, 0.02, 11)
    return np.linspace(0, 0.02, 21) if dataset == "aria" else np.linspace(0.01, 0.07, 31)


@cache
def borders() -> Floats:
    """`(255,)` ascending float32; a value is of the level that counts how many lie below it."""
    kinds = [("ego4d", "anticipation"), ("aria", "anticipation"), ("ego4d", "estimation")]
    known = np.unique(np.concatenate([sweep(*kind) for kind in kinds]).astype(np.float32))
    ends = [*(start for start, _ in _FAINT[1:]), float(known[1])]
    faint = np.concatenate(
        [
            np.geomspace(start, end, count, endpoint=False)
            for (start, count), end in zip(_FAINT, ends, strict=True)
        ]
    )
    left = LEVELS - 1 - len(known) - len(faint)
    strong = np.geomspace(known[-1], 1, left + 1, endpoint=False)[1:]
    predictions: Floats = np.unique(np.concatenate([known, faint, strong]).astype(np.float32))
    assert len(predictions) == LEVELS - 1
    return predictions


def places(thresholds: Floats) -> Ints:
    """Numbers `(n,)` of the borders that thresholds are; DataError for one that is none."""
    wanted = np.asarray(thresholds, np.float64).astype(np.float32)
    predictions = np.searchsorted(borders(), wanted).clip(max=LEVELS - 2)
    if (wrong := borders()[predictions] != wanted).any():
        raise DataError(f"{thresholds[wrong][0]} is no border between levels")
    return predictions


def threshold_of(border: int) -> float:
    """A border's value in as few digits as are needed."""
    return float(str(borders()[border]))


def nearest(threshold: float) -> int:
    """Number of the border that is nearest to a threshold."""
    return int(np.abs(borders().astype(np.float64) - threshold).argmin())


def rescaled(maps: Floats) -> Floats:
    """Maps with values in `[0, 1)`, as published: what is above the least, over their range.

    Of `(n, row, column)` not negative, float32; distributions for the published figures.
    """
    given = np.asarray(maps, np.float32)
    least = given.min((1, 2), keepdims=True)
    most = given.max((1, 2), keepdims=True)
    return np.asarray((given - least) / (most - least + np.float32(_LEAST_RANGE)), np.float32)


def levels(values: Floats) -> Image:
    """Levels `(n, row, column)` of values in [0, 1], as of `rescaled`; DataError for others."""
    check_shape(values, "map row column", "maps")
    given = np.ascontiguousarray(values, np.float32)
    predictions = np.empty(given.shape, np.uint8)
    known, open_border = _table()
    for start in range(0, len(given), _AT_ONCE):
        part = given[start : start + _AT_ONCE]
        if not (part.min(initial=0) >= 0 and part.max(initial=0) <= 1):
            raise DataError("a map has values beyond 0 and 1, or some that are no numbers")
        values, level = np.abs(part), predictions[start : start + _AT_ONCE]
        # by the first 16 bits of a value, and one border that they leave open
        np.take(known, values.view(np.uint32) >> _SHIFT, out=level)
        level += values > np.take(open_border, level)
    return predictions


def histograms(level: Image) -> Ints:
    """How many cells of each map have each level, `(n, 256)`, of `(n, cells)`."""
    first = LEVELS * np.arange(len(level))[:, None]
    counts = np.bincount((level + first).ravel(), minlength=LEVELS * len(level))
    return counts.reshape(len(level), LEVELS)


@cache
def _table() -> tuple[Image, Floats]:
    """Levels of the least value of each beginning of 16 bits; borders, and none after the last."""
    beginnings = np.arange((int(np.float32(1).view(np.uint32)) >> 16) + 2, dtype=np.uint32)
    least = (beginnings << _SHIFT).view(np.float32)
    known = np.searchsorted(borders(), least, side="left")
    assert np.diff(known).max() <= 1, "two borders within one beginning"
    return known.astype(np.uint8), np.append(borders(), np.float32(np.inf))
