"""Thresholds of maps that are chosen on other videos than those that are scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.evaluation.report import Figures
from eyeline.results import Floats
from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.scoring import levels
from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator, baselines, mean_map
from eyeline.systems.gaze_anticipation.scoring.truth import targets_of

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation.data import Clips
    from eyeline.training.checkpoint import CheckpointCard

FRACTION = 0.1
"""Of the training videos, held out to choose thresholds where the training held out none."""
PRIOR_CLIPS = 2000
"""Training clips whose labels make the prior, at most."""


@dataclass(frozen=True)
class HeldOut:
    """Training clips by which thresholds are chosen."""

    clips: Clips | None
    """Of videos that are held out whole; None where there are none."""
    others: Clips | None
    """Of the other training videos."""
    words: str
    """What they are, or why there are none."""


@dataclass(frozen=True)
class Choice:
    """Thresholds, and what else comes from training videos."""

    borders: dict[str, int | None]
    """Of each answerer, as of `report.report_of`."""
    prior: Floats | None
    """As of `evaluator.mean_map`."""
    log: Figures
    """How they were chosen."""


def held_out(card: CheckpointCard, data_dir: Path | str, tested: Clips, count: int) -> HeldOut:
    """Clips of training videos that are held out, as the weights' recipe held them out.

    The same is seen and predicted of those as of the `tested` clips, and none of their videos is
    among these; at most `count`, evenly from all; 0 for none.
    """
    from eyeline.systems.gaze_anticipation.data import list_path, open_training
    from eyeline.systems.gaze_anticipation.recordings.clips import read_list

    path = list_path(data_dir, "train")
    if not count:
        return HeldOut(None, None, "none: no validation clips were asked for")
    if not path.is_file():
        return HeldOut(None, None, f"none: there is no {path.name} of training clips")
    if len({clip.video for clip in read_list(path)}) < 2:
        return HeldOut(None, None, "none: two training videos are needed to hold out one")
    fraction, seed, words = _as_trained(card)
    training, held = open_training(
        data_dir,
        validation_fraction=fraction,
        seed=seed,
        task=tested.task,
        with_audio=tested.with_audio,
        side=tested.side,
        sides=(tested.side, tested.side),
        frames=tested.frames,
    )
    assert held is not None
    held = _without(held, tested)
    if not len(held):
        return HeldOut(None, None, "none: the videos held out are among those that are scored")
    others = evenly(_without(replace(training, training=False), tested), PRIOR_CLIPS)
    return HeldOut(evenly(held, count), others, words)


def choose(
    held: HeldOut, size: int, answerer: str, accumulator_of: Callable[[Clips], Accumulator] | None
) -> Choice:
    """The thresholds with the largest F1 of fixations on the clips held out.

    `accumulator_of` gives the scores of `answerer` for clips; None where its threshold is known.
    """
    known: Figures = {"chosen_on": held.words, "clips": 0, "videos": 0}
    if held.clips is None:
        return Choice({}, None, known)
    clips = held.clips
    prior = None
    if held.others is not None and len(held.others):
        prior = mean_map(targets_of(held.others).truth, size)
    tallies = baselines(Evaluator(targets_of(clips).truth, size), prior)
    if accumulator_of is not None:
        tallies[answerer] = accumulator_of(clips)
    borders = {name: report.chosen(accumulator) for name, accumulator in tallies.items()}
    return Choice(borders, prior, known | {"clips": len(clips), "videos": len(set(clips.video))})


def in_words(borders: dict[str, int | None]) -> dict[str, float | None]:
    """The thresholds themselves."""
    return {
        name: None if border is None else levels.threshold_of(border)
        for name, border in borders.items()
    }


def evenly(clips: Clips, count: int) -> Clips:
    """So many of some clips, evenly from all."""
    if len(clips) <= count:
        return clips
    return clips.subset(np.linspace(0, len(clips) - 1, count).astype(np.int64))


def _as_trained(card: CheckpointCard) -> tuple[float, int, str]:
    """Share and seed by which the weights' recipe held out videos, and what to say of them."""
    data: dict[str, Any] = dict(card.recipe.get("data", {}))
    seed = int(dict(card.recipe.get("training", {})).get("seed", 0))
    fraction = float(data.get("validation_fraction", 0))
    if fraction > 0:
        return fraction, seed, "training videos that the training held out to choose an epoch"
    return FRACTION, seed, "training videos; as far as is known the weights learned from them, too"


def _without(clips: Clips, tested: Clips) -> Clips:
    """Those of other videos."""
    names = {*tested.videos}
    return clips.subset([n for n, video in enumerate(clips.video) if video not in names])
