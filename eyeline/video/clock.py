"""The video's clock: stamps in order and increasing, and the frames nearest to a rate."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from fractions import Fraction

FAR_AHEAD_S = 10
"""A stamp this far after the one before, and after the declared end, is not believed."""


@dataclass
class Reordering:
    """Finds the stamps of frames in files that keep only the order of decoding.

    Some programs write mp4 files whose presentation stamps are those of decoding although the
    frames are stored out of order. As long as no packet tells the two apart, the frame shown next
    has the smallest stamp among those of the packets that the decoder still holds.
    """

    mended: int = 0
    """Frames whose own stamp was another frame's."""
    _waiting: list[int] = field(default_factory=list)
    _distinguished: bool = False

    def sent(self, pts: int | None, dts: int | None) -> None:
        """Take note of a packet that is about to give a frame."""
        if pts is None or pts != dts:
            self._distinguished = True
        else:
            heapq.heappush(self._waiting, pts)

    def lost(self, pts: int | None) -> None:
        """Take note that a packet sent before gives no frame."""
        if pts in self._waiting:
            self._waiting.remove(pts)
            heapq.heapify(self._waiting)

    def shown(self, pts: int | None, depth: int) -> int | None:
        """The stamp of the next frame in order of showing.

        Args:
            pts: the stamp that the frame itself bears.
            depth: how many packets the decoder holds back to put frames in order.
        """
        if self._distinguished or depth == 0 or not self._waiting:
            self._waiting.clear()
            return pts
        while len(self._waiting) > depth + 1:
            heapq.heappop(self._waiting)
        stamp = heapq.heappop(self._waiting)
        self.mended += stamp != pts
        return stamp


@dataclass
class Clock:
    """Gives every frame a stamp greater than the one before, and counts those it had to make up."""

    time_base: Fraction
    """Seconds a tick."""
    period: Fraction
    """Seconds between two frames, for where stamps are missing."""
    declared_end: Fraction | None = None
    """Seconds on the file's clock."""
    missing: int = 0
    """Frames without a stamp, or with one that cannot be."""
    backward: int = 0
    """Frames whose stamp was not after the one before."""
    last: Fraction | None = None
    """The stamp given last."""

    def place(self, pts: int | None, dts: int | None, following: int | None = None) -> Fraction:
        """The stamp of the next frame in order of showing, seconds on the file's clock.

        Args:
            pts: its presentation stamp in ticks, None where the file has none.
            dts: the decoding stamp of the packet that gave it; without frame threads that is the
                presentation stamp as far as it can be known without `pts`.
            following: presentation stamp of the frame after it, if there is one.
        """
        stamp = None if pts is None else pts * self.time_base
        if following is not None and self.leaps_out(pts, following):
            self.backward += 1
            self.last = self._before(following * self.time_base)
        elif self.last is None:
            self.missing += stamp is None
            self.last = stamp if stamp is not None else (dts or 0) * self.time_base
        elif stamp is None or self._beyond_belief(stamp):
            self.missing += 1
            self.last = self._after_last(dts)
        elif stamp <= self.last:
            self.backward += 1
            # Half a period after a repeated stamp lets the next one be right again; after a clock
            # that was set back no stamp will be right again, and the rate is the best there is.
            repeated = self.last - stamp < 2 * self.period
            self.last += self.period / 2 if repeated else self.period
        else:
            self.last = stamp
        return self.last

    def leaps_out(self, pts: int | None, following: int | None) -> bool:
        """Whether a frame alone is stamped too late: its neighbours are in order without it."""
        if pts is None or following is None or following >= pts:
            return False
        return self.last is None or self.last < following * self.time_base

    @property
    def warnings(self) -> tuple[str, ...]:
        """What had to be synthetic, in words."""
        said = []
        if self.missing:
            said.append(
                f"{self.missing} frames had no usable time stamp and were placed by the rate"
            )
        if self.backward:
            said.append(f"{self.backward} frames were stamped before the frame ahead of them")
        return tuple(said)

    def _before(self, after: Fraction) -> Fraction:
        if self.last is None:
            return after - self.period
        return min(self.last + self.period, (self.last + after) / 2)

    def _after_last(self, dts: int | None) -> Fraction:
        assert self.last is not None
        known = None if dts is None else dts * self.time_base
        if known is not None and known > self.last and not self._beyond_belief(known):
            return known
        return self.last + self.period

    def _beyond_belief(self, stamp: Fraction) -> bool:
        assert self.last is not None
        if self.declared_end is None:
            return False
        return stamp > self.last + FAR_AHEAD_S and stamp > self.declared_end + 1


@dataclass
class Spacing:
    """Whether whole frames are evenly spaced, up to the rounding of their stamps."""

    time_base: Fraction
    shortest: Fraction | None = None
    longest: Fraction = Fraction(0)

    def add(self, interval: Fraction) -> None:
        """Take note of the time between two neighbouring whole frames, in seconds."""
        self.shortest = interval if self.shortest is None else min(self.shortest, interval)
        self.longest = max(self.longest, interval)

    @property
    def variable(self) -> bool:
        """Whether the intervals differ by more than two ticks and by more than 2 %."""
        if self.shortest is None:
            return False
        return self.longest - self.shortest > max(2 * self.time_base, self.longest / 50)


@dataclass
class Grid:
    """Picks the frames nearest to the times k / rate, none of them twice."""

    rate_hz: float
    _taken: int = -1

    def wants(self, nearest_until_s: float, *, last: bool = False) -> bool:
        """Whether the next frame is the nearest one to some point of the grid.

        Args:
            nearest_until_s: time up to which this frame is the nearest: midway to the next frame,
                or the end of the video for the last one.
            last: a point at the very end of the video belongs to no frame.
        """
        # The small term keeps points that fall on a bound clear of rounding.
        points = math.floor(nearest_until_s * self.rate_hz + (-1e-6 if last else 1e-6))
        wanted = points > self._taken
        self._taken = max(points, self._taken)
        return wanted
