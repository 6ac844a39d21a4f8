"""Runs of frames without a gap: rows of tracks to a stream, and its answers back to the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eyeline.geometry.directions import normalise
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.systems.gaze_3d.streaming import Answer, Stream
    from eyeline.systems.gaze_3d.windows import View

PARTS = ("gaze", "head", "body")
"""What the network tells of a person."""
UNKNOWN = 1e-3
"""Concentration of a direction that was not seen but held from a neighbouring frame."""


@dataclass(frozen=True)
class Found:
    """What was said of the rows of one track."""

    direction: Floats
    """`(3, n, 3)` by part; NaN where nothing was said."""
    concentration: Floats
    """`(3, n)`."""

    @classmethod
    def empty(cls, n: int) -> Found:
        """Nothing yet, of `n` rows."""
        return cls(np.full((len(PARTS), n, 3), np.nan), np.full((len(PARTS), n), np.nan))

    def put(self, row: int, answer: Answer) -> None:
        """Take what was said of a row."""
        self.direction[:, row] = answer.direction
        self.concentration[:, row] = answer.concentration

    def filled(self, part: int) -> tuple[Floats, Floats]:
        """Directions `(n, 3)` and concentrations `(n,)` of a part, without gaps.

        A gap holds the direction of the nearest row, with a concentration of `UNKNOWN`.
        """
        direction, kappa = self.direction[part], self.concentration[part]
        known = np.flatnonzero(np.isfinite(direction).all(axis=1) & (kappa > 0))
        if not len(known):
            return np.tile([0.0, 0.0, -1.0], (len(kappa), 1)), np.full(len(kappa), UNKNOWN)
        rows = np.arange(len(kappa))
        after = np.clip(np.searchsorted(known, rows), 0, len(known) - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.abs(rows - known[before]) <= np.abs(known[after] - rows)
        nearest = known[np.where(nearer, before, after)]
        nearest[known] = known
        kept = np.where(np.isin(rows, known), kappa, UNKNOWN)
        return normalise(direction[nearest]), np.maximum(kept, UNKNOWN)


@dataclass
class _Run:
    """Rows of a track, `step` apart, without a gap."""

    key: int
    place: int
    rows: list[int] = field(default_factory=list)
    last: View | None = None


class Runs:
    """Shows crops to a stream, a run at a time for each track and phase of the step.

    Args:
        stream: sees each run as a track of its own.
        found: takes the answers, one for each track of the scene.
        step: rows from one frame of a window to the next.
        window: frames of a window; shorter runs are filled up.
        at_once: crops that are shown together.
    """

    def __init__(
        self, stream: Stream, found: Sequence[Found], step: int, window: int, at_once: int
    ) -> None:
        self._stream, self._found = stream, found
        self._step, self._window, self._at_once = step, window, at_once
        self._open: dict[tuple[int, int], _Run] = {}
        self._by_key: dict[int, _Run] = {}
        self._waiting: list[View] = []
        self._ended: list[_Run] = []
        self._keys = 0

    def show(self, place: int, row: int, crop: Image, head: Floats, body: Floats) -> None:
        """A person in a frame: the row of the track at a place among the scene's tracks."""
        run = self._run(place, row)
        run.last = self._stream.view(run.key, len(run.rows), crop, head, body)
        run.rows.append(row)
        self._waiting.append(run.last)
        if row + self._step >= self._found[place].concentration.shape[1]:
            self._end(self._open.pop((place, row % self._step)))
        if len(self._waiting) >= self._at_once:
            self._push()

    def end(self) -> None:
        """No more frames come."""
        for run in self._open.values():
            self._end(run)
        self._push()

    def _run(self, place: int, row: int) -> _Run:
        phase = row % self._step
        run = self._open.get((place, phase))
        if run is None or run.rows[-1] + self._step != row:
            self._end(run)
            self._keys += 1
            run = _Run(self._keys, place)
            self._open[place, phase] = self._by_key[run.key] = run
        return run

    def _end(self, run: _Run | None) -> None:
        """No more frames come; a run shorter than a window is filled up with its last one."""
        if run is None:
            return
        from eyeline.systems.gaze_3d.windows import View

        assert run.last is not None
        still = run.last.motion * 0
        for frame in range(len(run.rows), self._window):
            self._waiting.append(View(run.key, frame, run.last.image, run.last.head_mask, still))
        self._ended.append(run)

    def _push(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._take(self._stream.push(waiting))
        for run in self._ended:
            self._take(self._stream.end(run.key))
            del self._by_key[run.key]
        self._ended = []

    def _take(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            run = self._by_key[answer.track_id]
            if answer.frame < len(run.rows):
                self._found[run.place].put(run.rows[answer.frame], answer)
