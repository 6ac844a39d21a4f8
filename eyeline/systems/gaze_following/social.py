"""Social gaze of all pairs of people in an image: looks at heads, at each other, at one thing.

LAH, LAEO and SA of the field, from the same predictions and truth as the point metrics, whatever
builder they are of. Over time `people.shared_looks` makes episodes of the same relations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eyeline.evaluation import bootstrap, metrics, tables
from eyeline.evaluation.report import Figures, plain
from eyeline.geometry import boxes
from eyeline.people.shared_looks import SAME_OBJECT_IOU
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following import heatmaps, measures
from eyeline.systems.gaze_following.datasets.annotations import GazeAnnotations
from eyeline.systems.gaze_following.measures import LookedAt, Maps
from eyeline.systems.gaze_following.predictions import Predictions

KINDS = {
    "lah": "one looks at the other's head",
    "laeo": "two look at each other",
    "sa": "two look at the same head or thing",
}


@dataclass
class _Pairs:
    """Pairs of one kind so far."""

    truth: list[bool] = field(default_factory=list)
    decided: list[bool] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    video: list[str] = field(default_factory=list)

    def add(self, truth: bool, decided: bool, score: float, video: str) -> None:
        self.truth.append(truth)
        self.decided.append(decided)
        self.score.append(score)
        self.video.append(video)

    def figures(self, samples: int) -> Figures:
        truth, score = np.array(self.truth, np.int64), np.array(self.score)
        _, video = np.unique(np.array(self.video, str), return_inverse=True)
        videos = int(video.max()) + 1
        drawn = bootstrap.drawn_precision(truth, score, video, videos)
        return {
            "pairs": len(truth),
            "positive": int(truth.sum()),
            "ap": metrics.average_precision(truth, score),
            "ap_interval": bootstrap.interval(drawn, videos, samples=samples * (videos > 1)),
            "f1": metrics.binary_f1(truth, np.array(self.decided, np.int64)),
        }


def score(
    predicted: Predictions,
    known: GazeAnnotations,
    *,
    rows: Ints | None = None,
    heat: Floats | None = None,
    samples: int = 0,
) -> Figures | None:
    """Average precision and F1 by `KINDS`; None where no two people are annotated in an image.

    F1 is of what the predictions say: whom by name, else by the head box in which the point lies.
    Average precision ranks a look at a head by the highest value of the heatmap there, two looks at
    each other by the lower of both, and looks at one thing by what the heatmaps share, each times
    the probability that the look stays in the image.

    Two true looks go to one thing where they go to one head, or to boxes that overlap by
    `SAME_OBJECT_IOU`. Where both go to something that has no box it is not known, and the pair is
    left out of `sa`.

    Args:
        predicted: `n` rows.
        known: the truth, with heads and sizes of images.
        rows: `(n,)` of the truth that the predictions are of; all by default.
        heat: `(n, rows, columns)` that were predicted; a Gaussian about each point by default.
        samples: draws of the intervals, by video; 0 for none.
    """
    rows = np.arange(len(known)) if rows is None else rows
    people = measures.people_looked_at(predicted, known, rows)
    maps = _maps(predicted, known, rows, heat)
    pairs = {kind: _Pairs() for kind in KINDS}
    names = [known.image[row] for row in rows.tolist()]
    everyone = tables.groups(known.image)
    for image, mine in tables.groups(names).items():
        sure = mine[known.in_frame[rows[mine]] >= 0]
        if len(sure) and len(everyone[image]) > 1:
            _add_image(pairs, known, rows, people, sure, everyone[image], maps(sure))
    created = {kind: own.figures(samples) for kind, own in pairs.items() if own.truth}
    return plain(created) if created else None


def _maps(predicted: Predictions, known: GazeAnnotations, rows: Ints, heat: Floats | None) -> Maps:
    """Heatmaps of rows, times the probability that the look stays in the image."""
    chance = np.where(np.isnan(predicted.in_frame), 1.0, predicted.in_frame)
    point = predicted.point_px / known.size_px[rows]

    def of(at: Ints) -> Floats:
        cells = heatmaps.of_points(point[at]) if heat is None else heat[at]
        return np.nan_to_num(cells) * chance[at, None, None]

    return of


def _add_image(
    pairs: Mapping[str, _Pairs],
    known: GazeAnnotations,
    rows: Ints,
    people: LookedAt,
    mine: Ints,
    everyone: Ints,
    maps: Floats,
) -> None:
    """Add the pairs of an image: `mine` are rows of predictions, `everyone` rows of the truth."""
    video = known.video[everyone[0]]
    true = dict(zip(rows[mine].tolist(), people.true[mine].tolist(), strict=True))
    given = dict(zip(rows[mine].tolist(), people.predicted[mine].tolist(), strict=True))
    heat = dict(zip(rows[mine].tolist(), maps, strict=True))
    at_head = {
        (one, other): _highest(heat[one], known.head_xyxy[other] / np.tile(known.size_px[other], 2))
        for one in true
        for other in everyone.tolist()
        if other != one and np.isfinite(known.head_xyxy[other]).all()
    }
    for (one, other), value in at_head.items():
        pairs["lah"].add(true[one] == other, given[one] == other, value, video)
        if one < other and (other, one) in at_head:
            both = true[one] == other and true[other] == one
            said = given[one] == other and given[other] == one
            pairs["laeo"].add(both, said, min(value, at_head[other, one]), video)
    inside = {
        row: people.inside[i] for row, i in zip(rows[mine].tolist(), mine.tolist(), strict=True)
    }
    for one, other in ((a, b) for a in true for b in true if a < b):
        same = _same_target(known, true, one, other)
        if same is not None:
            shared = _shared(heat[one], heat[other])
            thing = given[one] == given[other] == -1 and inside[one] and inside[other]
            head = given[one] == given[other] >= 0
            pairs["sa"].add(same, head or (thing and shared >= SAME_OBJECT_IOU), shared, video)


def _highest(heat: Floats, head_norm: Floats) -> float:
    """The highest value in the cells of a head."""
    size = np.tile(heat.shape[::-1], 2)
    left, top = np.clip(np.floor(head_norm * size)[:2], 0, size[:2] - 1).astype(int).tolist()
    right, bottom = np.ceil(head_norm * size)[2:].astype(int).tolist()
    return float(heat[top : max(bottom, top + 1), left : max(right, left + 1)].max())


def _same_target(
    known: GazeAnnotations, true: Mapping[int, int], one: int, other: int
) -> bool | None:
    """Whether two truly look at the same; None where it is not known."""
    if true[one] >= 0 or true[other] >= 0:
        return true[one] == true[other]
    if 0 in (known.in_frame[one], known.in_frame[other]):
        return False
    targets = known.target_xyxy[[one, other]]
    if np.isnan(targets).any():
        return None
    return bool(boxes.iou(targets[:1], targets[1:])[0, 0] >= SAME_OBJECT_IOU)


def _shared(one: Floats, other: Floats) -> float:
    """What two heatmaps share of all that they cover."""
    whole = float(np.maximum(one, other).sum())
    return float(np.minimum(one, other).sum()) / whole if whole else 0.0


def lines(figures: Mapping[str, Any] | None) -> list[str]:
    """The figures as a plain table."""
    return [
        f"{kind:<6}AP {_shown(one['ap'])}  F1 {_shown(one['f1'])}  "
        f"{one['positive']} of {one['pairs']} pairs: {KINDS[kind]}"
        for kind, one in (figures or {}).items()
    ]


def _shown(value: float | None) -> str:
    return "  -  " if value is None else f"{value:.3f}"
