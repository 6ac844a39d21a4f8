"""Films joined from pieces of clips, as tables of portraits with the truth of who is who."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eyeline.geometry import boxes
from eyeline.people import colours, evidence, portraits
from eyeline.people.embed import SIZE
from eyeline.results import Floats

from .faces import Faces

OTHER_SETUP = 0.4
"""Fraction of pieces that stand for another camera set-up: their place says nothing."""
ONE_VIEW = 0.35
"""Fraction of pieces that show only one view of a face."""


@dataclass
class Piece:
    """One person in one piece of a clip."""

    who: tuple[str, int]
    """Clip and person."""
    shot: tuple[str, int]
    start_s: float
    end_s: float
    first: Floats
    last: Floats
    """`(4,)` boxes."""
    gallery: evidence.Gallery = field(repr=False)
    own_setup: bool = True
    """Whether the piece shows the clip's camera set-up."""


def piece(faces: Faces, rows: list[int], *, own_setup: bool = True) -> Piece:
    """The piece of one person that the rows make, best faces of each view embedded."""
    sums = np.zeros((1, len(evidence.VIEWS), SIZE))
    counts = np.zeros((1, len(evidence.VIEWS)))
    for v in range(len(evidence.VIEWS)):
        least = portraits.LEAST_QUALITY if evidence.VIEWS[v] == "front" else 0.0
        good = [i for i in rows if faces.view[i] == v and faces.quality[i] >= least]
        best = sorted(good, key=lambda i: -faces.quality[i])[: portraits.EMBEDDED]
        sums[0, v], counts[0, v] = faces.embedding[best].sum(0), len(best)
    shades = faces.colours[rows].sum(0)[None]
    return Piece(
        (faces.clip, int(faces.person[rows[0]])), (faces.clip, int(faces.shot[rows[0]])),
        float(faces.time_s[rows[0]]), float(faces.time_s[rows[-1]]),
        faces.box[rows[0]], faces.box[rows[-1]],
        evidence.Gallery(sums, counts, shades), own_setup,
    )  # fmt: skip


def cut(faces: Faces, start_s: float, end_s: float, rng: np.random.Generator) -> list[Piece]:
    """The pieces of all persons in a span of a clip, one a person and shot."""
    own = bool(rng.random() > OTHER_SETUP)
    result = []
    inside = (faces.time_s >= start_s) & (faces.time_s < end_s)
    for shot in np.unique(faces.shot[inside]):
        for person in np.unique(faces.person[inside & (faces.shot == shot)]):
            rows = np.flatnonzero(inside & (faces.shot == shot) & (faces.person == person))
            if rng.random() < ONE_VIEW:
                view = rng.choice(faces.view[rows])
                rows = rows[faces.view[rows] == view]
            result.append(piece(faces, rows.tolist(), own_setup=own))
    return result


def together(a: Piece, b: Piece, *, uncut: bool = False) -> Floats:
    """`evidence.PLACES` of two pieces of a film; `uncut` for two of one shot."""
    if a.shot != b.shot or not (a.own_setup and b.own_setup):
        return np.zeros(len(evidence.PLACES))
    if b.start_s < a.start_s:
        a, b = b, a
    overlap = float(boxes.iou(a.last[None], b.first[None])[0, 0])
    return evidence.place(overlap, uncut and b.start_s - a.end_s <= evidence.SOON_S)


def gallery(pieces: list[Piece]) -> evidence.Gallery:
    """The portraits of all pieces."""
    if not pieces:
        return evidence.Gallery(
            np.zeros((0, len(evidence.VIEWS), SIZE)), np.zeros((0, len(evidence.VIEWS))),
            np.zeros((0, len(colours.PLACES), colours.BINS)),
        )  # fmt: skip
    return evidence.Gallery(
        *(
            np.concatenate([getattr(p.gallery, name) for p in pieces])
            for name in ("faces", "counts", "colours")
        )
    )


def film(clips: list[Faces], joins: int, rng: np.random.Generator) -> list[list[Piece]]:
    """Pieces of clips in turn, `joins` + 1 of them: A1 B1 A2 C1 ..., each a list of persons."""
    cuts: list[list[Piece]] = []
    used: dict[str, int] = {}
    order = [clips[k % len(clips)] for k in range(joins + 1)]
    for faces in order:
        total = sum(one is faces for one in order)
        length = float(faces.time_s.max()) + 1e-3
        at = used[faces.clip] = used.get(faces.clip, -1) + 1
        cuts.append(cut(faces, at * length / total, (at + 1) * length / total, rng))
    return cuts
