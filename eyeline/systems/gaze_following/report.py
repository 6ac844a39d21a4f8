"""Scores of predicted looks, with intervals by video."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from eyeline.evaluation import metrics
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.measures import Measures

MEANS = (
    "auc", "l2_average", "l2_minimum", "l2_average_cells", "l2_minimum_cells", "angle_deg",
    "right_person",
)  # fmt: skip
"""Figures that are means over rows."""
IN_OUT = "in_out_ap"
"""Average precision of telling looks into the picture from those out of it."""
FIGURES = (*MEANS, IN_OUT)
BETTER_HIGH = ("auc", "right_person", IN_OUT)
"""Of all others less is better."""

Report = dict[str, Any]
Score = Callable[[Ints], float]
"""Of videos drawn with repeats, `(videos,)` numbers, to a figure."""


def score(found: Measures, *, samples: int = 200, seed: int = 0) -> Report:
    """All figures over rows, with 95 % intervals when whole videos are drawn.

    Args:
        found: of all rows.
        samples: draws of the intervals; 0 for none.
        seed: of the draws.

    Returns:
        `pooled`: the figures by `FIGURES`, None where no row has a part; `right_person_at_person`:
        of rows in which somebody is truly looked at; `right_person_prior`: what naming nobody would
        get; and counts. `interval`, None with a single video.
    """
    at_person = found.right_person[found.at_person == 1]
    pooled = {
        **{name: number(value) for name, value in summary(found).items()},
        "right_person_at_person": number(mean(at_person)),
        "right_person_prior": number(1 - mean(found.at_person)),
        "rows": len(found),
        "videos": len(set(found.video)),
        "in_frame": int(np.count_nonzero(found.in_frame == 1)),
        "out_of_frame": int(np.count_nonzero(found.in_frame == 0)),
    }
    return {"pooled": pooled, "interval": intervals(found, samples=samples, seed=seed)}


def summary(found: Measures) -> dict[str, float]:
    """The figures over all rows by `FIGURES`, NaN where no row has a part."""
    whole = np.arange(len(set(found.video)))
    return {name: of(whole) for name, of in by_video(found).items()}


def intervals(
    found: Measures, *, samples: int = 200, seed: int = 0
) -> dict[str, list[float] | None] | None:
    """95 % intervals of all figures; None of a single video, or without samples."""
    videos = len(set(found.video))
    if videos < 2 or not samples:
        return None
    told: dict[str, list[float] | None] = {}
    for name, of in by_video(found).items():
        span = metrics.bootstrap_interval(of, videos, samples=samples, seed=seed)
        told[name] = None if np.isnan(span).any() else list(span)
    return told


def by_video(found: Measures) -> dict[str, Score]:
    """Each figure as a function of the videos drawn; rows are summed up once."""
    _, video = np.unique(np.array(found.video, str), return_inverse=True)
    count = int(video.max()) + 1 if len(video) else 0
    scores = {name: _drawn_mean(getattr(found, name), video, count) for name in MEANS}
    return {**scores, IN_OUT: _drawn_precision(found, video, count)}


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else float(value)


def lines(report: Mapping[str, Any]) -> list[str]:
    """A report in words, a line a figure."""
    span, told = report.get("interval") or {}, []
    for name in FIGURES:
        value, ends = report["pooled"][name], span.get(name)
        if value is not None:
            beside = f"  ({ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
            told.append(f"{name:<18}{value:8.3f}{beside}")
    return told


def _drawn_mean(values: Floats, video: Ints, videos: int) -> Score:
    known = ~np.isnan(values)
    total = np.bincount(video[known], weights=values[known], minlength=videos)
    count = np.bincount(video[known], minlength=videos)

    def of(drawn: Ints) -> float:
        rows = int(count[drawn].sum())
        return float(total[drawn].sum() / rows) if rows else float("nan")

    return of


def _drawn_precision(found: Measures, video: Ints, videos: int) -> Score:
    """Average precision; rows are sorted once, and a draw only weighs them."""
    known = ~np.isnan(found.in_frame) & ~np.isnan(found.in_frame_score)
    value = found.in_frame_score[known]
    order = np.argsort(-value, kind="stable")
    label, of_video = found.in_frame[known][order] == 1, video[known][order]
    step = np.append(np.flatnonzero(np.diff(value[order])), len(order) - 1)

    def of(drawn: Ints) -> float:
        times = np.bincount(drawn, minlength=videos)[of_video]
        hits, seen = np.cumsum(times * label), np.cumsum(times)
        if not len(hits) or not hits[-1]:
            return float("nan")
        gained = np.diff(hits[step], prepend=0)
        return float((hits[step] / np.maximum(seen[step], 1) * gained).sum() / hits[-1])

    return of


def mean(values: Floats) -> float:
    """Of what is told; NaN of nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
