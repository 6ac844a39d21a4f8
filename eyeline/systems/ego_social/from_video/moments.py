"""The clock of 30 Hz that both networks know, and which row of a track each of its moments shows.

Moment `k` lies `k / 30` s after the first frame of the video and shows the row nearest to it in
time, as the published preparation does when it brings a clip to 30 frames a second: of a faster
video some rows are passed over, of a slower one some stand for several moments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.evaluation.metrics import segments
from eyeline.people.tracks import Track
from eyeline.results import Floats, Ints
from eyeline.systems.ego_social.inputs import FRAME_HZ

_EARLIER = 1e-6
"""Of two that are equally near the earlier one counts, whatever the last digits are."""


def moment_at(time_s: Floats | float) -> Ints:
    """The moment nearest to each time; of two the earlier one."""
    return np.asarray(np.ceil(np.asarray(time_s, np.float64) * FRAME_HZ - 0.5 - _EARLIER), np.int64)


@dataclass(frozen=True)
class Moments:
    """What the moments of a track show, from its first row until its last one ends."""

    first: int
    """The first moment."""
    row: Ints
    """`(m,)` row of the track; -1 where it has none near enough."""

    def of_rows(self, time_s: Floats) -> Ints:
        """For rows at times `(n,)` the places `(n,)` of the moments nearest to them."""
        return np.clip(moment_at(time_s) - self.first, 0, len(self.row) - 1)


@dataclass(frozen=True)
class Run:
    """Moments in a row that one row shows."""

    row: int
    first: int
    count: int


def moments_of(track: Track) -> Moments:
    """Which rows the moments of a track show.

    A moment shows nothing if no row is within 1/60 s of it and no frame of the track is on show.
    """
    time_s = track.time_s
    if not len(time_s):
        return Moments(0, np.zeros(0, np.int64))
    first = int(moment_at(time_s[0]))
    last = max(int(moment_at(time_s[-1])), int(moment_at(track.end_s[-1])) - 1)
    at_s = np.arange(first, last + 1) / FRAME_HZ
    row = np.searchsorted((time_s[1:] + time_s[:-1]) / 2, at_s - _EARLIER)
    near = np.abs(time_s[row] - at_s) <= 0.5 / FRAME_HZ + _EARLIER
    before = np.clip(np.searchsorted(time_s, at_s + _EARLIER, side="right") - 1, 0, None)
    shown = (at_s >= time_s[before] - _EARLIER) & (at_s < track.end_s[before] - _EARLIER)
    return Moments(first, np.where(near | shown, row, -1))


def runs(first: int, row: Ints) -> list[Run]:
    """Moments from the first on that show the same row `(m,)`; none of those that show nothing."""
    same = segments(row)
    spans = zip(same.label.tolist(), same.start.tolist(), same.end.tolist(), strict=True)
    return [Run(shown, first + a, b - a) for shown, a, b in spans if shown >= 0]
