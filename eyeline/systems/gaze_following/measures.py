"""How far each predicted look is off, row by row, by the field's definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, UsageError
from eyeline.evaluation import tables
from eyeline.geometry.boxes import centre
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following import heatmaps
from eyeline.systems.gaze_following.datasets.annotations import GazeAnnotations, looked_at
from eyeline.systems.gaze_following.predictions import NOBODY, OFF_SCREEN, Predictions


@dataclass(frozen=True)
class Measures(tables.Rows):
    """Errors of predicted looks; NaN where a row has no part in a figure."""

    video: tuple[str, ...]
    """`n` names, to draw by."""
    in_frame: Floats
    """`(n,)` 1: looks into the image, 0: out of it, NaN: not known."""
    in_frame_score: Floats
    """`(n,)` its predicted probability."""
    auc: Floats
    """`(n,)` of looks into the image, in [0, 1]."""
    l2_average: Floats
    """`(n,)` distance to the middle of the annotators' points, in widths and heights."""
    l2_minimum: Floats
    """`(n,)` distance to the nearest annotator's point."""
    l2_average_cells: Floats
    """`(n,)` as `l2_average`, of the corner of the highest cell, as networks are scored."""
    l2_minimum_cells: Floats
    """`(n,)` likewise."""
    angle_deg: Floats
    """`(n,)` in the image, seen from the looker's eyes or head."""
    right_person: Floats
    """`(n,)` 1: the person looked at, or nobody, is named rightly; NaN: nobody else is there."""
    at_person: Floats
    """`(n,)` 1: somebody is truly looked at, 0: nobody; NaN as above."""
    at_speaker: Floats
    """`(n,)` 1: somebody who speaks is truly looked at, 0: else; NaN where not known who
    speaks, or nobody else does."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.video)


def measure(
    predicted: Predictions,
    known: GazeAnnotations,
    *,
    rows: Ints | None = None,
    protocol: str = "attention_target",
    sigma_cells: float = heatmaps.SIGMA_CELLS,
    heat: Floats | Maps | None = None,
) -> Measures:
    """Compare predictions with annotated looks.

    A row without a predicted point, as of a look that is taken to leave the image, counts as a
    guess at the image's middle wherever the truth lies in the image.

    Args:
        predicted: `n` rows.
        known: the truth, with the sizes of its images.
        rows: `(n,)` of the truth that the predictions are of, in their order; all by default. The
            others are people who may be looked at.
        protocol: how AUC is counted, one of `heatmaps.PROTOCOLS`.
        sigma_cells: spread of the Gaussian that stands for a point.
        heat: `(n, rows, columns)` heatmaps that were predicted themselves, or a function from some
            of the rows to theirs.

    Raises:
        UsageError: no such protocol.
        DataError: rows that do not fit, or an image whose size is not known.
    """
    if protocol not in heatmaps.PROTOCOLS:
        raise UsageError(f"no protocol '{protocol}'; there are {', '.join(heatmaps.PROTOCOLS)}")
    rows = np.arange(len(known)) if rows is None else rows
    if len(predicted) != len(rows):
        raise DataError(f"{len(predicted)} predictions for {len(rows)} looks")
    truth = known.take(rows)
    unknown = np.flatnonzero(~(np.nan_to_num(truth.size_px) > 0).all(axis=1))
    if len(unknown):
        raise DataError(
            f"{truth.source[int(unknown[0])]}: the size of the image is not known, so distances "
            "cannot be measured in images; name the folder of the images, or their size"
        )
    guess = np.where(np.isnan(predicted.point_px), truth.size_px / 2, predicted.point_px)
    within = np.flatnonzero((truth.in_frame == 1) & (np.diff(truth.first) > 0))
    if heat is None:
        point_norm = guess / truth.size_px
        maps: Maps = lambda at: heatmaps.of_points(point_norm[at], sigma_cells=sigma_cells)  # noqa: E731
    else:
        maps = heat if callable(heat) else heat.__getitem__
    figures = _figures(guess, truth, within, maps, heatmaps.PROTOCOLS[protocol])
    given = np.where(truth.in_frame < 0, np.nan, truth.in_frame.astype(np.float64))
    return Measures(
        truth.video, given, predicted.in_frame, **figures, **_people(predicted, known, rows)
    )


Maps = Callable[[Ints], Floats]
"""Rows `(k,)` to heatmaps `(k, rows, columns)`."""
_AT_ONCE = 256


def _figures(
    guess: Floats, truth: GazeAnnotations, within: Ints, maps: Maps, auc: heatmaps.Auc
) -> dict[str, Floats]:
    """Of rows within the image; NaN for others."""
    names = ("auc", "l2_average", "l2_minimum", "l2_average_cells", "l2_minimum_cells", "angle_deg")
    created = {name: np.full(len(truth), np.nan) for name in names}
    mean, origin = truth.mean_point_px(), truth.origin_px()
    created["angle_deg"][within] = angle_deg(origin[within], guess[within], mean[within])
    for start in range(0, len(within), _AT_ONCE):
        at = within[start : start + _AT_ONCE]
        heat = maps(at)
        corner = heatmaps.peak_norm(heat)
        for k, row in enumerate(at.tolist()):
            size, points = truth.size_px[row], truth.points(row) / truth.size_px[row]
            created["auc"][row] = auc(heat[k], points, size)
            created["l2_average"][row], created["l2_minimum"][row] = l2(guess[row] / size, points)
            created["l2_average_cells"][row], created["l2_minimum_cells"][row] = l2(
                corner[k], points
            )
    return created


def l2(point_norm: Floats, truth_norm: Floats) -> tuple[float, float]:
    """Distance of a point `(2,)` to the mean of annotators' points `(k, 2)`, and to the nearest.

    As published: not the mean of the distances. An image is one wide and one high.
    """
    to_mean = float(np.linalg.norm(point_norm - truth_norm.mean(axis=0)))
    return to_mean, float(np.linalg.norm(truth_norm - point_norm, axis=1).min())


def angle_deg(origin_px: Floats, predicted_px: Floats, truth_px: Floats) -> Floats:
    """Degrees `(n,)` between looks from `(n, 2)` to two points each in the image; NaN for none."""
    a, b = predicted_px - origin_px, truth_px - origin_px
    cross, dot = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1)
    still = (np.abs(a).max(axis=1, initial=0) == 0) | (np.abs(b).max(axis=1, initial=0) == 0)
    return np.where(still, np.nan, np.rad2deg(np.abs(np.arctan2(cross, dot))))


class LookedAt(NamedTuple):
    """Whom people look at: rows of the truth, -1 for nobody, -2 for a name that is not there."""

    true: Ints
    """`(n,)`."""
    predicted: Ints
    """`(n,)` by name, else by the point."""
    inside: npt.NDArray[np.bool_]
    """`(n,)` whether the look is predicted to stay in the image."""
    company: npt.NDArray[np.bool_]
    """`(n,)` whether anybody else is there."""


def people_looked_at(predicted: Predictions, known: GazeAnnotations, rows: Ints) -> LookedAt:
    """Who is looked at in rows `(n,)` of the truth, by it and by the predictions of them."""
    heads, names = known.head_xyxy, known.image
    true, company = looked_at(known.mean_point_px()[rows], heads, names, rows)
    pointed, _ = looked_at(predicted.point_px, heads, names, rows)
    people = {pair: row for row, pair in enumerate(zip(names, known.person, strict=True))}
    columns = (predicted.looked_at, rows.tolist(), pointed.tolist(), predicted.in_frame.tolist())
    given, inside = [], []
    for name, row, at, chance in zip(*columns, strict=True):
        by_point = -1 if chance < 0.5 else at
        by_name = -1 if name in (NOBODY, OFF_SCREEN) else people.get((names[row], str(name)), -2)
        given.append(by_point if name is None else by_name)
        inside.append(name != OFF_SCREEN and not chance < 0.5)
    return LookedAt(true, np.array(given, np.int64), np.array(inside, bool), company)


def _people(predicted: Predictions, known: GazeAnnotations, rows: Ints) -> dict[str, Floats]:
    """Who is looked at, by the truth and by the predictions."""
    true, given, _, company = people_looked_at(predicted, known, rows)
    sure = company & (known.in_frame[rows] >= 0)
    _, image = np.unique(np.array(known.image, str), return_inverse=True)
    others = np.bincount(image, weights=known.speaks == 1)[image] - (known.speaks == 1)
    speaks = np.append(known.speaks, 0.0)[true]  # -1, nobody, finds the 0
    return {
        "right_person": np.where(sure, given == true, np.nan),
        "at_person": np.where(sure, true >= 0, np.nan),
        "at_speaker": np.where(sure & (others[rows] > 0), speaks, np.nan),
    }


BASELINES = ("middle", "nearest_head")


def baseline_points(truth: GazeAnnotations, kind: str) -> Floats:
    """Points `(n, 2)` without a network, of one of `BASELINES`; UsageError for another kind."""
    if kind not in BASELINES:
        raise UsageError(f"no baseline '{kind}'; there are {', '.join(BASELINES)}")
    if kind == "middle":
        return truth.size_px / 2
    here, predictions = truth.origin_px(), truth.size_px / 2
    for rows in tables.groups(truth.image).values():
        midpoint = centre(truth.head_xyxy[rows])
        away = np.linalg.norm(midpoint[None] - here[rows][:, None], axis=2)
        np.fill_diagonal(away, np.inf)
        away = np.where(np.isnan(away), np.inf, away)
        best, seen = away.argmin(axis=1), np.isfinite(away.min(axis=1))
        predictions[rows[seen]] = midpoint[best[seen]]
    return predictions
