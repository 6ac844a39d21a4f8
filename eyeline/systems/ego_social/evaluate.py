"""How well a network tells who looks at me or talks to me, by the benchmark's rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from eyeline.bounds import Count, Whole, Workers
from eyeline.errors import UsageError
from eyeline.evaluation.report import Figures, Report
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.systems.ego_social import predictions, score
from eyeline.systems.ego_social.report import THRESHOLD
from eyeline.systems.ego_social.scoring import answers
from eyeline.systems.ego_social.scoring.answers import Answered, Options, Work
from eyeline.training import listed, sharing
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    from eyeline.systems.ego_social.data import Looks, Talks
    from eyeline.systems.ego_social.model import LookingAtMe
    from eyeline.systems.ego_social.ttm_model import TalkingToMe
    from eyeline.training.checkpoint import CheckpointCard

TRUTH, PREDICTIONS, REPORT = "gt.csv", "pred.csv", "report.json"
"""Tables as the benchmark's code writes them, and all figures."""
SUBMISSION = "submission.json"
"""What the challenge's server takes."""
CHALLENGE = "challenge"
"""Instead of a split: the data is a challenge's folder of crops."""
TASKS = ("lam", "ttm")


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
    """Scores of a weights file on a split of a prepared data set, or answers for a challenge.

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
        smooth: see `answers.Options.smooth_frames`.
        flip: see `answers.Options.flip`.
        fuse: see `answers.Options.fuse`.
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
    from eyeline.systems.ego_social import weights as files
    from eyeline.training import checkpoint
    from eyeline.training.fused import fused

    wanted = {None: (*files.LOOKING, *files.TALKING), "lam": files.LOOKING, "ttm": files.TALKING}
    if task not in wanted:
        raise UsageError(f"no task '{task}'; there are: {', '.join(TASKS)}")
    card = checkpoint.read_card(weights)
    checkpoint.check_builder(card, files.SYSTEM, wanted[task], weights)
    kind, options = task_of(card), Options(smooth, flip, fuse)
    options.check(kind)
    if split == CHALLENGE and out_dir is None:
        raise UsageError("a challenge's truth is not published: give a folder for the answers")
    fabric = sharing.launched(devices)
    lead, place = sharing.leads(fabric), sharing.place(fabric, device)
    work = Work(batch, workers, log if lead else None, fabric)
    network: LookingAtMe | TalkingToMe
    if kind == "lam":
        network = fused(files.load_looking_at_me(weights, place))
    else:
        network = fused(files.load_talking_to_me(weights, place))
    folder = Path(out_dir) if out_dir is not None else None
    if split == CHALLENGE:
        result = _submitted(network, Path(data_dir), stride, seg_info, options, work, folder)
    else:
        items = open_split(
            kind, data_dir, split, stride=stride, policy=policy, unlabelled=folder is not None
        )
        answered = answer(network, items, options, work)
        notes = [*listed.notes(data_dir, split), *_notes(items, policy, card)]
        if not lead:
            result = {}
        elif folder is not None and _unlabelled(items):
            predictions.write(folder / PREDICTIONS, answered.found)
            predictions.write(folder / SUBMISSION, answers.as_challenge(answered.found, items))
            result = {"rows": len(answered.found), "submission": SUBMISSION}
        else:
            result = scored(answered, samples=samples, notes=notes)
            if folder is not None:
                write(folder, answered)
        counts = {"clips": len(items.clips), "items": len(items), **items.left_out}
        counts |= {"without audio": silent} if (silent := _silent(items)) else {}
        result |= {"policy": policy, "counts": counts, "notes": notes}
        result["seen_in_training"] = _among(card, "clips", items)
    if not lead:
        sharing.end(fabric)
        return Report({})
    created = Report(
        {
            "task": kind,
            "builder": card.builder,
            "weights": Path(weights).name,
            "split": split,
            "options": {"smooth": smooth, "flip": flip, "fuse": fuse},
            **({"stride": stride} if kind == "lam" else {}),
            **result,
        }
    )
    if folder is not None:
        created.write(folder / REPORT)
    sharing.end(fabric)
    created.log(log)
    return created


def task_of(card: CheckpointCard) -> str:
    """What a checkpoint of this system answers, one of `TASKS`."""
    from eyeline.systems.ego_social.weights import TALKING

    return TASKS[card.builder in TALKING]


def open_split(
    task: str,
    data_dir: Path | str,
    split: str,
    *,
    stride: int = 1,
    policy: str = "published",
    unlabelled: bool = False,
) -> Looks | Talks:
    """The looks or the stretches of talk of a split, as of `data`."""
    from eyeline.systems.ego_social import data

    if task == "lam":
        return data.open_looks(data_dir, split, stride=stride, policy=policy, unlabelled=unlabelled)
    return data.open_talks(data_dir, split, policy=policy, unlabelled=unlabelled)


def answer(
    network: LookingAtMe | TalkingToMe,
    items: Looks | Talks,
    options: Options | None = None,
    work: Work | None = None,
) -> Answered:
    """A network's answers for looks or stretches of talk, whichever it is for."""
    from eyeline.systems.ego_social.ttm_model import TalkingToMe

    if isinstance(network, TalkingToMe):
        return answers.of_talks(network, cast("Talks", items), options, work)
    return answers.of_looks(network, cast("Looks", items), options, work)


def scored(answered: Answered, *, samples: int = 200, notes: list[str] | None = None) -> Figures:
    """`score.score` of answers, `plain` beside it where options were taken.

    Where only one class is there, no mean over both is defined: `published` has the accuracy alone,
    and a note says so.
    """
    truth = answered.truth
    positives = int(np.count_nonzero(truth.label == 1))
    if not 0 < positives < len(truth):
        if notes is not None:
            notes.append(f"{positives} of {len(truth)} rows are positive: mAP is not defined")
        right = (cast(Floats, answered.found.score) >= THRESHOLD) == (truth.label == 1)
        return {
            "task": truth.kind.task,
            "rows": len(truth),
            "published": {"mAP": None, "accuracy": float(right.mean())},
            **dict.fromkeys(("pooled", "challenge", "interval")),
        }
    created = score.score(answered.found, truth, faces=answered.faces, samples=samples, notes=notes)
    if answered.found is not answered.plain:
        plain = score.score(answered.plain, truth, faces=answered.faces, samples=0)
        created["plain"] = plain["published"]
    return created


def write(folder: Path, answered: Answered) -> None:
    """Write `gt.csv` and `pred.csv`."""
    predictions.write(folder / TRUTH, answered.truth)
    predictions.write(folder / PREDICTIONS, answered.found)


def _unlabelled(items: Looks | Talks) -> int:
    return sum(not clip.annotation.labelled for clip in items.clips)


def _submitted(
    network: LookingAtMe | TalkingToMe,
    data_dir: Path,
    stride: int,
    seg_info: Path | None,
    options: Options,
    work: Work,
    folder: Path | None,
) -> Figures:
    """Answers for a challenge, written by the first process."""
    from eyeline.systems.ego_social.recordings import challenge
    from eyeline.systems.ego_social.ttm_model import TalkingToMe

    notes: list[str] = []
    if isinstance(network, TalkingToMe):
        talks = challenge.open_challenge_talks(data_dir, seg_info)
        table = answers.of_challenge_talks(network, talks, options, work)
        if silent := len(talks.without_audio):
            notes.append(f"{silent} segments have no audio: heard as silence")
    else:
        faces = challenge.open_challenge_looks(data_dir, stride=stride)
        table = answers.of_challenge_looks(network, faces, options, work)
    if folder is not None and sharing.leads(work.fabric):
        predictions.write(folder / PREDICTIONS, table)
        predictions.write(folder / SUBMISSION, table)
    return {"rows": len(table), "submission": SUBMISSION, "notes": notes}


def _notes(items: Looks | Talks, policy: str, card: CheckpointCard) -> list[str]:
    from eyeline.systems.ego_social.recordings.annotations import policy_note

    notes = [f"{count} left out: {reason}" for reason, count in items.left_out.items()]
    if lacking := _unlabelled(items):
        notes.append(
            f"{lacking} of {len(items.clips)} clips are not labelled: predictions, no scores"
        )
    if silent := _silent(items):
        notes.append(f"{silent} stretches of talk without audio: heard as silence")
    if chose := _among(card, "validation_clips", items):
        notes.append(f"the epoch of these weights was chosen by {chose} of these clips")
    flags = policy_note([clip.annotation for clip in items.clips], policy)
    return [*notes, flags] if flags else notes


def _silent(items: Looks | Talks) -> int:
    return len(getattr(items, "silent", ()))


def _among(card: CheckpointCard, name: str, items: Looks | Talks) -> int:
    """How many of the clips a checkpoint's card names under `name`."""
    named = card.data.get(name)
    return len({*(named if isinstance(named, list) else ())} & {clip.uid for clip in items.clips})
