"""Scoring a table of directions against the truth, without any network."""

from __future__ import annotations

from pathlib import Path

from eyeline.evaluation import tables
from eyeline.evaluation.report import Report
from eyeline.log import Log
from eyeline.systems.gaze_3d import answers, evaluate, report
from eyeline.systems.gaze_3d.answers import Answers
from eyeline.systems.gaze_3d.inputs import FRAMES


def run(
    predictions: Path | str,
    truth: Path | str,
    *,
    split: str = "gafa_test.txt",
    subset: bool = False,
    log: Log | None = None,
) -> Report:
    """Scores of predicted directions.

    Args:
        predictions: a table as `answers` describes it and `eyeline evaluate` writes it.
        truth: another such table; or a prepared data set, of which the frames in windows of the
            published test are wanted.
        split: list of its sessions.
        subset: whether predictions may leave frames out; they are counted.
        log: receives notes.

    Returns:
        `report.score`'s report. `published` is comparable with the authors' table only if the
        predictions were made with the recurrence `original` over batches of 32 windows in the
        test's order; it is None for rows that are not whole windows.

    Raises:
        DataError: no table, frames that are missing, that come twice or that the truth does not
            have; names them.
    """
    predictions, truth = Path(predictions), Path(truth)
    result, notes = answers.read(predictions), list[str]()
    rows = report.windows_of(result)
    known = _truth(truth, split, FRAMES if rows is None else rows.shape[1])
    sides = result.side(predictions), known.side(truth)
    at = tables.join(*sides, subset=subset, what="frames", notes=notes)
    figures = report.score(result, known.rows(at))
    created = Report({"predictions": predictions, "truth": truth, **figures, "notes": notes})
    created.log(log)
    return created


def _truth(path: Path, split: str, frames: int) -> Answers:
    if not path.is_dir():
        return answers.read(path)
    return answers.truth_of(evaluate.open_test(path, split, frames))
