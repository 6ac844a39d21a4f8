"""Mouths on a common clock: the motion of each track's lips, evenly sampled, with its trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError
from eyeline.people.tracks import Track
from eyeline.results import Floats, Ints
from eyeline.speech.lips import Lips

TICK_HZ = 25
"""Ticks a second of the clock on which mouths, audio and turns meet; tick k lies at k / 25 s."""
TICK_S = 1 / TICK_HZ
SLOW_S = 0.125
"""Gaussian that is taken off lips and loudness: what is left lies above 1.5 Hz, as syllables do."""

SLOWEST_HZ = 5.0
"""Lips that are seen less often say nothing: syllables fall between the frames."""
COVERED = 0.6
"""Mouths that are covered with this probability say nothing."""

_FULL_TRUST = 0.4  # quality of the landmarks from which on a mouth counts fully
_STILL_MM_S = 1.0  # pixels move by as much on a mouth at rest
_COVERED_S = 0.6  # Gaussian over which the probability that a mouth is covered is averaged


@dataclass(frozen=True)
class Mouth:
    """The lips of one track, on ticks `first` to `first + n - 1`."""

    first: int
    """Tick of the first value."""
    motion: Floats
    """`(n,)` opening without its slow part, in eye distances."""
    trust: Floats
    """`(n,)` in [0, 1]; 0 where the lips were not measured, or are covered."""
    blur_s: float
    """How long the frames are apart: what is quicker cannot be seen."""
    stir: Floats
    """`(n,)` logarithm of the motion of the mouth's pixels in mm/s; NaN where not read."""
    dark: Floats
    """`(n,)` darkness of the mouth without its slow part; NaN where not read."""

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


def clock_ticks(end_s: float, tracks: Sequence[Track]) -> int:
    """How many ticks reach a time, and the end of every track."""
    return max([tick_count(end_s), *(int(track_ticks(track).stop) for track in tracks)])


def read_mouth(track: Track, lips: Lips | None = None) -> Mouth:
    """A track's lips on the common clock; trust is 0 away from measured frames.

    Args:
        track: the face.
        lips: what was measured on its mouth, by default what the track itself holds.
    """
    lips = lips or Lips.of_track(track)
    ticks = track_ticks(track)
    time_s = np.arange(ticks.start, ticks.stop) * TICK_S
    nothing = np.zeros(len(time_s))
    if not len(lips.time_s) or not len(time_s):
        return Mouth(ticks.start, nothing, nothing, TICK_S, nothing + np.nan, nothing + np.nan)
    blur_s = float(np.median(np.diff(lips.time_s))) if len(lips.time_s) > 1 else TICK_S
    reach_s = min(1.5 * max(blur_s, TICK_S), 1 / SLOWEST_HZ + 1e-6)
    trust = np.interp(time_s, lips.time_s, np.clip(lips.trust / _FULL_TRUST, 0, 1))
    trust[_gap(time_s, lips.time_s) > reach_s] = 0.0
    trust[covered_ticks(lips, time_s)] = 0.0

    def quick(values: Floats) -> Floats:
        opening = np.interp(time_s, lips.time_s, values)
        return opening - weighted_mean(opening, trust, SLOW_S)

    if np.isfinite(lips.dark).all():
        stir, dark = _stir(lips, time_s), quick(lips.dark)
    else:
        stir, dark = nothing + np.nan, nothing + np.nan
    return Mouth(ticks.start, quick(lips.opening), trust, blur_s, stir, dark)


def covered_ticks(lips: Lips, time_s: Floats) -> npt.NDArray[np.bool_]:
    """Whether the mouth is covered at times `(n,)` of successive ticks; False where not read."""
    if not len(lips.time_s) or not np.isfinite(lips.covered).all():
        return np.zeros(len(time_s), bool)
    covered = np.interp(time_s, lips.time_s, lips.covered)
    return weighted_mean(covered, np.ones(len(covered)), _COVERED_S) > COVERED


def _stir(lips: Lips, time_s: Floats) -> Floats:
    known = np.isfinite(lips.stir_mm_s)
    if not known.any():
        return np.full(len(time_s), np.nan)
    speed = np.interp(time_s, lips.time_s[known], lips.stir_mm_s[known])
    return np.asarray(np.log(np.maximum(speed, _STILL_MM_S)))


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


def _gap(time_s: Floats, sorted_s: Floats) -> Floats:
    """How far the sorted times around each time are apart; beyond both ends, how far it is off."""
    if len(sorted_s) < 2:
        return np.full(len(time_s), np.inf)
    apart = np.diff(sorted_s)
    before = np.searchsorted(sorted_s, time_s + 1e-6, side="right") - 1
    beyond = np.maximum(sorted_s[0] - time_s, time_s - sorted_s[-1])
    return np.asarray(np.maximum(apart[before.clip(0, len(apart) - 1)], beyond))
