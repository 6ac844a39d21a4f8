"""Which tracks are the same person: by face embeddings, "somebody new" where they do not tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eyeline.geometry import boxes
from eyeline.people.portraits import Portraits
from eyeline.people.tracks import Track
from eyeline.results import Floats

SAME_FACE = 0.5
"""Distance of embeddings up to which two tracks are one person; dlib's own figure for equal error
is 0.6, and a wrong join costs more than a missed one."""
SAME_PLACE = 0.6
"""The same for a face that reappears within `SOON_S` of the same shot where it was lost."""
SOON_S = 3.0
SAME_PLACE_IOU = 0.3
SAME_PLACE_UNSEEN = 0.9
"""Cost of joining such a face where embeddings do not tell."""
LEAST_MERIT = 0.25
"""Faces seen worse than this say nothing about identity."""


def join(tracks: Sequence[Track], portraits: Portraits) -> list[Track]:
    """Give every track a person, numbered by first appearance, then from left to right.

    The closest pair of groups is joined again and again (average link) while it is close enough.
    Tracks that overlap in time are never joined.
    """
    groups = _groups(_costs(tracks, portraits))
    order = sorted(groups, key=lambda group: min(_entrance(tracks[i]) for i in group))
    person = {i: number for number, group in enumerate(order, start=1) for i in group}
    named = [track.of(person[i]) for i, track in enumerate(tracks)]
    return sorted(named, key=by_person)


def by_person(track: Track) -> tuple[int, float]:
    """The order of tracks everywhere: by person, then time."""
    return track.person, float(track.time_s[0])


def _entrance(track: Track) -> tuple[float, float]:
    return float(track.time_s[0]), float(track.box_xyxy[0, 0])


def _groups(cost: Floats) -> list[list[int]]:
    """Indices of joined tracks.

    Args:
        cost: `(n, n)` up to 1 means the same person, NaN unknown, infinite impossible. The cost of
            two groups is the mean over known pairs; one impossible pair makes it impossible.
    """
    groups = [[i] for i in range(len(cost))]
    known = np.isfinite(cost)
    total, count = np.where(known, cost, 0.0), known.astype(np.float64)
    barred = np.isinf(cost)
    while len(groups) > 1:
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(barred | (count == 0), np.inf, total / count)
        i, j = sorted(int(k) for k in np.unravel_index(mean.argmin(), mean.shape))
        if mean[i, j] > 1.0:
            break
        for table in (total, count):
            table[i] += table[j]
            table[:, i] += table[:, j]
        barred[i] |= barred[j]
        barred[:, i] |= barred[:, j]
        barred[i, i] = True
        total, count, barred = (
            np.delete(np.delete(table, j, 0), j, 1) for table in (total, count, barred)
        )
        groups[i] += groups.pop(j)
    return groups


def _costs(tracks: Sequence[Track], portraits: Portraits) -> Floats:
    """`(n, n)` costs of joining two tracks, as of `_groups`."""
    if not tracks:
        return np.zeros((0, 0))
    start, end = (np.array([t.time_s[k] for t in tracks]) for k in (0, -1))
    apart = (start[:, None] > end[None]) | (end[:, None] < start[None])
    near = _reappearing(tracks)
    face = np.full((len(tracks), 128), np.nan)
    for i, track in enumerate(tracks):
        seen = portraits.embedding(track.track_id, LEAST_MERIT) if apart[i].any() else None
        if seen is not None:
            face[i] = seen
    distance = np.stack([np.linalg.norm(face - one, axis=1) for one in face])
    cost = distance / np.where(near, SAME_PLACE, SAME_FACE)
    cost = np.where(np.isnan(cost) & near, SAME_PLACE_UNSEEN, cost)
    return np.where(apart, cost, np.inf)


def _reappearing(tracks: Sequence[Track]) -> npt.NDArray[np.bool_]:
    """`(n, n)` whether one track starts where another ended: same shot, soon, same place."""
    start = np.array([t.time_s[0] for t in tracks])
    end = np.array([t.end_s[-1] for t in tracks])
    shot = np.array([t.shot for t in tracks])
    first = np.stack([t.box_xyxy[0] for t in tracks])
    last = np.stack([t.box_xyxy[-1] for t in tracks])
    gap = start[None] - end[:, None]
    soon = (gap > -1e-6) & (gap <= SOON_S) & (shot[:, None] == shot[None])
    found = np.zeros(soon.shape, bool)
    for i, j in zip(*np.nonzero(soon), strict=True):
        found[i, j] = boxes.iou(last[i : i + 1], first[j : j + 1])[0, 0] > SAME_PLACE_IOU
    return found | found.T
