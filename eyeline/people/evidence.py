"""How probable it is that two portraits show one person: faces, colours, place; fitted weights.

The weights lie in `same_person.json`, which `scripts/fit_identity.py` writes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eyeline.geometry import boxes
from eyeline.people import colours
from eyeline.results import Floats

if TYPE_CHECKING:
    from eyeline.people.tracks import Track

VIEWS = ("left", "front", "right")
"""Sides from which a face is seen: turned to the left edge of the frame, to neither, to the right.
Frontal faces are compared with frontal ones and profiles with profiles, of either side: a face
and its mirror image have like embeddings, and the side of a full profile may be mistaken."""
SOON_S = 3.0
"""A face that comes back in its shot within this time is expected where it was lost."""
FACE_CUES = ("front", "profile", "other_view")
CUES = (*FACE_CUES, "clothing", "hair")
"""Distances between two portraits, each of which may be unknown."""
PLACES = ("setup", "setup_iou", "soon", "soon_iou")
FEATURES = (*(f"{cue}{part}" for cue in CUES for part in ("", "_known")), *PLACES)


@dataclass
class Gallery:
    """Portraits of several tracks or persons; each is a sum, so that two are joined by adding."""

    faces: Floats
    """`(n, views, 128)` sums of embeddings."""
    counts: Floats
    """`(n, views)` faces in them."""
    colours: Floats
    """`(n, places, bins)` sums of histograms, places as of `colours.PLACES`."""

    def __len__(self) -> int:
        """Number of portraits."""
        return len(self.counts)

    def join(self, i: int, j: int) -> None:
        """Add portrait `j` to `i`, and leave `j` empty."""
        for table in (self.faces, self.counts, self.colours):
            table[i] += table[j]
            table[j] = 0

    def cues(self, i: int) -> Floats:
        """`(n, cues)` distances of portrait `i` to all, NaN where unknown; `CUES` in order."""
        with np.errstate(invalid="ignore"):
            mean = self.faces / np.where(self.counts > 0, self.counts, np.nan)[..., None]
        square = (mean**2).sum(-1)
        # (n, views, views of i)
        apart = square[..., None] + square[i] - 2 * mean @ mean[i].T
        apart = np.sqrt(np.maximum(apart, 0))
        front = apart[:, 1, 1]
        sides = (0, 2)
        profile = np.fmin.reduce([apart[:, a, b] for a in sides for b in sides])
        mixed = np.fmin.reduce([np.fmin(apart[:, 1, a], apart[:, a, 1]) for a in sides])
        other = np.where(np.isnan(front) & np.isnan(profile), mixed, np.nan)
        shades = colours.distance(self.colours[i][None], self.colours)
        return np.stack([front, profile, other, *shades.T], axis=1)


def places(tracks: Sequence[Track], scenes: Sequence[Sequence[Floats]]) -> Floats:
    """`(n, n, 4)` of `PLACES`: whether two tracks lie in one camera set-up, and at one place in it.

    Args:
        tracks: the tracks.
        scenes: the first and the last small copy of each shot; without any, no two shots are alike.
    """
    result = np.zeros((len(tracks), len(tracks), len(PLACES)), np.float32)
    alike = functools.cache(lambda a, b: same_setup(scenes[a], scenes[b]) if scenes else False)
    order = sorted(range(len(tracks)), key=lambda i: float(tracks[i].time_s[0]))
    for at, i in enumerate(order):
        for j in order[at + 1 :]:
            a, b = tracks[i], tracks[j]
            gap_s = float(b.time_s[0] - a.end_s[-1])
            if gap_s > -1e-6 and (a.shot == b.shot or alike(a.shot, b.shot)):
                overlap = float(boxes.iou(a.box_xyxy[-1:], b.box_xyxy[:1])[0, 0])
                result[i, j] = result[j, i] = place(overlap, a.shot == b.shot and gap_s <= SOON_S)
    return result


def place(iou: float, soon: bool) -> Floats:
    """`PLACES` of two tracks in one set-up whose nearest boxes overlap so much."""
    return np.array([1.0, iou, soon, iou * soon])


def same_setup(a: Sequence[Floats], b: Sequence[Floats]) -> bool:
    """Whether two shots, each the first and last small copy, come from one camera set-up."""
    return max(likeness(x, y) for x in a for y in b) >= model().same_setup


def likeness(a: Floats, b: Floats) -> float:
    """Correlation of two small copies of frames."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 0.0


def features(cues: Floats, place: Floats) -> Floats:
    """`(n, FEATURES)` from `(n, CUES)` and `(n, PLACES)`; an unknown distance is 0 and marked."""
    known = ~np.isnan(cues)
    pairs = np.stack([np.where(known, cues, 0.0), known], axis=-1).reshape(len(cues), -1)
    return np.concatenate([pairs, place], axis=1)


@dataclass(frozen=True)
class Model:
    """The fitted weights."""

    weights: Floats
    """`(FEATURES,)` of the logit."""
    bias: float
    join: float
    """Probability from which two are taken for one person."""
    cut: float
    """Probability below which a track is cut."""
    same_setup: float
    """Correlation of small copies from which two shots are of one set-up."""

    def probability(self, cues: Floats, place: Floats) -> Floats:
        """`(n,)` that two portraits show one person."""
        logit = features(cues, place) @ self.weights + self.bias
        return np.asarray(1 / (1 + np.exp(-logit)))


@functools.cache
def model() -> Model:
    """The model that comes with the package."""
    content = json.loads(Path(__file__).with_name("same_person.json").read_text("utf-8"))
    weights = np.array([content["weights"][name] for name in FEATURES])
    return Model(weights, content["bias"], content["join"], content["cut"], content["same_setup"])


def barred(tracks: Sequence[Track]) -> npt.NDArray[np.bool_]:
    """`(n, n)` whether two tracks overlap in time, so that they cannot be one person."""
    start, end = (np.array([t.time_s[k] for t in tracks], np.float64) for k in (0, -1))
    return np.asarray((start[:, None] <= end[None]) & (start[None] <= end[:, None]))
