"""Which tracks are the same person: by face embeddings, "somebody new" where they do not tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
LEAST_MERIT = 0.25
"""Faces seen worse than this say nothing about identity."""


def join(tracks: Sequence[Track], portraits: Portraits) -> list[Track]:
    """Give every track a person, numbered by first appearance, then from left to right.

    The closest pair of groups is joined again and again (average link) while it is close enough.
    Tracks that overlap in time are never joined.
    """
    groups = [[i] for i in range(len(tracks))]
    cost = _costs(tracks, portraits)
    while len(groups) > 1:
        best = min(
            (
                (_link(cost, a, b), i, j)
                for i, a in enumerate(groups)
                for j, b in enumerate(groups[:i])
            ),
            key=lambda found: found[0],
        )
        if best[0] > 1.0:
            break
        _, i, j = best
        groups[j] += groups.pop(i)
    order = sorted(groups, key=lambda group: min(_entrance(tracks[i]) for i in group))
    person = {i: number for number, group in enumerate(order, start=1) for i in group}
    named = [track.of(person[i]) for i, track in enumerate(tracks)]
    return sorted(named, key=by_person)


def by_person(track: Track) -> tuple[int, float]:
    """The order of tracks everywhere: by person, then time."""
    return track.person, float(track.time_s[0])


def _entrance(track: Track) -> tuple[float, float]:
    return float(track.time_s[0]), float(track.box_xyxy[0, 0])


def _link(cost: Floats, a: list[int], b: list[int]) -> float:
    """Mean cost between two groups; infinite where any two tracks exclude each other."""
    between = cost[np.ix_(a, b)]
    known = between[~np.isnan(between)]
    if not known.size:
        return np.inf
    return float(known.mean()) if np.isfinite(known).all() else np.inf


def _costs(tracks: Sequence[Track], portraits: Portraits) -> Floats:
    """Cost `(n, n)` of joining two tracks: up to 1 one person, NaN unknown, infinite impossible."""
    n = len(tracks)
    start, end = (np.array([t.time_s[k] for t in tracks]) for k in (0, -1))
    apart = (start[:, None] > end[None]) | (end[:, None] < start[None])
    face = [
        portraits.embedding(t.track_id, LEAST_MERIT) if apart[i].any() else None
        for i, t in enumerate(tracks)
    ]
    cost = np.full((n, n), np.inf)
    for i, j in zip(*np.nonzero(np.tril(apart)), strict=True):
        cost[i, j] = cost[j, i] = _cost(tracks[i], tracks[j], face[i], face[j])
    return cost


def _cost(a: Track, b: Track, face_a: Floats | None, face_b: Floats | None) -> float:
    near = _reappears(a, b)
    if face_a is None or face_b is None:
        return 0.9 if near else np.nan
    return float(np.linalg.norm(face_a - face_b)) / (SAME_PLACE if near else SAME_FACE)


def _reappears(a: Track, b: Track) -> bool:
    """Whether the later track starts, in the same shot and soon, where the earlier one ended."""
    first, second = (a, b) if a.time_s[0] < b.time_s[0] else (b, a)
    if first.shot != second.shot or second.time_s[0] - first.end_s[-1] > SOON_S:
        return False
    return bool(boxes.iou(first.box_xyxy[-1:], second.box_xyxy[:1])[0, 0] > 0.3)
