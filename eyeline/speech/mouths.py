"""Mouths on a common clock: the motion of each track's lips, evenly sampled, with its trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.errors import DataError
from eyeline.people.tracks import Track
from eyeline.results import Floats, Ints

TICK_HZ = 25
"""Ticks a second of the clock on which mouths, sound and turns meet; tick k lies at k / 25 s."""
TICK_S = 1 / TICK_HZ
SLOW_S = 0.125
"""Gaussian that is taken off lips and loudness: what is left lies above 1.5 Hz, as syllables do."""

_FULL_TRUST = 0.4  # quality of the landmarks from which on a mouth counts fully


@dataclass(frozen=True)
class Mouth:
    """The lips of one track, on ticks `first` to `first + n - 1`."""

    first: int
    """Tick of the first value."""
    motion: Floats
    """`(n,)` opening without its slow part, in eye distances."""
    trust: Floats
    """`(n,)` in [0, 1]; 0 where the lips were not measured."""
    blur_s: float
    """How long the frames are apart: what is quicker cannot be seen."""

    @property
    def ticks(self) -> slice:
        """Where the values lie on the common clock."""
        return slice(self.first, self.first + len(self.motion))

    @property
    def time_s(self) -> Floats:
        """`(n,)` times of the values."""
        return np.arange(self.first, self.first + len(self.motion)) * TICK_S


def tick_count(time_s: float) -> int:
    """How many ticks lie before a time."""
    return max(0, int(np.ceil(time_s * TICK_HZ - 1e-6)))


def track_ticks(track: Track) -> slice:
    """The ticks from a track's first frame to the end of its last."""
    first = tick_count(float(track.time_s[0]))
    return slice(first, max(first, tick_count(float(track.end_s[-1]))))


def read_mouth(track: Track) -> Mouth:
    """The motion of a track's lips on the common clock; trust is 0 away from measured frames."""
    ticks = track_ticks(track)
    time_s = np.arange(ticks.start, ticks.stop) * TICK_S
    known = np.isfinite(track.mouth_open)
    blur_s = float(np.median(track.end_s - track.time_s))
    if not known.any() or not len(time_s):
        return Mouth(ticks.start, np.zeros(len(time_s)), np.zeros(len(time_s)), blur_s)
    seen_s = track.time_s[known]
    opening = np.interp(time_s, seen_s, track.mouth_open[known])
    trust = np.interp(time_s, seen_s, np.clip(track.quality[known] / _FULL_TRUST, 0, 1))
    away = _distance(time_s, seen_s) > 1.5 * max(blur_s, TICK_S)
    trust = np.where(away, 0.0, trust)
    return Mouth(ticks.start, opening - weighted_mean(opening, trust, SLOW_S), trust, blur_s)


def weighted_mean(value: Floats, weight: Floats, sigma_s: float) -> Floats:
    """Gaussian running means, in which each tick counts by its weight.

    Args:
        value: `(n,)` on successive ticks.
        weight: `(n,)`, >= 0.
        sigma_s: standard deviation of the window in seconds.

    Returns:
        `(n,)`; 0 where all weights nearby are 0.
    """
    from scipy.ndimage import gaussian_filter1d

    def smooth(x: Floats) -> Floats:
        return np.asarray(gaussian_filter1d(x, sigma_s * TICK_HZ, mode="constant"))

    total = smooth(np.asarray(weight, np.float64))
    return np.asarray(smooth(weight * value) / np.where(total > 1e-6, total, np.inf))


def by_person(tracks: Sequence[Track]) -> tuple[Ints, list[int]]:
    """Persons `(k,)` in order, and for each track the index of its person among them.

    Raises:
        DataError: for a track without a person.
    """
    for track in tracks:
        if track.person < 1:
            raise DataError(
                f"track {track.track_id} belongs to no person yet (person {track.person}); "
                "join identities before asking who speaks"
            )
    persons = np.unique(np.array([track.person for track in tracks], np.int64))
    return persons, [int(np.searchsorted(persons, track.person)) for track in tracks]


def _distance(time_s: Floats, sorted_s: Floats) -> Floats:
    """From each time to the nearest of the sorted times."""
    after = np.searchsorted(sorted_s, time_s).clip(1, len(sorted_s) - 1) if len(sorted_s) > 1 else 0
    before = np.maximum(np.asarray(after) - 1, 0)
    near = np.minimum(np.abs(sorted_s[after] - time_s), np.abs(time_s - sorted_s[before]))
    return np.asarray(near)
