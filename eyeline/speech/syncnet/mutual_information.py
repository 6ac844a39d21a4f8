"""Mutual information of lips and audio over a third of a second, and the filters that follow it.

The estimator is that of Kraskov, Stögbauer and Grassberger (2004) over nearest neighbours, in the
variant that VGS uses: with nine points in 1024 dimensions a rough number, often the same for all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Ints

WINDOW = 9
"""Points of one estimate."""
NEIGHBOURS = 3
MEDIAN_TICKS = 49
MEAN_TICKS = 9
MODE_TICKS = 17

_NOISE = 1e-10  # breaks ties
_STRICTLY = 1e-15

Points = npt.NDArray[np.floating[Any]]


def mutual_information(
    x: Points, y: Points, *, neighbours: int = NEIGHBOURS, base: float = 2.0, seed: int = 0
) -> float:
    """Estimate for paired points.

    Args:
        x: `(n, a)`.
        y: `(n, b)`.
        neighbours: which neighbour sets the scale; fewer than n.
        base: of the logarithm.
        seed: of the tiny noise that breaks ties.

    Raises:
        DataError: other shapes, or too few points.
    """
    _check(x, y, len(x), neighbours)
    result = _windows(x, y, len(x), neighbours, seed)
    return float(result[0] / np.log(base))


def over_time(
    lips: Points,
    audio: Points,
    *,
    window: int = WINDOW,
    neighbours: int = NEIGHBOURS,
    seed: int = 0,
) -> Floats:
    """The absolute estimate in bits of every run of `window` points.

    Args:
        lips: `(n, a)`.
        audio: `(n, b)`.
        window: points of a run.
        neighbours: as of `mutual_information`.
        seed: likewise.

    Returns:
        `(n - window + 1,)`, row i of points i to i + window - 1.

    Raises:
        DataError: other shapes, or fewer points than a run.
    """
    _check(lips, audio, window, neighbours)
    return np.asarray(np.abs(_windows(lips, audio, window, neighbours, seed)) / np.log(2))


def lagged(values: Floats, window: int = WINDOW) -> Floats:
    """Estimates `(m,)` of runs at `(m + window - 1,)` times, as published.

    A time has that of the run that ends just before it; the last run is unused, and the first times
    have that of the first.
    """
    return np.concatenate([np.repeat(values[:1], window), values[:-1]])


def smoothed(values: Floats) -> Floats:
    """Running median over 49 ticks with zeros beyond the ends, then running mean over 9: `(n,)`."""
    from scipy.ndimage import median_filter

    return running_mean(median_filter(values, MEDIAN_TICKS, mode="constant"), MEAN_TICKS)


def running_mean(values: Floats, span: int) -> Floats:
    """Means `(n,)` over an odd span, which shrinks towards both ends: 1, 3, 5, ..."""
    reach = np.minimum(np.arange(len(values)), np.arange(len(values))[::-1])
    reach = np.minimum(reach, span // 2)
    at = np.arange(len(values))
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray((total[at + reach + 1] - total[at - reach]) / (2 * reach + 1))


def running_mode(labels: Ints, span: int = MODE_TICKS) -> Ints:
    """The most frequent label, the smallest of several, over an odd span; 0 near both ends.

    Args:
        labels: `(n,)`, >= 0.
        span: ticks.
    """
    result = np.zeros(len(labels), np.int64)
    if len(labels) < span:
        return result
    runs = np.lib.stride_tricks.sliding_window_view(labels, span)
    kinds = np.unique(labels)
    counts = np.stack([(runs == kind).sum(axis=1) for kind in kinds])
    result[span // 2 : len(labels) - span // 2] = kinds[counts.argmax(axis=0)]
    return result


def filled(labels: Ints, span: int = MODE_TICKS) -> Ints:
    """The first `span` labels become that at `span`, the last ones that at -`span`.

    Raises:
        DataError: not more labels than `span`.
    """
    if len(labels) <= span:
        raise DataError(f"{len(labels)} labels are too few to fill {span} at each end")
    result = labels.copy()
    result[:span], result[-span:] = result[span], result[-span]
    return result


def _check(x: Points, y: Points, window: int, neighbours: int) -> None:
    sizes = check_shape(x, "n a", "x")
    check_shape(y, "n b", "y", {"n": sizes["n"]})
    if not 0 < neighbours < window <= len(x):
        raise DataError(
            f"{len(x)} points in runs of {window} with {neighbours} neighbours; a run must be "
            "longer than its neighbours and no longer than all points"
        )


def _windows(x: Points, y: Points, window: int, neighbours: int, seed: int) -> Floats:
    """Estimates `(n - window + 1,)` in nats, from distances that neighbouring runs share."""
    from scipy.special import digamma

    rng = np.random.default_rng(seed)
    near = [_within(v + _NOISE * rng.random(v.shape), window) for v in (x, y)]
    joint = np.maximum(*near)
    reach = np.partition(joint, neighbours, axis=2)[:, :, neighbours, None] - _STRICTLY
    counts = [(each <= reach).sum(axis=2) for each in near]
    marginal = sum(digamma(count).mean(axis=1) for count in counts)
    return np.asarray(digamma(neighbours) + digamma(window) - marginal)


def _within(points: Points, window: int) -> Floats:
    """Greatest difference in any coordinate `(runs, window, window)` of the points of each run."""
    runs = len(points) - window + 1
    result = np.zeros((runs, window, window))
    for lag in range(1, window):
        apart = np.abs(points[lag:] - points[:-lag]).max(axis=1)
        for i in range(window - lag):
            result[:, i, i + lag] = result[:, i + lag, i] = apart[i : i + runs]
    return result
