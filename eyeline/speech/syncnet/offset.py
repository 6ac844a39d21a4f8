"""How far lips and audio lie apart at each shift between them, and which shift suits them best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats

SHIFT_TICKS = 15
"""Shifts looked at, to either side, in ticks of 40 ms."""

_NEVER_ZERO = 1e-6  # added to each difference by the published distance
_MEDIAN_TICKS = 9

Features = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Offset:
    """The best shift of a whole track, by the published rule."""

    ticks: int
    """By how many ticks the audio comes before the lips."""
    confidence: float
    """Median minus minimum over the shifts of the mean distance."""
    mean: Floats
    """`(2 shift + 1,)` distance at each shift, averaged over time."""
    each: Floats
    """`(n,)` confidence at each time."""
    smooth: Floats
    """`(n,)` running median of it; beyond the ends it is 0."""


def distances(lips: Features, audio: Features, *, every: int = 1) -> Floats:
    """Distance of lips and audio at every shift.

    Args:
        lips: `(n, features)`.
        audio: `((n - 1) every + 1 + 2 shift, features)`; row i `every` + k goes with lips i at a
            shift of k - `shift` ticks. Rows of NaN give NaN.
        every: ticks from one row of lips to the next.

    Returns:
        `(n, 2 shift + 1)`; in column k the audio comes k - `shift` ticks after the lips.

    Raises:
        DataError: other shapes.
    """
    sizes = check_shape(lips, "n features", "lips")
    check_shape(audio, "rows features", "sound", {"features": sizes["features"]})
    reach = max(0, len(lips) - 1) * every
    columns = len(audio) - reach
    if columns < 1 or columns % 2 == 0:
        raise DataError(
            f"{len(audio)} rows of audio for {len(lips)} of lips every {every} ticks; expected an "
            "even number more than lips span"
        )
    result = np.empty((len(lips), columns))
    for k in range(columns):
        apart = lips - audio[k : k + reach + 1 : every][: len(lips)] + np.float32(_NEVER_ZERO)
        result[:, k] = np.sqrt(np.einsum("nf,nf->n", apart, apart))
    return result


def padded(audio: Features, shift: int = SHIFT_TICKS) -> Features:
    """Features with rows of zeros at both ends, as the published search has them."""
    return np.pad(audio, ((shift, shift), (0, 0)))


def measure(distance: Floats) -> Offset:
    """The best shift by distances `(n, 2 shift + 1)`, as of `distances`.

    Raises:
        DataError: no row.
    """
    from scipy.ndimage import median_filter

    check_shape(distance, "n shifts", "distances")
    if not len(distance):
        raise DataError("no distances to find an offset by: the track is shorter than a clip")
    mean = distance.mean(axis=0)
    best = int(mean.argmin())
    each = np.median(mean) - distance[:, best]
    return Offset(
        ticks=distance.shape[1] // 2 - best,
        confidence=float(np.median(mean) - mean[best]),
        mean=mean,
        each=each,
        smooth=median_filter(each, _MEDIAN_TICKS, mode="constant"),
    )
