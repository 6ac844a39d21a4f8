"""When the detector looks at a video, and what may be looked at in the frames between two looks.

Finding candidates is dear, and they move little in half a second: frames are looked at now and
then, at cuts at once. Between two looks of a shot a candidate goes on a straight line from where it
was found to where it is found again; one that is found only once lasts for the nearer half.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eyeline.geometry import boxes
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.detector.infer import Candidates

EVERY_S = 0.5
"""Time from one look to the next."""
INTERPOLATION = (
    "candidates found twice move on straight lines, others last for the nearer half of the time"
)
"""How the frames between two looks are filled, in words."""
SAME = 0.3
"""Intersection over union above which two candidates of successive looks are one thing; less than
from frame to frame, as things go further in half a second."""
FAR = 1.5
"""Looks that are further apart than this many times the usual have nothing between them: nobody
was visible there."""


class Sight(NamedTuple):
    """What was found at one time."""

    time_s: float
    shot: int
    found: Candidates


class Between(NamedTuple):
    """Two sights, either of which may lack, and which of their candidates are the same."""

    before: Sight | None
    after: Sight | None
    pairs: npt.NDArray[np.int64]
    """`(n, 2)` candidate of the one and of the other."""


def when(time_s: Floats, shot: Ints, every_s: float = EVERY_S) -> Ints:
    """Which frames to look at: the first of a shot, and then whenever the last look is old.

    Args:
        time_s: `(n,)` of the frames in which there is somebody.
        shot: `(n,)` that each lies in.
        every_s: time between looks; 0 looks at all.

    Returns:
        Rows, increasing.
    """
    looks: list[int] = []
    for i in range(len(time_s)):
        new = not looks or shot[i] != shot[looks[-1]]
        if new or time_s[i] >= time_s[looks[-1]] + every_s - 1e-6:
            looks.append(i)
    return np.array(looks, np.int64)


def between(before: Sight | None, after: Sight | None, every_s: float = EVERY_S) -> Between:
    """Two successive sights as neighbours, if they lie in one shot and near each other."""
    if before is None or after is None:
        return Between(before, after, np.zeros((0, 2), np.int64))
    near = after.time_s - before.time_s <= FAR * every_s + 1e-6
    if before.shot != after.shot or not near:
        return Between(before, after, np.zeros((0, 2), np.int64))
    return Between(before, after, same(before.found.box_xyxy, after.found.box_xyxy))


def same(one_xyxy: Floats, other_xyxy: Floats) -> npt.NDArray[np.int64]:
    """Pairs `(n, 2)` of boxes that overlap by more than `SAME`, each box in one pair at most.

    The pairs are those with the greatest overlap in all.
    """
    from scipy.optimize import linear_sum_assignment

    overlap = boxes.iou(one_xyxy, other_xyxy)
    first, second = linear_sum_assignment(np.where(overlap > SAME, overlap, 0), maximize=True)
    kept = overlap[first, second] > SAME
    return np.stack([first[kept], second[kept]], axis=1).astype(np.int64)


def at(span: Between, time_s: float, shot: int) -> Candidates:
    """What may be looked at in a frame, the surest first; nothing where its shot was not seen."""
    before, after = (s if s is not None and s.shot == shot else None for s in span[:2])
    if before is None or after is None:
        return (before or after or _NOTHING).found
    fraction = (time_s - before.time_s) / max(after.time_s - before.time_s, 1e-9)
    nearer = 1 if fraction >= 0.5 else 0
    ends = (before.found, after.found)
    alone = np.ones(len(ends[nearer].score), bool)
    alone[span.pairs[:, nearer]] = False
    box, score = (
        np.concatenate([_mixed(*columns, span.pairs, fraction), columns[nearer][alone]])
        for columns in zip(*ends, strict=True)
    )
    order = np.argsort(-score, kind="stable")
    return Candidates(box[order], score[order])


def _mixed(one: Floats, other: Floats, pairs: Ints, fraction: float) -> Floats:
    return np.asarray((1 - fraction) * one[pairs[:, 0]] + fraction * other[pairs[:, 1]])


_NOTHING = Sight(0.0, -1, Candidates(np.zeros((0, 4)), np.zeros(0)))
