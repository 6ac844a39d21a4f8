"""Holes in a recording: where no frames were recorded, and a clock that leaves dead time out."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from eyeline.results import Floats, Gap, Part

LEAST_S = 1
"""Frames that are no further apart leave no gap: video calls and phones pause for so long."""
TIMES = 5
"""A gap is longer than so many of the intervals that are usual around it."""
NEIGHBOURS = 50
"""Intervals on either side that say what is usual. Frames that come only when something changes,
as in slides and screen recordings, pause at least once in ten of these."""
_USUAL = 0.9  # quantile
LONG_SILENCE_S = 10
"""Dead time up to this is analysed as silence."""
_LEFT_S = 5  # of longer dead time so much is left, or up to a second more
_BEGIN_S = 2  # of which so much before what is left out


@dataclass
class GapFinder:
    """Says of intervals between frames whether they are gaps; all times are on the file's clock."""

    tick: Fraction
    before: deque[Fraction] = field(default_factory=lambda: deque(maxlen=NEIGHBOURS))
    """The last intervals that were no gaps."""
    _read: deque[int] = field(default_factory=lambda: deque(maxlen=3 * NEIGHBOURS))

    def read(self, ticks: int | None) -> None:
        """Take note of the stamp of a packet that was read, ahead of decoding."""
        if ticks is not None:
            self._read.append(ticks)

    def frame_ends(self, stamp: Fraction, following: Fraction) -> Fraction:
        """When a frame ends: where the next one starts, unless there is a gap between them."""
        interval = following - stamp
        if interval <= LEAST_S or not self._is_gap(interval, following):
            self.before.append(interval)
            return following
        steps = self.before or self._after(following)
        return stamp + sorted(steps)[len(steps) // 2]

    def _is_gap(self, interval: Fraction, following: Fraction) -> bool:
        sides = [side for side in (self.before, self._after(following)) if side]
        return bool(sides) and interval > TIMES * max(_usual(side) for side in sides)

    def _after(self, following: Fraction) -> list[Fraction]:
        later = sorted(t for t in set(self._read) if t * self.tick >= following)[: NEIGHBOURS + 1]
        return [(b - a) * self.tick for a, b in itertools.pairwise(later)]


def _usual(intervals: Iterable[Fraction]) -> Fraction:
    ordered = sorted(intervals)
    return ordered[int(_USUAL * (len(ordered) - 1))]


@dataclass(frozen=True)
class Shortened:
    """A clock that leaves out most of the dead time, in which there is neither image nor audio.

    What is left out is whole seconds, so that samples, hops and ticks fall where they fell.
    """

    dead: tuple[Gap, ...] = ()
    """Dead time that is shortened, in order, on the video's clock."""
    known: bool = True
    """Whether the dead time is known: whoever meets long silence before it is must wait."""
    parts: tuple[Part, ...] = ()
    """Spans outside of which no audio is heard, on the video's clock; empty for none."""

    @classmethod
    def of(cls, gaps: Sequence[Gap], audio: Sequence[Gap], parts: Sequence[Part] = ()) -> Shortened:
        """The clock of a video.

        Args:
            gaps: spans without frames, in order; they may overlap.
            audio: spans with audio, in order.
            parts: spans outside of which audio is not heard, in order.
        """
        dead = []
        if parts:
            audio = [
                Gap(max(span.start_s, part.start_s), min(span.end_s, part.end_s))
                for part in parts
                for span in audio
                if span.start_s < part.end_s and span.end_s > part.start_s
            ]
        for gap in _joined(gaps):
            start_s = gap.start_s
            for span in audio:
                if span.end_s > start_s and span.start_s < gap.end_s:
                    dead.append(Gap(start_s, span.start_s))
                    start_s = span.end_s
            dead.append(Gap(start_s, gap.end_s))
        long = tuple(gap for gap in dead if gap.end_s - gap.start_s > LONG_SILENCE_S)
        return cls(long, parts=tuple(parts))

    @property
    def cuts(self) -> list[tuple[float, int]]:
        """Where time is taken out, and how many whole seconds."""
        return [(d.start_s + _BEGIN_S, int(d.end_s - d.start_s - _LEFT_S)) for d in self.dead]

    def shorter(self, time_s: Floats | float) -> Floats:
        """Times of the video's clock on this one; those within a cut fall on its place."""
        time_s = np.asarray(time_s, np.float64)
        out = time_s.copy()
        for at_s, length_s in self.cuts:
            out -= np.clip(time_s - at_s, 0, length_s)
        return out

    def longer(self, time_s: Floats | float) -> Floats:
        """Times of this clock on the video's."""
        out = np.array(time_s, np.float64)
        for at_s, length_s in self.cuts:
            out = np.where(out > at_s, out + length_s, out)
        return out

    def heard(self, start: int, end: int, rate_hz: int) -> Iterator[tuple[int, int]]:
        """What of some samples of the video's clock is heard, as starts and ends."""
        if not self.parts:
            yield start, end
        for part in self.parts:
            first = max(start, round(part.start_s * rate_hz))
            last = end if part.end_s == math.inf else min(end, round(part.end_s * rate_hz))
            if last > first:
                yield first, last

    def ended(self, time_s: float) -> bool:
        """Whether nothing is heard from a time of the video's clock on."""
        return bool(self.parts) and time_s >= self.parts[-1].end_s


def _joined(gaps: Sequence[Gap]) -> list[Gap]:
    """Gaps in order, those that overlap or touch as one."""
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda g: g.start_s):
        if joined and gap.start_s <= joined[-1].end_s:
            joined[-1] = Gap(joined[-1].start_s, max(joined[-1].end_s, gap.end_s))
        else:
            joined.append(gap)
    return joined
