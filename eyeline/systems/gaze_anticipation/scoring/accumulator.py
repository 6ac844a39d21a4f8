"""Sums of scores over frames by video, slot and kind of look: a fixed size, however many frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.results import Floats, Image, Ints
from eyeline.systems.gaze_anticipation.recordings.labels import FIXATION, SACCADE
from eyeline.systems.gaze_anticipation.scoring.levels import LEVELS, histograms

TRACKED = (FIXATION, SACCADE)
"""Kinds that count: the gaze is known and in the image."""

Mask = npt.NDArray[np.bool_]

_BORDERS = LEVELS - 1
_LEAST = 1e-6
_COLUMNS = 2 * _BORDERS + 4
"""Recall and precision at each border, AUC, distance, angle, and one."""
_AT_ONCE = 64


@dataclass(frozen=True)
class Means:
    """Scores of some frames; a first axis of groups where they are kept apart."""

    frames: Floats
    """How many."""
    recall: Floats
    """`(..., 255)` at each border of `levels.borders`."""
    precision: Floats
    """As `recall`."""
    auc: Floats
    """Chance that a labelled cell has more than one that is not labelled."""
    distance: Floats
    """Between prediction and gaze, in shares of the image's width and height."""
    angle_deg: Floats
    """Between prediction and gaze; NaN where the field of view is not known."""

    @property
    def f1(self) -> Floats:
        """`(..., 255)` as published: of the means over frames."""
        product, both = self.recall * self.precision, self.recall + self.precision
        return np.asarray(2 * product / (both + _LEAST))


class Accumulator:
    """Adds up scores of frames, some at a time in any number of pieces."""

    def __init__(self, videos: int, slots: int) -> None:
        self.sums = np.zeros((videos, slots, len(TRACKED), _COLUMNS))

    def add(
        self,
        video: Ints,
        slot: Ints,
        kind: Ints,
        level: Image | None,
        labelled: Mask,
        distance: Floats | None = None,
        angle_deg: Floats | None = None,
    ) -> None:
        """Add frames; those of other kinds than `TRACKED` are left out.

        Args:
            video: `(n,)` numbers of their videos.
            slot: `(n,)` of each in its sample.
            kind: `(n,)` kinds of look.
            level: `(n, row, column)` levels; None of predictions without maps,
                which have distances only.
            labelled: `(n, row, column)`, which cells are looked at.
            distance: `(n,)` between prediction and gaze; unknown by default.
            angle_deg: `(n,)` likewise.
        """
        sizes = check_shape(labelled, "frame row column", "labels")
        if level is not None:
            check_shape(level, "frame row column", "levels", sizes)
        for column in (video, slot, kind):
            check_shape(column, "frame", "a column", sizes)
        counts = np.flatnonzero(np.isin(kind, TRACKED))
        unknown = np.full(len(kind), np.nan)
        distances = [unknown if c is None else c for c in (distance, angle_deg)]
        for start in range(0, len(counts), _AT_ONCE):
            at = counts[start : start + _AT_ONCE]
            of_maps = np.full((len(at), _COLUMNS - 3), np.nan)
            if level is not None:
                of_maps = _scores(level[at], labelled[at])
            values = np.column_stack([of_maps, *(c[at] for c in distances), np.ones(len(at))])
            np.add.at(self.sums, (video[at], slot[at], kind[at]), values)

    def means(
        self,
        kinds: Sequence[int] = TRACKED,
        slots: Sequence[int] | None = None,
        videos: Sequence[int] | Ints | None = None,
    ) -> Means:
        """Of the frames of some kinds, slots and videos; a video named twice counts twice."""
        return means_of(self.by_video(kinds, slots)[_all(videos)].sum(0))

    def by_video(
        self, kinds: Sequence[int] = TRACKED, slots: Sequence[int] | None = None
    ) -> Floats:
        """Sums `(video, column)`, of which `means_of` makes scores."""
        predictions: Floats = self.sums[:, _all(slots)][:, :, list(kinds)].sum((1, 2))
        return predictions


def means_of(sums: Floats) -> Means:
    """Scores of sums `(..., column)` over frames, as `Accumulator.by_video` has them."""
    frames = sums[..., -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        each = sums / frames[..., None]
    recall, precision = each[..., :_BORDERS], each[..., _BORDERS : 2 * _BORDERS]
    return Means(frames, recall, precision, *np.moveaxis(each[..., -4:-1], -1, 0))


def _all(chosen: Sequence[int] | Ints | None) -> Any:
    return slice(None) if chosen is None else np.asarray(chosen, np.int64)


def _scores(level: Image, labelled: Mask) -> Floats:
    """Recall and precision at each border, and AUC, of each frame `(n, 511)`."""
    cells = level.reshape(len(level), -1)
    whole = histograms(cells)
    frame, cell = np.nonzero(labelled.reshape(cells.shape))
    counts = np.bincount(cells[frame, cell] + LEVELS * frame, minlength=LEVELS * len(cells))
    right = counts.reshape(len(cells), LEVELS)
    above, hit = (np.cumsum(h[:, ::-1], 1)[:, -2::-1] for h in (whole, right))
    looked_at = right.sum(1)
    recall = hit / (looked_at[:, None] + _LEAST)
    precision = hit / (above + _LEAST)
    wrong = whole - right  # where one is empty, chances are even
    below = np.cumsum(wrong, 1) - wrong / 2
    pairs = right.sum(1) * wrong.sum(1)
    wins = (right * below).sum(1)
    auc: Floats = np.divide(wins, pairs, out=np.full(len(right), 0.5), where=pairs > 0)
    return np.column_stack([recall, precision, auc])
