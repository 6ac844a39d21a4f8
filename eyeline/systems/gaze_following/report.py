"""Scores of predicted looks with intervals by video, and what the speaker cue changes.

For the latter predictions made with the cue stand against those made without, look by look: the
differences are paired, and whole videos are drawn for the intervals. Looks are told apart by
whether they truly go to somebody who speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from eyeline.errors import DataError
from eyeline.evaluation import bootstrap
from eyeline.evaluation.bootstrap import Score, drawn_mean, drawn_precision
from eyeline.evaluation.metrics import mean
from eyeline.evaluation.report import Figures, plain
from eyeline.results import Floats
from eyeline.systems.gaze_following.measures import Measures

MEANS = (
    *("auc", "l2_average", "l2_minimum", "l2_average_cells", "l2_minimum_cells"),
    *("angle_deg", "right_person"),
)
"""Figures that are means over rows."""
IN_OUT = "in_out_ap"
"""Average precision of telling looks into the image from those out of it."""
FIGURES = (*MEANS, IN_OUT)
BETTER_HIGH = ("auc", "right_person", IN_OUT, "right_target")
"""Of all others less is better."""
NAMES = ("with", "without")
"""Of both in a comparison."""
KINDS = ("all", "at_speaker", "past_speaker", "nobody_speaks")
"""Looks of all kinds; to somebody who speaks; elsewhere though somebody else speaks; while nobody
else does, or it is not known."""


def score(measured: Measures, *, samples: int = 200, seed: int = 0) -> Figures:
    """All figures over rows, with 95 % intervals when whole videos are drawn.

    Args:
        measured: of all rows.
        samples: draws of the intervals; 0 for none.
        seed: of the draws.

    Returns:
        `pooled`: the figures by `FIGURES`, None where no row has a part; `right_person_at_person`:
        of rows in which somebody is truly looked at; `right_person_prior`: what naming nobody would
        get; and counts. `interval`, None with a single video.
    """
    videos, span = len(set(measured.video)), None
    pooled = {
        **summary(measured),
        "right_person_at_person": mean(measured.right_person[measured.at_person == 1]),
        "right_person_prior": 1 - mean(measured.at_person),
        "rows": len(measured),
        "videos": videos,
        "in_frame": np.count_nonzero(measured.in_frame == 1),
        "out_of_frame": np.count_nonzero(measured.in_frame == 0),
    }
    if videos > 1 and samples:
        span = bootstrap.intervals(by_video(measured), videos, samples=samples, seed=seed)
    created: Figures = plain({"pooled": pooled, "interval": span})
    return created


def summary(measured: Measures) -> dict[str, float]:
    """The figures over all rows by `FIGURES`, NaN where no row has a part."""
    whole = np.arange(len(set(measured.video)))
    return {name: of(whole) for name, of in by_video(measured).items()}


def by_video(measured: Measures) -> dict[str, Score]:
    """Each figure as a function of the videos drawn; rows are summed up once."""
    _, video = np.unique(np.array(measured.video, str), return_inverse=True)
    count = int(video.max()) + 1 if len(video) else 0
    scores = {name: drawn_mean(getattr(measured, name), video, count) for name in MEANS}
    chance = np.where(np.isnan(measured.in_frame), np.nan, measured.in_frame_score)
    return {**scores, IN_OUT: drawn_precision(measured.in_frame, chance, video, count)}


def lines(report: Mapping[str, Any]) -> list[str]:
    """The figures as a plain table."""
    span, pooled = report.get("interval") or {}, report["pooled"]
    return [
        f"{name:<18}{pooled[name]:8.3f}{bootstrap.interval_text(span.get(name))}"
        for name in FIGURES
        if pooled[name] is not None
    ]


def compare(
    with_speaker: Measures, without_speaker: Measures, *, samples: int = 1000, seed: int = 0
) -> Figures:
    """Figures of both and their differences, for looks of all kinds and of each.

    Args:
        with_speaker: of `n` looks.
        without_speaker: of the same.
        samples: draws of the intervals; 0 for none.
        seed: of the draws.

    Returns:
        By `KINDS`: `looks`, and figures as of `differences`, by `NAMES`.

    Raises:
        DataError: the rows are not the same looks.
    """
    if with_speaker.video != without_speaker.video:
        raise DataError("the predictions to compare are not of the same looks")
    at, result = with_speaker.at_speaker, Figures()
    kinds = (np.ones(len(at), bool), at == 1, at == 0, np.isnan(at))
    pair = _both(with_speaker, without_speaker), _both(without_speaker, with_speaker)
    for kind, rows in zip(KINDS, map(np.flatnonzero, kinds), strict=True):
        if len(rows):
            ours, theirs = (by_video(measured.take(rows)) for measured in pair)
            videos = len({with_speaker.video[row] for row in rows.tolist()})
            compared = differences(ours, theirs, videos, NAMES, samples=samples, seed=seed)
            result[kind] = {"looks": len(rows), **compared}
    return result


def differences(
    ours: Mapping[str, Score],
    theirs: Mapping[str, Score],
    videos: int,
    names: tuple[str, str],
    *,
    samples: int,
    seed: int,
) -> Figures:
    """By figure both under `names`, `difference` (the first less the second), `interval`, `better`.

    The interval is that of the difference (None of a single video); `better` says whether all of it
    lies on the side of the first, None where it holds 0. Figures that one of both lacks are left
    out.
    """
    how: dict[str, Any] = {"names": names, "samples": samples, "seed": seed}
    each = (
        (name, bootstrap.compared(score, theirs[name], videos, higher=name in BETTER_HIGH, **how))
        for name, score in ours.items()
    )
    return {name: compared for name, compared in each if compared is not None}


def difference_lines(
    compared: Mapping[str, Mapping[str, Any]], names: tuple[str, str] = NAMES, title: str = "{}"
) -> list[str]:
    """A plain table of comparisons by kind, a line for each figure below a `title` for each."""
    result = []
    for kind, figures in compared.items():
        looks = f" {figures['looks']} looks" if "looks" in figures else ""
        result.append(f"{title.format(kind.replace('_', ' '))}:{looks}")
        result += bootstrap.difference_lines(figures, names)
    return result


def _both(a: Measures, b: Measures) -> Measures:
    """The first, without figures that the second lacks."""
    columns: dict[str, Floats] = {f.name: getattr(a, f.name) for f in fields(a)[1:]}
    for name in (*MEANS, "in_frame_score"):
        columns[name] = np.where(np.isnan(getattr(b, name)), np.nan, columns[name])
    return Measures(a.video, **columns)
