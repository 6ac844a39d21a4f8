"""What the matcher gains on what needs no training: look by look, whole videos drawn.

Beside the figures of `report` it counts how often the very thing that is looked at was hit: the
head, the object, the own lap, or that the look leaves the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eyeline.evaluation import bootstrap
from eyeline.results import Floats
from eyeline.systems.gaze_following import measures, report
from eyeline.systems.gaze_following.matching.data import Examples, Scenes
from eyeline.systems.gaze_following.matching.labels import hold, in_lap
from eyeline.systems.gaze_following.predictions import Predictions
from eyeline.systems.gaze_following.report import MEANS, Report

NAMES = ("matcher", "baseline")
"""Of both in a comparison."""
RIGHT_TARGET = "right_target"
"""Share of looks whose target was hit."""
FIGURES = (RIGHT_TARGET, "right_person", "auc", "l2_average", "angle_deg")
"""Those that are compared; see `report`."""


def gains(
    found: Predictions,
    baselines: Mapping[str, Predictions],
    scenes: Scenes,
    learned: Examples,
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Report:
    """Figures of the matcher less those of each baseline, of the same looks.

    Args:
        found: the matcher's answers, rows as those of the examples.
        baselines: others' answers by name, likewise.
        scenes: what was annotated.
        learned: the examples.
        samples: draws of the intervals; 0 for none.
        seed: of the draws.

    Returns:
        By baseline and figure: `matcher`, `baseline`, `difference`, `interval` (95 %; None of a
        single video) and `better`: whether the whole interval lies on the matcher's side, None
        where it holds 0.
    """
    _, video = np.unique([scenes.looks.video[r] for r in learned.row.tolist()], return_inverse=True)
    ours, videos = figures_of(found, scenes, learned), int(video.max()) + 1
    created: Report = {name: {} for name in baselines}
    for name, guess in baselines.items():
        theirs = figures_of(guess, scenes, learned)
        for figure in FIGURES:
            both = ours[figure] + theirs[figure]  # NaN where one of both has none
            mine, other = (
                bootstrap.drawn_mean(np.where(np.isnan(both), np.nan, own[figure]), video, videos)
                for own in (ours, theirs)
            )
            higher = figure == RIGHT_TARGET or figure in report.BETTER_HIGH
            how: dict[str, Any] = {"samples": samples, "seed": seed, "higher": higher}
            one = bootstrap.compared(mine, other, videos, names=NAMES, **how)
            nothing = dict.fromkeys((*NAMES, "difference", "interval", "better"))
            created[name][figure] = one or nothing
    return created


def figures_of(found: Predictions, scenes: Scenes, learned: Examples) -> dict[str, Floats]:
    """Each of `FIGURES` `(n,)` look by look, NaN where a look has no part in it."""
    measured = measures.measure(found, scenes.looks, rows=learned.row)
    columns = {name: getattr(measured, name) for name in FIGURES if name in MEANS}
    return {RIGHT_TARGET: right_target(found, scenes, learned), **columns}


def right_target(found: Predictions, scenes: Scenes, learned: Examples) -> Floats:
    """1 where the target of a look was hit, else 0 `(n,)`; NaN where nothing could be right.

    The point must lie in one of the right boxes, or where the own lap is. A look that leaves the
    image is hit by saying so, which a prediction does that gives it less than half a chance to
    stay; one that says nothing takes it to stay.
    """
    hit = np.full(len(learned), np.nan)
    stays = ~(found.in_frame < 0.5)
    heads = scenes.looks.head_xyxy[learned.row]
    for i, (right, among) in enumerate(zip(learned.right, learned.among, strict=True)):
        if not right.any():
            continue
        point = found.point_px[i]
        inside = hold(among.box_xyxy[right[:-2]], point).any()
        lap = bool(right[-1]) and in_lap(heads[i], point)
        hit[i] = (not stays[i]) if right[-2] else stays[i] and (inside or lap)
    return hit


def lines(made: Mapping[str, Any]) -> list[str]:
    """A plain table, a line a figure and baseline."""
    known = []
    for name, figures in made.items():
        known.append(f"gain on {name.replace('_', ' ')}:")
        known += bootstrap.difference_lines(figures, NAMES)
    return known
