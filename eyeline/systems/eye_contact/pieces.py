"""Pieces of tracks without a long gap in trustworthy landmarks, and the answers made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.people import contact
from eyeline.people.tracks import Track, joined, lid_fractions, who_and_when
from eyeline.results import Answer, Floats, Scores, make_segments, runs
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
    result = []
    for number, track in enumerate(tracks):
        for seen in _trusted_runs(track):
            if track.time_s[seen[-1]] - track.time_s[seen[0]] >= min_s:
                result.append(Piece(number, np.arange(seen[0], seen[-1] + 1), seen))
    return result


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
    """Scores and segments called `eye_contact`, each segment with its partner.

    A network sees that a face behaves as in contact, not with whom. The partner is the target of
    the look; there is no contact where the eyes are closed or lowered, nor with the scene: scores
    are 0 there.

    Args:
        scene: whose tracks are answered for. Without directions every partner is unknown.
        builder: who answers.
        value: for each track `(n,)` probability of contact, NaN where it cannot be said.
        held: for each track `(n,)` whether a row belongs to a segment.
    """
    rows: list[tuple[int, float, float, str, float]] = []
    concluded = []
    for track, partner, p, yes in zip(scene.tracks, _partners(scene), value, held, strict=True):
        p = np.where(np.isfinite(p) & (partner == ""), 0.0, p)
        concluded.append(p)
        for name in np.unique(partner[yes & (partner != "")]):
            for run in runs(track.time_s, track.end_s, yes & (partner == name)):
                begin, end = float(track.time_s[run][0]), float(track.end_s[run][-1])
                if end > begin:
                    rows.append((track.person, begin, end, str(name), float(p[run].mean())))
    scores = Scores(
        "eye_contact", builder, "eye_contact", THRESHOLD,
        **who_and_when(scene.tracks), value=joined(concluded, np.float64),
    )  # fmt: skip
    return [scores, make_segments("eye_contact", builder, "eye_contact", rows)]


def _partners(scene: Scene) -> list[npt.NDArray[np.str_]]:
    """For each track `(n,)` with whom there may be contact, empty where there cannot be any."""
    lids = lid_fractions(scene.tracks)
    if scene.gaze is None:
        able = [np.full(len(t), contact.UNKNOWN_PARTNER) for t in scene.tracks]
    else:
        able = [contact.partners(looks) for looks in scene.looks]
    return [np.where(contact.eyes_closed(s), "", p) for s, p in zip(lids, able, strict=True)]


def _trusted_runs(track: Track) -> list[npt.NDArray[np.intp]]:
    """Trustworthy rows, split where more than `MAX_GAP_S` lies between two of them."""
    trusted = (track.quality >= MIN_QUALITY) & np.isfinite(track.six_px).all(axis=(1, 2))
    later = np.diff(np.maximum.accumulate(track.time_s), prepend=-np.inf) > 0
    seen = np.flatnonzero(trusted & later)
    if not len(seen):
        return []
    return np.split(seen, np.flatnonzero(np.diff(track.time_s[seen]) > MAX_GAP_S) + 1)
