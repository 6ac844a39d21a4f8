"""What annotators wrote: spans of eye contact as ELAN texts or EAF files, and labels of frames."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.results import Ints
from eyeline.systems.eye_contact.elan import TARGETS, TIERS, UNCERTAIN, Interval, read_elan

RATE_HZ = 25
"""Frames a second of the annotated videos; all frame numbers count these."""


@dataclass(frozen=True)
class Annotation:
    """What one file says of eye contact."""

    rows: tuple[Interval, ...]
    """Those of `TIERS`, in file order."""
    notes: tuple[str, ...]
    """What was left out or looks odd, naming file and line."""


def read_annotation(path: Path | str, *, end_s: float | None = None) -> Annotation:
    """The eye contact that a tab-delimited ELAN export (any suffix) or an `.eaf` holds, checked.

    `end_s` is the end of the video on its own clock. DataError as `read_elan` and `annotation`.
    """
    return annotation(read_elan(path), str(path), end_s=end_s)


def annotation(rows: Sequence[Interval], source: str, *, end_s: float | None = None) -> Annotation:
    """The rows of `TIERS` among all, checked against each other and the end of the video.

    Rows need not be in order, and different tiers may overlap: the published files have both. ELAN
    lets no two rows of one tier overlap: that is a DataError, like a row that begins after the
    video's end, or none of `TIERS`; it names file and line.
    """
    known = [row for row in rows if row.tier in TIERS]
    others = Counter(row.tier for row in rows if row.tier not in TIERS)
    if rows and not known:
        raise DataError(
            f"{source}: no row of the tiers {', '.join(TIERS)}; its tiers: {', '.join(others)}"
        )
    _check_overlap(known, source)
    notes = [f"{source}: tier '{t}' left out, {n} rows" for t, n in others.items()]
    end_s = math.inf if end_s is None else end_s
    for row in known:
        where = f"{source}, line {row.line}"
        if row.start_s >= end_s:
            span = f"{row.start_s} to {row.end_s} s"
            raise DataError(f"{where}: {span} lies beyond the end of the video, {end_s:.3f} s")
        if row.end_s > end_s + 1 / RATE_HZ:
            notes.append(
                f"{where}: ends at {row.end_s} s, after the end of the video, {end_s:.3f} s"
            )
    return Annotation(tuple(known), tuple(notes))


def frame_labels(rows: Iterable[Interval], frames: Ints) -> tuple[Ints, Ints, Ints]:
    """Label 0 or 1, target as index into `TARGETS`, uncertain 0 or 1 of video frames, each `(n,)`.

    As published, a row covers the frames from `ceil(start * 25)` to `floor(end * 25)`, both
    included, in double arithmetic: `0.28 * 25` is a little over 7, so that its first frame is 8.
    Later rows overwrite the target. `frames` `(n,)` increase.
    """
    target = np.zeros(len(frames), np.int64)
    uncertain = np.zeros(len(frames), np.int64)
    for row in rows:
        first, last = math.ceil(row.start_s * RATE_HZ), math.floor(row.end_s * RATE_HZ)
        span = slice(*np.searchsorted(frames, [first, last + 1]))
        if row.tier == UNCERTAIN:
            uncertain[span] = 1
        else:
            target[span] = TARGETS.index(row.tier)
    return (target > 0).astype(np.int64), target, uncertain


def _check_overlap(rows: Sequence[Interval], source: str) -> None:
    ordered = sorted(rows, key=lambda r: (r.tier, r.participant, r.start_s, r.end_s))
    for before, row in pairwise(ordered):
        same = (before.tier, before.participant) == (row.tier, row.participant)
        if same and row.start_s < before.end_s:
            raise DataError(
                f"{source}, line {row.line}: {row.start_s} to {row.end_s} s of tier '{row.tier}' "
                f"overlaps line {before.line}, {before.start_s} to {before.end_s} s"
            )
