"""Figures of predictions: as published, and at thresholds that the scored frames did not choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eyeline.evaluation.report import Figures, plain
from eyeline.results import Floats
from eyeline.systems.gaze_anticipation.predictions import KINDS, Truth
from eyeline.systems.gaze_anticipation.recordings.labels import FIXATION
from eyeline.systems.gaze_anticipation.scoring import levels
from eyeline.systems.gaze_anticipation.scoring.accumulator import (
    TRACKED,
    Accumulator,
    Means,
    means_of,
)

PROTOCOL = (
    "adaptive F1 of fixations: of the published thresholds the one that is best on these very "
    "frames"
)
_OF_HORIZONS = ("frames", "f1", "published_f1", "auc", "l2", "angle_deg")
FIXATIONS = (FIXATION,)
"""What the published figures count."""

Report = Figures
Borders = Mapping[str, int | None]
"""Of each answerer the border between levels that was chosen for it, None for none."""


def adaptive(means: Means, thresholds: Floats) -> dict[str, float]:
    """The published figures: of the thresholds the first with the largest F1 on these frames.

    `thresholds` `(n,)` are as of `levels.sweep`. `f1`, `recall`, `precision`, `threshold`; without
    a frame NaN and the first threshold.
    """
    at = levels.places(thresholds)
    best = int(np.argmax(means.f1[at]))
    return _at(means, int(at[best])) | {"threshold": float(thresholds[best])}


def chosen(accumulator: Accumulator) -> int | None:
    """The border with the largest F1 of fixations, the first of them; None without a frame."""
    means = accumulator.means(FIXATIONS)
    return int(np.argmax(means.f1)) if means.frames else None


def figures(means: Means, border: int | None, adapted: int) -> Report:
    """One row of a table, None for what is not known.

    `f1`, `recall`, `precision` are at `threshold`, the border that other frames chose;
    `published_f1` at the one that all fixations of the scored frames chose.
    """
    fair: Report = dict.fromkeys(("f1", "recall", "precision", "threshold"))
    return {
        "frames": int(means.frames),
        **(fair if border is None else _at(means, border)),
        "published_f1": means.f1[adapted],
        "auc": means.auc,
        "l2": means.distance,
        "angle_deg": means.angle_deg,
    }


def report_of(
    tallies: Mapping[str, Accumulator],
    truth: Truth,
    borders: Borders | None = None,
    *,
    first: str,
    samples: int = 200,
) -> Report:
    """All figures of predictors for the same frames.

    Args:
        tallies: scores by predictor.
        truth: the frames.
        borders: thresholds by predictor, none of which these frames chose.
        first: the predictor that the published figures are of.
        samples: draws of the intervals; 0 for none.

    Returns:
        `published` and `json_stats` of the first; `pooled`: a table of all predictors on fixations,
        `tracked`: on fixations and saccades, `by_horizon`: by slot, None in estimation; `interval`:
        of fixations by bootstrap over videos, and of what the first is ahead of each other by;
        `counts` and `notes`. Undefined figures are None.
    """
    thresholds = levels.sweep(str(truth.dataset[0]), truth.task)
    at = {name: (borders or {}).get(name) for name in tallies}
    published = {
        n: adaptive(accumulator.means(FIXATIONS), thresholds) for n, accumulator in tallies.items()
    }
    adapted = {n: int(levels.places(np.array([p["threshold"]]))[0]) for n, p in published.items()}

    def table(kinds: Sequence[int], slots: Sequence[int] | None = None) -> Report:
        return {
            name: figures(accumulator.means(kinds, slots), at[name], adapted[name])
            for name, accumulator in tallies.items()
        }

    many = np.bincount(truth.kind, minlength=len(KINDS)).tolist()
    predictions: Report = plain(
        {
            "task": truth.task,
            "dataset": str(truth.dataset[0]),
            "published": published[first] | {"protocol": PROTOCOL},
            "json_stats": json_stats(published[first]),
            "pooled": table(FIXATIONS),
            "tracked": table(TRACKED),
            "by_horizon": _by_horizon(truth, table) if truth.task == "anticipation" else None,
            "interval": _intervals(tallies, thresholds, at, first, samples) if samples else None,
            "counts": {
                "frames": len(truth),
                "videos": len({*truth.video.tolist()}),
                **dict(zip(KINDS, many, strict=True)),
            },
            "notes": _notes(truth, tallies, at),
        }
    )
    return predictions


def json_stats(published: Mapping[str, float]) -> str:
    """The line that the published code prints."""
    names = ("recall", "precision", "f1", "threshold")
    five = (f"{published[name]:.5f}".replace("nan", "NaN") for name in names)
    known = ", ".join(f'"{name}": {value}' for name, value in zip(names, five, strict=True))
    return f'json_stats: {{"split": "test_final", {known}}}'


def _at(means: Means, border: int) -> dict[str, float]:
    scores = {"f1": means.f1, "recall": means.recall, "precision": means.precision}
    at_border = {name: float(values[border]) for name, values in scores.items()}
    return {**at_border, "threshold": levels.threshold_of(border)}


def _by_horizon(truth: Truth, table: Callable[..., Report]) -> list[Report]:
    """How figures fall with the seconds ahead."""
    return [
        {"slot": slot, "ahead_s": float(truth.ahead_s[truth.slot == slot].mean())}
        | {
            name: {figure: row[figure] for figure in _OF_HORIZONS}
            for name, row in table(FIXATIONS, [slot]).items()
        }
        for slot in np.unique(truth.slot).tolist()
    ]


def _intervals(
    tallies: Mapping[str, Accumulator], thresholds: Floats, at: Borders, first: str, samples: int
) -> Report | None:
    """By draws of whole videos, the same for all answerers."""
    sums = {name: accumulator.by_video(FIXATIONS) for name, accumulator in tallies.items()}
    videos = np.flatnonzero(sums[first][:, -1])
    if len(videos) < 2:
        return None
    drawn = np.random.default_rng(0).integers(0, len(videos), (samples, len(videos)))
    times = np.stack([np.bincount(draw, minlength=len(videos)) for draw in drawn])
    rows = {
        name: _drawn(means_of(times @ own[videos]), thresholds, at[name])
        for name, own in sums.items()
    }
    predictions: Report = {
        name: {k: _span(v) for k, v in row.items()} for name, row in rows.items()
    }
    ahead = {
        other: {k: _span(rows[first][k] - row[k]) for k in row}
        for other, row in rows.items()
        if other != first
    }
    return predictions | {f"{first}_over": ahead}


def _drawn(means: Means, thresholds: Floats, border: int | None) -> dict[str, Floats]:
    """Figures `(draw,)`."""
    unknown = np.full(len(means.frames), np.nan)
    return {
        "f1": unknown if border is None else means.f1[:, border],
        "published_f1": means.f1[:, levels.places(thresholds)].max(1),
        "auc": means.auc,
        "l2": means.distance,
        "angle_deg": means.angle_deg,
    }


def _span(values: Floats, level: float = 0.95) -> list[float] | None:
    """The middle share of draws."""
    if np.isnan(values).any():
        return None
    tail = (1 - level) / 2
    return [float(v) for v in np.quantile(values, [tail, 1 - tail])]


def _notes(truth: Truth, tallies: Mapping[str, Accumulator], at: Borders) -> list[str]:
    predictions = []
    left = int((~np.isin(truth.kind, TRACKED)).sum())
    if left:
        predictions.append(f"{left} of {len(truth)} frames without gaze in the image: left out")
    if not (truth.kind == FIXATION).any():
        predictions.append("no fixation: the published figures are not defined")
    if len(set(truth.video.tolist())) < 2:
        predictions.append("one video: no intervals by video")
    if unknown := [name for name in tallies if at[name] is None]:
        predictions.append(
            f"no threshold of other frames for {', '.join(unknown)}: no f1 but published"
        )
    return predictions
