"""From the outputs of windows to one map for every frame of a video.

Between two windows of anticipation a frame takes the maps of the earlier one, read at the moments
that lie ahead of the frame itself: nothing of later images enters. In estimation, where windows
tell of the moments that they saw, a frame between two such moments takes a mean of both, weighed
by how near they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from eyeline.results import Floats
from eyeline.systems.gaze_anticipation.streaming import ROUNDING_S, WindowOutput

Shown = tuple[int, float]
"""Number and time of a frame."""
Mapped = tuple[int, float, Floats]
"""The same with its map `(cells, cells)`, which has a sum of 1."""


class TimeSeries(Protocol):
    """Frames and answers in, frames with their maps out, in order."""

    def show(self, frame: Shown) -> None:
        """A further frame."""

    def add(self, output: WindowOutput) -> Iterator[Mapped]:
        """Frames whose map is certain now."""

    def end(self) -> Iterator[Mapped]:
        """The rest, by what was told last."""


class Next:
    """What comes, as seen from each frame; frames before the first answer get nothing."""

    def __init__(self) -> None:
        self._waiting: deque[Shown] = deque()
        self._last: WindowOutput | None = None

    def show(self, frame: Shown) -> None:
        """A further frame."""
        self._waiting.append(frame)

    def add(self, output: WindowOutput) -> Iterator[Mapped]:
        """Frames from the answer before to this one."""
        yield from self._until(output.time_s - ROUNDING_S)
        self._last = output

    def end(self) -> Iterator[Mapped]:
        """Frames from the last answer on."""
        yield from self._until(np.inf)

    def _until(self, time_s: float) -> Iterator[Mapped]:
        while self._waiting and self._waiting[0][1] < time_s:
            number, here_s = self._waiting.popleft()
            if self._last is not None:
                yield number, here_s, ahead(self._last, here_s)


class Now:
    """Where the look is in each frame."""

    def __init__(self) -> None:
        self._waiting: deque[Shown] = deque()
        self._known: deque[tuple[float, Floats]] = deque()

    def show(self, frame: Shown) -> None:
        """A further frame."""
        self._waiting.append(frame)

    def add(self, output: WindowOutput) -> Iterator[Mapped]:
        """Frames up to the last moment that the window saw."""
        last_s = self._known[-1][0] if self._known else -np.inf
        for moment_s, known in zip(output.horizon_s.tolist(), output.maps, strict=True):
            if moment_s > last_s + ROUNDING_S:
                self._known.append((moment_s, known))
        yield from self._until(self._known[-1][0] + ROUNDING_S)

    def end(self) -> Iterator[Mapped]:
        """Frames since the last moment, which hold its map."""
        yield from self._until(np.inf)

    def _until(self, time_s: float) -> Iterator[Mapped]:
        while self._known and self._waiting and self._waiting[0][1] < time_s:
            number, here_s = self._waiting.popleft()
            while len(self._known) > 1 and self._known[1][0] <= here_s:
                self._known.popleft()
            yield number, here_s, self._between(here_s)

    def _between(self, time_s: float) -> Floats:
        before_s, before = self._known[0]
        if len(self._known) == 1:
            return before
        after_s, after = self._known[1]
        fraction = np.float32(np.clip((time_s - before_s) / (after_s - before_s), 0, 1))
        result: Floats = before + fraction * (after - before)
        return result


def ahead(output: WindowOutput, time_s: float) -> Floats:
    """The mean map of what comes after a frame, by a window that ended with it or before.

    The maps stand for moments ahead of the window; their mean is taken at moments as far ahead of
    the frame. Between two moments lies the mean of their maps, after the last one its own.
    """
    moments = output.horizon_s - output.time_s
    count = len(moments)
    place = np.interp(moments + (time_s - output.time_s), moments, np.arange(count))
    low = np.minimum(place.astype(np.int64), count - 2)
    fraction = place - low
    weights = np.bincount(low, 1 - fraction, count) + np.bincount(low + 1, fraction, count)
    result: Floats = np.tensordot((weights / count).astype(np.float32), output.maps, 1)
    return result
