"""Who speaks as VGS tells it: somebody always does, whoever's lips inform most about the audio.

All faces must be there from first to last, the measured offset is not applied, and a value lags
nine ticks behind its lips. `who_speaks` is the detector without these; this one explains stored
files and meets the published numbers.

Mutual information of lips and audio over a third of a second is estimated as Kraskov, Stögbauer and
Grassberger (2004) do it, over nearest neighbours, in the variant that VGS uses: with nine points in
1024 dimensions a rough number, often the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Named:
    """The one who speaks at each time."""

    information: Floats
    """`(n, tracks)` smoothed estimates in bits."""
    most: Ints
    """`(n,)` the track with the greatest, the first of several."""
    track: Ints
    """`(n,)` the same after the filter that takes the most frequent of 17."""


def who_speaks(lips: Points, audio: Points, *, seed: int = 0) -> Named:
    """The published answer for a group of faces.

    Args:
        lips: `(tracks, n, features)`, all of one length.
        audio: `(n, features)` of the audio with them, or `(tracks, n, features)`.
        seed: of the noise that breaks ties in the estimates.

    Raises:
        DataError: other shapes, no track, or fewer than 18 times.
    """
    sizes = check_shape(lips, "tracks n features", "lips")
    if audio.ndim == 2:
        audio = np.broadcast_to(audio, (sizes["tracks"], *audio.shape))
    check_shape(audio, "tracks n channels", "sound", {k: sizes[k] for k in ("tracks", "n")})
    if not sizes["tracks"] or sizes["n"] <= max(WINDOW, MODE_TICKS):
        raise DataError(
            f"{sizes['tracks']} tracks of {sizes['n']} times; the published way needs one track "
            f"and more than {MODE_TICKS} times"
        )
    return choose(
        np.stack(
            [lagged(over_time(v, a, seed=seed)) for v, a in zip(lips, audio, strict=True)], axis=1
        )
    )


def choose(information: Floats) -> Named:
    """Smooth estimates `(n, tracks)` and name the greatest at each time."""
    smooth = np.stack([smoothed(column) for column in information.T], axis=1)
    most = smooth.argmax(axis=1)
    return Named(smooth, most, filled(running_mode(most)))


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
        neighbours: which neighbour sets the scale; fewer than `window`.
        seed: of the tiny noise that breaks ties.

    Returns:
        `(n - window + 1,)`, row i of points i to i + window - 1.

    Raises:
        DataError: other shapes, or fewer points than a run.
    """
    from scipy.special import digamma

    sizes = check_shape(lips, "n a", "x")
    check_shape(audio, "n b", "y", {"n": sizes["n"]})
    if not 0 < neighbours < window <= len(lips):
        raise DataError(
            f"{len(lips)} points in runs of {window} with {neighbours} neighbours; a run must be "
            "longer than its neighbours and no longer than all points"
        )
    rng = np.random.default_rng(seed)
    near = [_within(v + _NOISE * rng.random(v.shape), window) for v in (lips, audio)]
    joint = np.maximum(*near)
    reach = np.partition(joint, neighbours, axis=2)[:, :, neighbours, None] - _STRICTLY
    counts = [(each <= reach).sum(axis=2) for each in near]
    marginal = sum(digamma(count).mean(axis=1) for count in counts)
    nats = digamma(neighbours) + digamma(window) - marginal
    return np.asarray(np.abs(nats) / np.log(2))


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


def _within(points: Points, window: int) -> Floats:
    """Greatest difference in any coordinate `(runs, window, window)` of the points of each run."""
    runs = len(points) - window + 1
    result = np.zeros((runs, window, window))
    for lag in range(1, window):
        apart = np.abs(points[lag:] - points[:-lag]).max(axis=1)
        for i in range(window - lag):
            result[:, i, i + lag] = result[:, i + lag, i] = apart[i : i + runs]
    return result
