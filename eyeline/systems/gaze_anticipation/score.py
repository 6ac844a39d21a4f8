"""Scoring a table of answers and its maps against the truth, without any network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from eyeline.bounds import Fraction, Whole
from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.results import Ints
from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.predictions import (
    Predictions,
    Truth,
    first_of_each,
    named,
    read_predictions,
    read_truth,
)
from eyeline.systems.gaze_anticipation.report import Report
from eyeline.systems.gaze_anticipation.scoring import levels, map_files
from eyeline.systems.gaze_anticipation.scoring.bench import Bench, baselines
from eyeline.systems.gaze_anticipation.scoring.tally import Tally
from eyeline.systems.gaze_anticipation.scoring.truth import asked, in_pieces
from eyeline.systems.gaze_anticipation.windows.heatmap import SIZE
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
    told: Log | None = None,
) -> Report:
    """Scores of predictions by the benchmark's rules, and by better ones.

    Args:
        predictions: a table as of `predictions.Predictions`, which `eyeline evaluate` writes. A
            file of the same name beside it has the maps: `.parquet` as of `map_files`, or `.npz`
            with `heatmap` `(n, row, column)` in the table's order. Without one, only distances are
            told.
        truth: a table as `eyeline evaluate` writes it; or a prepared data set.
        split: list of its clips.
        threshold: for `f1`, chosen on other frames, such as of the report of `evaluate`; the
            nearest border between levels is taken.
        fov_deg: angle that the picture's longer side spans, to have angles too.
        subset: whether predictions may leave frames out; they are counted.
        samples: draws of the intervals; 0 for none.
        told: hears of notes.

    Returns:
        As of `report.made`, of `predictions` and of what looks at no picture. The published figures
        are comparable with the paper's only if the predictions are of all of its clips.

    Raises:
        DataError: no table, frames that are missing, that come twice or that the truth does not
            have, other maps than rows; names them.
        UsageError: a field of view that cannot be.
    """
    path = Path(predictions)
    found, maps = read_predictions(path), map_files.beside(path)
    size = SIZE if maps is None else map_files.size_of(maps)
    known = _truth(Path(truth), split, found, size)
    place, notes = _joined(found, known, (path, Path(truth)), subset)
    bench = Bench(known.take(np.flatnonzero(np.isin(np.arange(len(known)), place))), size, fov_deg)
    order = np.unique(place, return_inverse=True)[1]
    if maps is None:
        notes.append(f"no maps beside {path.name}: only distances are told")
    mine = scored(bench, found, order, maps)
    border = None if threshold is None else levels.nearest(threshold)
    made = report.made(
        {PREDICTED: mine, **baselines(bench)}, bench.truth, {PREDICTED: border},
        first=PREDICTED, samples=samples,
    )  # fmt: skip
    made["notes"] = notes + made["notes"]
    if told:
        for note in made["notes"]:
            told(note)
    return {"predictions": str(predictions), "truth": str(truth), **made}


def scored(bench: Bench, found: Predictions, order: Ints, maps: Path | None) -> Tally:
    """Scores of a table and its maps, which are read some at a time.

    Args:
        bench: the frames.
        found: the table.
        order: `(n,)` which of the bench's rows each of the table's is.
        maps: their file; None for points alone.
    """
    made = bench.tally()
    if maps is None:
        for rows in in_pieces(len(order)):
            bench.add(made, order[rows], None, found.xy[rows])
        return made
    for start, part in map_files.read(maps, found):
        rows = slice(start, start + len(part))
        bench.add(made, order[rows], part, found.xy[rows])
    return made


def _truth(path: Path, split: str, found: Predictions, size: int) -> Truth:
    if not path.is_dir():
        return read_truth(path)
    from eyeline.systems.gaze_anticipation.data import open_clips

    ahead = bool((found.ahead_s > 0).any())
    frames = int(found.slot.max(initial=1)) + 1
    task = "anticipation" if ahead else "estimation"
    clips = open_clips(
        path, split, task=task, side=4 * size, sides=(4 * size, 4 * size),
        frames=min(max(frames, 2), FRAMES), full_frames=not ahead and _meets_all(found),
    )  # fmt: skip
    known = asked(clips).truth
    return known.take(np.flatnonzero(first_of_each(known)))


def _meets_all(found: Predictions) -> bool:
    """Whether any clip has more rows than one window."""
    clips = list(zip(found.video.tolist(), found.clip_start_s.tolist(), strict=True))
    return len(clips) > FRAMES * len(set(clips))


def _joined(
    found: Predictions, known: Truth, paths: tuple[Path, Path], subset: bool
) -> tuple[Ints, list[str]]:
    """Of each prediction the row of the truth, and notes."""
    place = {key: row for row, key in enumerate(known.keys)}
    if not len(found):
        raise DataError(f"{paths[0]} has no rows")
    if beyond := [key for key in found.keys if key not in place]:
        raise DataError(f"{paths[0]} tells of {named(beyond)}, which {paths[1]} does not have")
    told_of = {*found.keys}
    lacking = [key for key in place if key not in told_of]
    if lacking and not subset:
        raise DataError(f"{paths[0]} lacks {named(lacking)}")
    rows = np.array([place[key] for key in found.keys], np.int64)
    _check_times(found, known.take(rows), paths)
    notes = [f"{len(lacking)} of {len(known)} frames were not predicted: left out"]
    return rows, notes if lacking else []


def _check_times(found: Predictions, known: Truth, paths: tuple[Path, Path]) -> None:
    """Slots and times beside the key."""
    for name, tolerance in (("slot", 0.0), ("time_s", 1e-3)):
        mine, theirs = getattr(found, name), getattr(known, name)
        if (wrong := np.flatnonzero(np.abs(mine - theirs) > tolerance)).size:
            row = int(wrong[0])
            raise DataError(
                f"{paths[0]}: {named([found.keys[row]])} has {name} {mine[row]}; {paths[1]} has "
                f"{theirs[row]}"
            )
