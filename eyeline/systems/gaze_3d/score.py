"""Scoring a table of directions against the truth, without any network."""

from __future__ import annotations

from pathlib import Path

from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.systems.gaze_3d import answers, evaluate, report
from eyeline.systems.gaze_3d.answers import Answers
from eyeline.systems.gaze_3d.inputs import FRAMES
from eyeline.systems.gaze_3d.report import Report

_SHOWN = 3


def run(
    predictions: Path | str,
    truth: Path | str,
    *,
    split: str = "gafa_test.txt",
    subset: bool = False,
    told: Log | None = None,
) -> Report:
    """Scores of predicted directions.

    Args:
        predictions: a table as `answers` describes it and `eyeline evaluate` writes it.
        truth: another such table; or a prepared data set, of which the frames in windows of the
            published test are wanted.
        split: list of its sessions.
        subset: whether predictions may leave frames out; they are counted.
        told: hears of notes.

    Returns:
        `report.score`'s report. `published` is comparable with the authors' table only if the
        predictions were made with the recurrence `original` over batches of 32 windows in the
        test's order; it is None for rows that are not whole windows.

    Raises:
        DataError: no table, frames that are missing, that come twice or that the truth does not
            have; names them.
    """
    predictions, truth = Path(predictions), Path(truth)
    found, notes = answers.read(predictions), list[str]()
    rows = report.windows_of(found)
    known = _truth(truth, split, FRAMES if rows is None else rows.shape[1])
    place = {p: row for row, p in enumerate(known.places)}
    beyond = [p for p in found.places if p not in place]
    if beyond:
        raise DataError(f"{predictions} tells of {_some(beyond)}, which {truth} does not have")
    told_of = {*found.places}
    lacking = [p for p in known.places if p not in told_of]
    if lacking and not subset:
        raise DataError(f"{predictions} lacks {_some(lacking)}")
    if lacking:
        notes.append(f"{len(lacking)} of {len(known)} frames were not predicted: left out")
    made = report.score(found, known.rows([place[p] for p in found.places]))
    if told:
        for note in notes:
            told(note)
    return {"predictions": str(predictions), "truth": str(truth), **made, "notes": notes}


def _truth(path: Path, split: str, frames: int) -> Answers:
    if not path.is_dir():
        return answers.read(path)
    return answers.truth_of(evaluate.open_test(path, split, frames))


def _some(places: list[answers.Place]) -> str:
    shown = ", ".join(f"frame {frame} of {name}" for name, frame in places[:_SHOWN])
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return shown + more
