"""How well a network predicts where a wearer will look, or looks: as published, and fairly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Gt, Lt

from eyeline.bounds import Count, Fraction, Whole, Workers
from eyeline.datasets import listed
from eyeline.errors import UsageError
from eyeline.evaluation import tables
from eyeline.evaluation.report import Figures, Report
from eyeline.log import Log
from eyeline.systems.gaze_anticipation import predictions, report
from eyeline.systems.gaze_anticipation.predictions import Predictions
from eyeline.systems.gaze_anticipation.scoring import levels, map_files, thresholds
from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator, baselines
from eyeline.systems.gaze_anticipation.scoring.map_files import MapWriter
from eyeline.systems.gaze_anticipation.scoring.truth import predicted, targets_of
from eyeline.training import sharing
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation.data import Clips
    from eyeline.systems.gaze_anticipation.model import GazeAnticipation
    from eyeline.systems.gaze_anticipation.scoring.outputs import Work
    from eyeline.systems.gaze_anticipation.scoring.thresholds import Choice
    from eyeline.training.checkpoint import CheckpointCard

TRUTH, PREDICTIONS, MAPS = "truth.csv", "predictions.csv", "predictions.parquet"
"""Tables of the frames and of the predictions, and the predicted maps in levels."""
REPORT = "report.json"
"""All figures."""
BUILDER = "csts"
"""What the network is called in a report."""


@dataclass(frozen=True)
class Measured:
    """A network's predictions for clips, and their scores."""

    evaluator: Evaluator
    accumulator: Accumulator
    predictions: Predictions
    """Of the bench's rows."""
    repeats: int
    """Frames that were met again, whose later predictions do not count."""


def run(
    weights: Path | str,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    split: str = "test",
    task: str | None = None,
    full_frames: bool = False,
    audio: bool | None = None,
    threshold: Fraction | None = None,
    validation_clips: Whole = 500,
    fov_deg: Annotated[float, Gt(0), Lt(180)] | None = None,
    precision: str = "float32",
    batch: Count = 8,
    workers: Workers = 0,
    samples: Whole = 200,
    maps: bool = True,
    devices: Devices | None = None,
) -> Report:
    """Scores of a weights file on a split of a prepared data set.

    Args:
        weights: a checkpoint of `csts`.
        data_dir: as `eyeline prepare` leaves it.
        out_dir: gets `report.json`, `truth.csv`, `predictions.csv` and `predictions.parquet`.
        log: receives progress and notes, and the line that the published code prints.
        device: where, of one process.
        split: list of clips, as of `data.open_clips`.
        task: `anticipation` or `estimation`; by default what the weights were trained for.
        full_frames: of estimation, predictions for all frames of each clip; of a frame that is met
            again the first one counts.
        audio: whether it is heard; by default as in the weights' training.
        threshold: for `f1`. By default that of the weights if they are used as in their training,
            or else the best one on training videos that are held out.
        validation_clips: how many of those clips are looked at to choose it; 0 for none.
        fov_deg: angle that the image's longer side spans, to have angles too.
        precision: one of `model.PRECISIONS`.
        batch: clips that are read and seen together.
        workers: processes that read clips.
        samples: draws of the intervals; 0 for none.
        maps: whether maps are written.
        devices: several processes that share the work; `device` is not heeded then.

    Returns:
        `report.report_of`'s report of the network, as `csts`, and of what looks at no image;
        `thresholds`: how they were chosen; `seen_in_training`: videos that the weights were trained
        on. Empty in processes other than the first.
    """
    from eyeline.systems.gaze_anticipation.scoring.outputs import Work
    from eyeline.systems.gaze_anticipation.weights import SYSTEM, load_csts
    from eyeline.training import checkpoint

    if validation_clips < 0:
        raise UsageError(f"validation_clips is {validation_clips}; must be at least 0")
    card = checkpoint.read_card(weights)
    checkpoint.check_builder(card, SYSTEM, (BUILDER,), weights)
    fabric = sharing.launched(devices)
    work = Work(batch, workers, log, fabric)
    network = load_csts(weights, sharing.place(fabric, device), precision=precision)
    clips = open_split(network, data_dir, card, split, task, full_frames=full_frames, audio=audio)
    folder = Path(out_dir) if out_dir is not None else None
    with _maps(folder if maps and work.leads else None, network.side // 4) as writer:
        measured = measure(network, clips, work, writer, fov_deg=fov_deg)
    known = _threshold_of(card, clips) if threshold is None else threshold
    prefixed = replace(work, log=log and (lambda text: log(f"held out: {text}")))
    choice = thresholds.choose(
        thresholds.held_out(card, data_dir, clips, validation_clips),
        network.side // 4,
        BUILDER,
        (lambda clips: measure(network, clips, prefixed).accumulator) if known is None else None,
    )
    if not work.leads:
        sharing.end(fabric)
        return Report({})
    if known is not None:
        by = "given" if threshold is not None else "the weights"
        choice.borders[BUILDER], choice.log[f"{BUILDER}_by"] = levels.nearest(float(known)), by
    figures = _figures(measured, choice, samples) | {
        "builder": BUILDER,
        "weights": Path(weights).name,
        "split": str(split),
        "full_frames": full_frames,
        "audio": clips.with_audio,
        "precision": precision,
        "seen_in_training": len({*card.data.get("videos", ())} & {*clips.videos}),
    }
    figures["notes"] += [*listed.notes(data_dir, split), *_notes(card, clips, measured)]
    created = Report(figures)
    if folder is not None:
        if not maps:
            (folder / MAPS).unlink(missing_ok=True)  # those of another run would be taken for these
        created.write(folder / REPORT)
        predictions.write(folder / TRUTH, measured.evaluator.truth)
        predictions.write(folder / PREDICTIONS, measured.predictions)
    sharing.end(fabric)
    if log:
        log(created["json_stats"])
    created.log(log)
    return created


def open_split(
    network: GazeAnticipation,
    data_dir: Path | str,
    card: CheckpointCard,
    split: str | Path,
    task: str | None = None,
    *,
    full_frames: bool = False,
    audio: bool | None = None,
) -> Clips:
    """Clips as a network sees them; task and audio as in its training, unless given."""
    from eyeline.systems.gaze_anticipation.data import open_clips

    trained_on = _trained_on(card)
    return open_clips(
        data_dir,
        split,
        task=task or trained_on.get("task", "anticipation"),
        full_frames=full_frames,
        with_audio=trained_on.get("with_audio", True) if audio is None else audio,
        side=network.side,
        sides=(network.side, network.side),
        frames=network.frames,
    )


def measure(
    network: GazeAnticipation,
    clips: Clips,
    work: Work | None = None,
    writer: MapWriter | None = None,
    *,
    fov_deg: float | None = None,
) -> Measured:
    """A network's predictions for clips and their scores; memory does not grow with maps.

    `network` is in evaluation mode, on its device, `clips` of its sizes; of several processes only
    the first one has scores. `writer` gets the maps, `fov_deg` is as of `run`.
    """
    from eyeline.systems.gaze_anticipation.scoring.outputs import outputs_of

    rows = targets_of(clips)
    kept = tables.first_of_each(rows.truth.keys)
    place = np.cumsum(kept) - 1
    evaluator = Evaluator(rows.truth.take(kept), network.side // 4, fov_deg)
    accumulator, xy = evaluator.accumulator(), np.zeros((len(evaluator.truth), 2))
    probability = np.zeros(len(evaluator.truth))
    for part in outputs_of(network, clips, work):
        slots = part.level.shape[1]
        at = slice(int(part.numbers[0]) * slots, (int(part.numbers[-1]) + 1) * slots)
        new = kept[at]
        own, result = (place[at][new], part.level.reshape(-1, evaluator.size, evaluator.size)[new])
        placed = zip(part.numbers.tolist(), part.square.astype(np.float64), strict=True)
        xy[own] = np.concatenate([rows.views[n].out_of(square) for n, square in placed])[new]
        probability[own] = part.probability.reshape(-1)[new]
        evaluator.add(accumulator, own, result, xy[own])
        if writer is not None:
            writer.add(evaluator.truth.take(own), result)
    answers = predicted(evaluator.truth, xy, probability)
    return Measured(evaluator, accumulator, answers, int((~kept).sum()))


def _figures(measured: Measured, choice: Choice, samples: int) -> Figures:
    evaluator = measured.evaluator
    tallies = {BUILDER: measured.accumulator, **baselines(evaluator, choice.prior)}
    created = report.report_of(
        tallies, evaluator.truth, choice.borders, first=BUILDER, samples=samples
    )
    return created | {"thresholds": choice.log | thresholds.in_words(choice.borders)}


def _trained_on(card: CheckpointCard) -> dict[str, Any]:
    """On what data weights were trained, and how."""
    return {**card.data, **card.recipe.get("data", {})}


def _threshold_of(card: CheckpointCard, clips: Clips) -> float | None:
    """The weights' own threshold, where their task and what they hear are those of training."""
    trained_on = _trained_on(card)
    same = trained_on.get("task", clips.task) == clips.task
    same = same and trained_on.get("with_audio", True) == clips.with_audio
    return card.settings.get("threshold") if same else None


def _notes(card: CheckpointCard, clips: Clips, measured: Measured) -> list[str]:
    result = []
    if measured.repeats:
        result.append(f"{measured.repeats} frames were met again: the first answer counts")
    if clips.silent and clips.with_audio:
        result.append(f"without audio, heard as silence: {', '.join(clips.silent)}")
    if chose := {*card.data.get("held_out_videos", ())} & {*clips.videos}:
        result.append(f"the epoch of these weights was chosen by {len(chose)} of these videos")
    trained_on = _trained_on(card)
    for what, own in (("task", clips.task), ("dataset", clips.dataset)):
        if trained_on.get(what, own) != own:
            result.append(
                f"the weights were trained for {trained_on[what]}, these clips are of {own}"
            )
    return result


@contextmanager
def _maps(folder: Path | None, size: int) -> Iterator[MapWriter | None]:
    if folder is None:
        yield None
        return
    with map_files.writing(folder / MAPS, size) as writer:
        yield writer
