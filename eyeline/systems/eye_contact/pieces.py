"""Pieces of tracks without a long gap in trustworthy landmarks, and the answers made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.people.tracks import Track, joined, who_and_when
from eyeline.results import Answer, Floats, Scores, segments_from_scores
from eyeline.system import Scene

THRESHOLD = 0.5
"""From this probability on a frame counts as contact."""
MIN_QUALITY = 0.25
"""Trust in the landmarks below which a frame tells nothing."""
MAX_GAP_S = 0.5
"""Longest time without trustworthy landmarks that is bridged."""


@dataclass(frozen=True)
class Piece:
    """Rows of a track without a long gap in trustworthy landmarks."""

    track: int
    """Index of the track in the scene."""
    rows: npt.NDArray[np.intp]
    """`(n,)` rows of the track from the piece's first to its last trustworthy one."""
    seen: npt.NDArray[np.intp]
    """`(m,)` those of them that are trustworthy, at increasing times."""


def pieces_of(tracks: Sequence[Track], min_s: float) -> list[Piece]:
    """The pieces of all tracks that last `min_s` or more, in order."""
    found = []
    for number, track in enumerate(tracks):
        for seen in _trusted_runs(track):
            if track.time_s[seen[-1]] - track.time_s[seen[0]] >= min_s:
                found.append(Piece(number, np.arange(seen[0], seen[-1] + 1), seen))
    return found


def by_person(pieces: Sequence[Piece], tracks: Sequence[Track]) -> list[list[Piece]]:
    """Pieces grouped by person; tracks without an identity stand for themselves."""
    groups: dict[tuple[int, int], list[Piece]] = {}
    for piece in pieces:
        track = tracks[piece.track]
        key = (track.person, 0) if track.person else (0, track.track_id)
        groups.setdefault(key, []).append(piece)
    return list(groups.values())


def contact_answers(
    scene: Scene, builder: str, value: Sequence[Floats], held: Sequence[npt.NDArray[np.bool_]]
) -> list[Answer]:
    """Scores and segments called `eye_contact`.

    Args:
        scene: whose tracks are answered for.
        builder: who answers.
        value: for each track `(n,)` probability of contact, NaN where it cannot be said.
        held: for each track `(n,)` whether a row belongs to a segment.
    """
    scores = Scores(
        "eye_contact", builder, "eye_contact", THRESHOLD,
        **who_and_when(scene.tracks), value=joined(value, np.float64),
    )  # fmt: skip
    ends = joined((t.end_s for t in scene.tracks), np.float64)
    return [scores, segments_from_scores(scores, ends, "contact", yes=joined(held, np.bool_))]


def _trusted_runs(track: Track) -> list[npt.NDArray[np.intp]]:
    """Trustworthy rows, split where more than `MAX_GAP_S` lies between two of them."""
    trusted = (track.quality >= MIN_QUALITY) & np.isfinite(track.six_px).all(axis=(1, 2))
    later = np.diff(np.maximum.accumulate(track.time_s), prepend=-np.inf) > 0
    seen = np.flatnonzero(trusted & later)
    if not len(seen):
        return []
    return np.split(seen, np.flatnonzero(np.diff(track.time_s[seen]) > MAX_GAP_S) + 1)
