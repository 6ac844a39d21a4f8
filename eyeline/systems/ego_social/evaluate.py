"""How well a network tells who looks at me or talks to me, by the benchmark's rules."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np

from eyeline.bounds import Count, Whole, Workers
from eyeline.datasets import listed
from eyeline.errors import UsageError
from eyeline.evaluation.report import Figures, Report
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.systems.ego_social import data, predictions, score
from eyeline.systems.ego_social import weights as files
from eyeline.systems.ego_social.data import Looks, Talks
from eyeline.systems.ego_social.model import LookingAtMe
from eyeline.systems.ego_social.recordings import challenge
from eyeline.systems.ego_social.recordings.annotations import policy_note
from eyeline.systems.ego_social.report import THRESHOLD
from eyeline.systems.ego_social.scoring import tables
from eyeline.systems.ego_social.scoring.outputs import Work
from eyeline.systems.ego_social.scoring.tables import Options, Predicted
from eyeline.systems.ego_social.ttm_model import TalkingToMe
from eyeline.training import checkpoint, sharing
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices
from eyeline.training.fused import fused

TRUTH, PREDICTIONS, REPORT = "gt.csv", "pred.csv", "report.json"
"""Tables as the benchmark's code writes them, and all figures."""
SUBMISSION = "submission.json"
"""What the challenge's server takes."""
CHALLENGE = "challenge"
"""Instead of a split: the data is a challenge's folder of crops."""
TASKS = {"lam": files.LOOKING, "ttm": files.TALKING}
"""Builders by task."""

Network = LookingAtMe | TalkingToMe


def run(
    weights: Path | str,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    split: str = "val",
    stride: Count = 1,
    policy: str = "published",
    smooth: Whole = 0,
    flip: bool = False,
    fuse: bool = False,
    task: str | None = None,
    seg_info: Path | None = None,
    batch: Count = 32,
    workers: Workers = 0,
    samples: Whole = 200,
    devices: Devices | None = None,
) -> Report:
    """Scores of a weights file on a split of a prepared data set, or predictions for a challenge.

    Args:
        weights: a checkpoint of `lam_lstm`, `gaze360_lstm` or `ttm`, which says what is evaluated.
        data_dir: as `eyeline prepare` leaves it, or a challenge's folder of crops.
        out_dir: gets `pred.csv`, `report.json`, and `gt.csv`, or of a challenge and of clips that
            are not labelled `submission.json`.
        log: receives progress and notes.
        device: where, of one process.
        split: list of clips, as of `data.open_looks`; or `challenge`.
        stride: of each face every so many frames count. The published figures are taken to be of
            1; the published training validates with 13.
        policy: what counts as positive, one of `annotations.POLICIES`.
        smooth: see `tables.Options.smooth_frames`.
        flip: see `tables.Options.flip`.
        fuse: see `tables.Options.fuse`.
        task: `lam` or `ttm`, where weights of the other one are to be refused.
        seg_info: of the talking-to-me challenge, see `challenge.open_challenge_talks`.
        batch: windows that are seen together.
        workers: processes that read crops.
        samples: draws of the intervals; 0 for none.
        devices: several processes that share the work; `device` is not heeded then.

    Returns:
        `score.score`'s report, with `plain`, the published figures without the options, where some
        are taken; `seen_in_training`: clips that the weights were trained on; `counts` and `notes`.
        Where only one class is there, `published` has `mAP` None and the notes tell of it. Of a
        challenge or of clips that are not labelled, whose truth is not published, what was
        predicted. Empty in processes other than the first.

    Raises:
        CheckpointError, DataError, OutputError, UsageError: for what is wrong with each.
    """
    if task is not None and task not in TASKS:
        raise UsageError(f"no task '{task}'; there are: {', '.join(TASKS)}")
    card = checkpoint.read_card(weights)
    wanted = TASKS[task] if task else (*files.LOOKING, *files.TALKING)
    checkpoint.check_builder(card, files.SYSTEM, wanted, weights)
    kind, options = task_of(card), Options(smooth, flip, fuse)
    options.check(kind)
    if split == CHALLENGE and out_dir is None:
        raise UsageError("a challenge's truth is not published: give a folder for the answers")
    fabric = sharing.launched(devices)
    lead, place = sharing.leads(fabric), sharing.place(fabric, device)
    work = Work(batch, workers, log if lead else None, fabric)
    network = cast(Network, fused(files.load(weights, TASKS[kind], place)))
    folder = Path(out_dir) if out_dir is not None else None
    if split == CHALLENGE:
        result = _submitted(network, Path(data_dir), stride, seg_info, options, work, folder)
    else:
        items = open_split(
            kind, data_dir, split, stride=stride, policy=policy, unlabelled=folder is not None
        )
        predicted = predict(network, items, options, work)
        notes = [*listed.notes(data_dir, split), *_notes(items, policy, card)]
        if not lead:
            result = {}
        elif folder is not None and _unlabelled(items):
            _write(folder, predicted.rows, tables.as_challenge(predicted.rows, items))
            result = {"rows": len(predicted.rows), "submission": SUBMISSION}
        else:
            result = scored(predicted, samples=samples, notes=notes)
            if folder is not None:
                write(folder, predicted)
        counts = {"clips": len(items.clips), "items": len(items), **items.left_out}
        counts |= {"without audio": silent} if (silent := len(items.silent)) else {}
        result |= {"policy": policy, "counts": counts, "notes": notes}
        result["seen_in_training"] = _among(card, "clips", items)
    created = Report({})
    if lead:
        taken = {"smooth": smooth, "flip": flip, "fuse": fuse}
        head = {"task": kind, "builder": card.builder, "weights": Path(weights).name}
        strides = {"stride": stride} if kind == "lam" else {}
        created = Report({**head, "split": split, "options": taken, **strides, **result})
    if lead and folder is not None:
        created.write(folder / REPORT)
    sharing.end(fabric)
    created.log(log)
    return created


def task_of(card: CheckpointCard) -> str:
    """What a checkpoint of this system is for, one of `TASKS`."""
    return next(task for task, builders in TASKS.items() if card.builder in builders)


def open_split(
    task: str,
    data_dir: Path | str,
    split: str,
    *,
    stride: int = 1,
    policy: str = "published",
    unlabelled: bool = False,
) -> Looks | Talks:
    """The looks or the utterances of a split, as of `data`."""
    if task == "lam":
        return data.open_looks(data_dir, split, stride=stride, policy=policy, unlabelled=unlabelled)
    return data.open_talks(data_dir, split, policy=policy, unlabelled=unlabelled)


def predict(
    network: Network,
    items: Looks | Talks,
    options: Options | None = None,
    work: Work | None = None,
) -> Predicted:
    """A network's predictions for looks or utterances, whichever it is for."""
    if isinstance(network, TalkingToMe):
        return tables.of_talks(network, cast(Talks, items), options, work)
    return tables.of_looks(network, cast(Looks, items), options, work)


def scored(predicted: Predicted, *, samples: int = 200, notes: list[str] | None = None) -> Figures:
    """`score.score` of predictions, `plain` beside it where options were taken.

    Where only one class is there, no mean over both is defined: `published` has the accuracy alone,
    and a note says so.
    """
    truth = predicted.truth
    positives = int(np.count_nonzero(truth.label == 1))
    if not 0 < positives < len(truth):
        if notes is not None:
            notes.append(f"{positives} of {len(truth)} rows are positive: mAP is not defined")
        right = (cast(Floats, predicted.rows.score) >= THRESHOLD) == (truth.label == 1)
        return {
            "task": truth.kind.task,
            "rows": len(truth),
            "published": {"mAP": None, "accuracy": float(right.mean())},
            **dict.fromkeys(("pooled", "challenge", "interval")),
        }
    created = score.score(
        predicted.rows, truth, faces=predicted.faces, samples=samples, notes=notes
    )
    if predicted.rows is not predicted.plain:
        plain = score.score(predicted.plain, truth, faces=predicted.faces, samples=0)
        created["plain"] = plain["published"]
    return created


def write(folder: Path, predicted: Predicted) -> None:
    """Write `gt.csv` and `pred.csv`."""
    predictions.write(folder / TRUTH, predicted.truth)
    predictions.write(folder / PREDICTIONS, predicted.rows)


def _write(folder: Path, table: predictions.Rows, submission: predictions.Rows) -> None:
    predictions.write(folder / PREDICTIONS, table)
    predictions.write(folder / SUBMISSION, submission)


def _unlabelled(items: Looks | Talks) -> int:
    return sum(not clip.annotation.labelled for clip in items.clips)


def _submitted(
    network: Network,
    data_dir: Path,
    stride: int,
    seg_info: Path | None,
    options: Options,
    work: Work,
    folder: Path | None,
) -> Figures:
    """Predictions for a challenge, written by the first process."""
    notes: list[str] = []
    if isinstance(network, TalkingToMe):
        talks = challenge.open_challenge_talks(data_dir, seg_info)
        table = tables.of_challenge_talks(network, talks, options, work)
        if silent := len(talks.without_audio):
            notes.append(f"{silent} segments have no audio: heard as silence")
    else:
        faces = challenge.open_challenge_looks(data_dir, stride=stride)
        table = tables.of_challenge_looks(network, faces, options, work)
    if folder is not None and sharing.leads(work.fabric):
        _write(folder, table, table)
    return {"rows": len(table), "submission": SUBMISSION, "notes": notes}


def _notes(items: Looks | Talks, policy: str, card: CheckpointCard) -> list[str]:
    lacking, silent = _unlabelled(items), len(items.silent)
    chose = _among(card, "validation_clips", items)
    flags = policy_note([clip.annotation for clip in items.clips], policy)
    every = {
        f"{lacking} of {len(items.clips)} clips are not labelled: predictions, no scores": lacking,
        f"{silent} stretches of talk without audio: heard as silence": silent,
        f"the epoch of these weights was chosen by {chose} of these clips": chose,
        flags: flags,
    }
    left_out = [f"{count} left out: {reason}" for reason, count in items.left_out.items()]
    return left_out + [note for note, holds in every.items() if note and holds]


def _among(card: CheckpointCard, name: str, items: Looks | Talks) -> int:
    """How many of the clips a checkpoint's card names under `name`."""
    named = card.data.get(name)
    return len({*(named if isinstance(named, list) else ())} & {clip.uid for clip in items.clips})
