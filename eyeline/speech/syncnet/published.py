"""Who speaks as VGS tells it: somebody always does, whoever's lips inform most about the audio.

All faces must be there from first to last, the measured offset is not applied, and a value lags
nine ticks behind its lips. `who_speaks` is the detector without these; this one explains stored
files and meets the published numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Ints
from eyeline.speech.syncnet.mutual_information import (
    MODE_TICKS,
    WINDOW,
    Points,
    filled,
    lagged,
    over_time,
    running_mode,
    smoothed,
)


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
