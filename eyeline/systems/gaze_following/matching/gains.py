"""What the matcher gains on what needs no training: look by look, whole videos drawn.

Beside the figures of `report` it counts how often the very thing that is looked at was hit: the
head, the object, the own lap, or that the look leaves the image.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eyeline.evaluation.bootstrap import drawn_mean
from eyeline.evaluation.report import Figures
from eyeline.geometry import boxes
from eyeline.results import Floats
from eyeline.systems.gaze_following import report
from eyeline.systems.gaze_following.matching.data import Examples
from eyeline.systems.gaze_following.matching.labels import in_lap
from eyeline.systems.gaze_following.predictions import Predictions
from eyeline.systems.gaze_following.report import MEANS

NAMES = ("matcher", "baseline")
"""Of both in a comparison."""
RIGHT_TARGET = "right_target"
"""Fraction of looks whose target was hit."""
FIGURES = (RIGHT_TARGET, "right_person", "auc", "l2_average", "angle_deg")
"""Those that are compared; see `report`."""


def gains(
    predicted: Predictions,
    baselines: Mapping[str, Predictions],
    examples: Examples,
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Figures:
    """Figures of the matcher less those of each baseline, of the same looks.

    Args:
        predicted: by the matcher, rows as those of the examples.
        baselines: other predictions by name, likewise.
        examples: the looks.
        samples: draws of the intervals; 0 for none.
        seed: of the draws.

    Returns:
        By baseline and figure as of `report.differences`, by `NAMES`; all None without looks.
    """
    names = [examples.scenes.looks.video[row] for row in examples.row.tolist()]
    _, video = np.unique(names, return_inverse=True)
    ours, videos = figures_of(predicted, examples), int(video.max()) + 1
    created: Figures = {}
    for name, guess in baselines.items():
        theirs = figures_of(guess, examples)
        gaps = {f: 0 * (ours[f] + theirs[f]) for f in FIGURES}  # NaN where one of both has none
        mine, other = (
            {f: drawn_mean(own[f] + gaps[f], video, videos) for f in FIGURES}
            for own in (ours, theirs)
        )
        blank = {f: dict.fromkeys((*NAMES, "difference", "interval", "better")) for f in FIGURES}
        compared = report.differences(mine, other, videos, NAMES, samples=samples, seed=seed)
        created[name] = blank | compared
    return created


def figures_of(predicted: Predictions, examples: Examples) -> dict[str, Floats]:
    """Each of `FIGURES` `(n,)` look by look, NaN where a look has no part in it."""
    measured = examples.measure(predicted)
    columns = {name: getattr(measured, name) for name in FIGURES if name in MEANS}
    return {RIGHT_TARGET: right_target(predicted, examples), **columns}


def right_target(predicted: Predictions, examples: Examples) -> Floats:
    """1 where the target of a look was hit, else 0 `(n,)`; NaN where nothing could be right.

    The point must lie in one of the right boxes, or where the own lap is. A look that leaves the
    image is hit by saying so, which a prediction does that gives it less than half a chance to
    stay; one that says nothing takes it to stay.
    """
    hit = np.full(len(examples), np.nan)
    stays = ~(predicted.in_frame < 0.5)
    heads = examples.scenes.looks.head_xyxy[examples.row]
    for i, (right, among) in enumerate(zip(examples.right, examples.among, strict=True)):
        if not right.any():
            continue
        point = predicted.point_px[i]
        inside = boxes.contain(among.box_xyxy[right[:-2]], point).any()
        lap = bool(right[-1]) and in_lap(heads[i], point)
        hit[i] = (not stays[i]) if right[-2] else stays[i] and (inside or lap)
    return hit
