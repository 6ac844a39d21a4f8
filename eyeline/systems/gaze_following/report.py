"""Scores of predicted looks, with intervals by video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eyeline.evaluation import bootstrap
from eyeline.evaluation.bootstrap import Score, drawn_mean, drawn_precision
from eyeline.evaluation.metrics import mean
from eyeline.evaluation.report import Figures, plain
from eyeline.systems.gaze_following.measures import Measures

MEANS = (
    *("auc", "l2_average", "l2_minimum", "l2_average_cells", "l2_minimum_cells"),
    *("angle_deg", "right_person"),
)
"""Figures that are means over rows."""
IN_OUT = "in_out_ap"
"""Average precision of telling looks into the image from those out of it."""
FIGURES = (*MEANS, IN_OUT)
BETTER_HIGH = ("auc", "right_person", IN_OUT)
"""Of all others less is better."""

Report = Figures


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
    pooled = {
        **summary(found),
        "right_person_at_person": mean(found.right_person[found.at_person == 1]),
        "right_person_prior": 1 - mean(found.at_person),
        "rows": len(found),
        "videos": len(set(found.video)),
        "in_frame": np.count_nonzero(found.in_frame == 1),
        "out_of_frame": np.count_nonzero(found.in_frame == 0),
    }
    videos, span = len(set(found.video)), None
    if videos > 1 and samples:
        span = bootstrap.intervals(by_video(found), videos, samples=samples, seed=seed)
    created: Report = plain({"pooled": pooled, "interval": span})
    return created


def summary(found: Measures) -> dict[str, float]:
    """The figures over all rows by `FIGURES`, NaN where no row has a part."""
    whole = np.arange(len(set(found.video)))
    return {name: of(whole) for name, of in by_video(found).items()}


def by_video(found: Measures) -> dict[str, Score]:
    """Each figure as a function of the videos drawn; rows are summed up once."""
    _, video = np.unique(np.array(found.video, str), return_inverse=True)
    count = int(video.max()) + 1 if len(video) else 0
    scores = {name: drawn_mean(getattr(found, name), video, count) for name in MEANS}
    chance = np.where(np.isnan(found.in_frame), np.nan, found.in_frame_score)
    return {**scores, IN_OUT: drawn_precision(found.in_frame, chance, video, count)}


def lines(report: Mapping[str, Any]) -> list[str]:
    """A report in words, a line a figure."""
    span, pooled = report.get("interval") or {}, report["pooled"]
    return [
        f"{name:<18}{pooled[name]:8.3f}{bootstrap.interval_text(span.get(name))}"
        for name in FIGURES
        if pooled[name] is not None
    ]
