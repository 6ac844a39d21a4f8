"""Scoring a table of predictions and its maps against the truth, without any network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from eyeline.bounds import Fraction, Whole
from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.evaluation.report import Report
from eyeline.evaluation.tables import Side
from eyeline.log import Log
from eyeline.results import Ints
from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.inputs import SIZE
from eyeline.systems.gaze_anticipation.predictions import (
    Predictions,
    Truth,
    read_predictions,
    read_truth,
)
from eyeline.systems.gaze_anticipation.scoring import levels, map_files
from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator, baselines
from eyeline.systems.gaze_anticipation.scoring.truth import in_pieces, targets_of
from eyeline.systems.gaze_anticipation.windows.sampling import FRAMES

PREDICTED = "predictions"
"""What they are called in a report."""


def run(
    predictions: Path | str,
    truth: Path | str,
    *,
    split: str = "test",
    threshold: Fraction | None = None,
    fov_deg: Annotated[float, Gt(0), Lt(180)] | None = None,
    subset: bool = False,
    samples: Whole = 200,
    log: Log | None = None,
) -> Report:
    """Scores of predictions by the benchmark's rules, and by better ones.

    Args:
        predictions: a table as of `predictions.Predictions`, which `eyeline evaluate` writes. A
            file of the same name next to it has the maps: `.parquet` as of `map_files`, or `.npz`
            with `heatmap` `(n, row, column)` in the table's order. Without one, only distances are
            scored.
        truth: a table as `eyeline evaluate` writes it; or a prepared data set.
        split: list of its clips.
        threshold: for `f1`, chosen on other frames, such as of the report of `evaluate`; the
            nearest border between levels is taken.
        fov_deg: angle that the image's longer side spans, to have angles too.
        subset: whether predictions may leave frames out; they are counted.
        samples: draws of the intervals; 0 for none.
        log: receives notes.

    Returns:
        As of `report.report_of`, of `predictions` and of what looks at no image. Published figures
        are comparable with the paper's only if the predictions are of all of its clips.

    Raises:
        DataError: no table, frames that are missing, that come twice or that the truth does not
            have, other maps than rows; names them.
    """
    path = Path(predictions)
    result, maps = read_predictions(path), map_files.beside(path)
    size = SIZE if maps is None else map_files.size_of(maps)
    known, notes = _truth(Path(truth), split, result, size), list[str]()
    sides = result.side(path), known.side(truth)
    at = tables.join(*sides, subset=subset, what="frames", notes=notes)
    _check_times(result, known.take(at), sides)
    rows, order = np.unique(at, return_inverse=True)
    evaluator = Evaluator(known.take(rows), size, fov_deg)
    if maps is None:
        notes.append(f"no maps next to {path.name}: only distances are reported")
    tallies = {PREDICTED: scored(evaluator, result, order, maps), **baselines(evaluator)}
    borders = {PREDICTED: None if threshold is None else levels.nearest(threshold)}
    figures = report.report_of(tallies, evaluator.truth, borders, first=PREDICTED, samples=samples)
    figures["notes"] = notes + figures["notes"]
    created = Report({"predictions": path, "truth": truth, **figures})
    created.log(log)
    return created


def scored(evaluator: Evaluator, table: Predictions, order: Ints, maps: Path | None) -> Accumulator:
    """Scores of a table and its maps, which are read some at a time; None for points alone.

    `order` `(n,)` is which of the evaluator's rows each of the table's is.
    """
    created = evaluator.accumulator()
    if maps is None:
        for rows in in_pieces(len(order)):
            evaluator.add(created, order[rows], None, table.xy[rows])
        return created
    for start, part in map_files.read(maps, table):
        rows = slice(start, start + len(part))
        evaluator.add(created, order[rows], part, table.xy[rows])
    return created


def _truth(path: Path, split: str, table: Predictions, size: int) -> Truth:
    if not path.is_dir():
        return read_truth(path)
    from eyeline.systems.gaze_anticipation.data import open_clips

    ahead = bool((table.ahead_s > 0).any())
    frames = int(table.slot.max(initial=1)) + 1
    task = "anticipation" if ahead else "estimation"
    clips = list(zip(table.video.tolist(), table.clip_start_s.tolist(), strict=True))
    opened = open_clips(
        path,
        split,
        task=task,
        side=4 * size,
        sides=(4 * size, 4 * size),
        frames=min(max(frames, 2), FRAMES),
        full_frames=not ahead and len(clips) > FRAMES * len(set(clips)),
    )
    known = targets_of(opened).truth
    return known.take(tables.first_of_each(known.keys))


def _check_times(table: Predictions, known: Truth, sides: tuple[Side, Side]) -> None:
    """Slots and times besides the key."""
    for name, tolerance in (("slot", 0.0), ("time_s", 1e-3)):
        mine, theirs = getattr(table, name), getattr(known, name)
        if (wrong := np.flatnonzero(np.abs(mine - theirs) > tolerance)).size:
            row = int(wrong[0])
            raise DataError(
                f"{sides[0].source}: {sides[0].name(row)} has {name} {mine[row]}; "
                f"{sides[1].source} has {theirs[row]}"
            )
