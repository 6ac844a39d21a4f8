"""Training `gaze_from_afar`: directions by their cosines, and in turn the gaze's concentration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from eyeline import files
from eyeline.log import Log
from eyeline.systems.gaze_3d import answers, calibration, evaluate, report, splits
from eyeline.systems.gaze_3d.data import Windows, open_training
from eyeline.systems.gaze_3d.inputs import FRAMES
from eyeline.systems.gaze_3d.loss import concentration_loss
from eyeline.systems.gaze_3d.model import Directions3D, GazeFromAfar, economise, gaze_from_afar
from eyeline.systems.gaze_3d.recipe import BUILDER, Recipe, read_recipe
from eyeline.systems.gaze_3d.report import Report
from eyeline.systems.gaze_3d.step import Numbered, Step, optimizers
from eyeline.training import checkpoint, loop
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices, most_memory
from eyeline.training.loop import Epoch, Run
from eyeline.training.recipe import share_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric

BEST = "best.safetensors"
"""The chosen epoch's weights while a run is under way, beside its state."""
REPORT = "report.json"
PROTOCOL = (
    "windows held out of the training sessions, by which the epoch was chosen; concentrations "
    "calibrated on one half of the recordings and measured on the other"
)
_CHOSEN_BY = {"angle": "validation_angle_deg", "concentration_loss": "validation_concentration"}


def run(
    recipe: Path | str | Mapping[str, Any],
    data_dir: Path | str,
    out_dir: Path | str,
    progress: Log | None = None,
    *,
    changes: Sequence[str] = (),
    devices: Devices | None = None,
    weights: Path | None = None,
) -> Report:
    """Train a recipe and write weights and report; a stopped run goes on.

    Args:
        recipe: a YAML file, the name of one of this room's, or its sections.
        data_dir: a prepared data set, as of `data.open_training`.
        out_dir: gets `gaze_from_afar.safetensors` and `report.json`.
        progress: is told, in words, what has been finished.
        changes: `section.key=value`, made to the recipe.
        devices: where; one CPU by default.
        weights: to begin with, such as the authors'; random ones by default.

    Returns:
        `report.score` on the windows held out, with `history` and `memory`.

    Raises:
        RecipeError, DataError, OutputError, CheckpointError, UsageError, TrainingError: for what is
        wrong with each.
    """
    plan = read_recipe(recipe, changes)
    folder = files.made(Path(out_dir))
    fabric = (devices or Devices()).fabric()
    fabric.launch()
    learned, held = open_data(plan, Path(data_dir))
    network = _network(plan, weights)
    whole = new_run(plan, network, learned, held, folder, fabric.world_size)
    whole.identity = _identity(plan, learned, held, weights)
    whole.told = progress if fabric.is_global_zero else None
    loop.fit(whole, fabric)
    made: Report = {}
    if fabric.is_global_zero:
        made = _finish(plan, network, (learned, held), whole, fabric)
    fabric.barrier()
    return made


def open_data(plan: Recipe, data_dir: Path) -> tuple[Windows, Windows]:
    """Windows to learn from, and those held out of the same sessions."""
    sessions = splits.read(plan.data.train_split, data_dir)
    learned, held = open_training(
        data_dir,
        sessions,
        validation=plan.data.validation,
        share=plan.data.validation_share,
        seed=plan.training.seed,
        circular=plan.data.circular,
        frames=plan.arguments.get("frames", FRAMES),
    )
    return learned, held.subset(np.arange(0, len(held), plan.data.validation_interval))


def new_run(
    plan: Recipe, network: GazeFromAfar, learned: Windows, held: Windows | None,
    folder: Path | None, world: int = 1,
) -> Run:  # fmt: skip
    """What the training loop is to do.

    Args:
        plan: the recipe.
        network: to be trained.
        learned: windows.
        held: windows to choose the epoch by; None chooses none.
        folder: for the state; None keeps nothing.
        world: processes that share each batch.

    Raises:
        RecipeError: a batch that they cannot share evenly.
    """
    training = plan.training
    share = share_of(training.batch_size, world)

    def batches(epoch: Epoch) -> Iterator[Numbered]:
        read = loop.loader(learned, epoch, batch_size=share, workers=plan.data.workers)
        return enumerate(read, start=epoch.done)

    made = Run(
        network, optimizers(plan, network), Step(plan), batches, training.epochs,
        seed=training.seed, clip_norm=plan.optimizer.clip_norm, folder=folder,
        keep_every=training.keep_every,
    )  # fmt: skip
    if held is not None:
        made.validate = lambda net, _: _validated(cast(GazeFromAfar, net), plan, held, made)
    return made


def _validated(network: GazeFromAfar, plan: Recipe, held: Windows, made: Run) -> dict[str, float]:
    """Scores of an epoch; its weights are kept if they are the best so far."""
    found = _answer(network, plan, held)
    label = held.directions("gaze")
    gaze, size = found.gaze.direction.numpy(), report.PUBLISHED_BATCH
    batched = report.published(gaze, label, size)["3d_all"]
    kind = plan.loss.concentration
    pieces = zip(
        *(torch.split(v, size) for v in (*found.gaze, torch.from_numpy(label))), strict=True
    )
    sure = [concentration_loss(*piece, kind=kind) for piece in pieces]
    scores = {
        "validation_angle_deg": evaluate.mean_angle_deg(gaze, label),
        "validation_batch_angle_deg": batched,
        "validation_concentration": float(torch.stack(sure).mean()),
    }
    if made.folder is not None and _is_best(plan.training.select, made.history, scores):
        card = CheckpointCard("gaze_3d", BUILDER, plan.arguments, scores=scores)
        checkpoint.save(made.folder / BEST, network.state_dict(), card)
    return scores


def _is_best(
    select: str, history: Sequence[Mapping[str, Any]], scores: Mapping[str, float]
) -> bool:
    name = _CHOSEN_BY.get(select)
    return name is None or all(
        scores[name] < np.nan_to_num(entry[name], nan=np.inf) for entry in history
    )


def _answer(network: GazeFromAfar, plan: Recipe, windows: Windows) -> Directions3D:
    found = evaluate.answer(network, windows, workers=plan.data.workers)
    return found[plan.loss.recurrence]


def _network(plan: Recipe, weights: Path | None) -> GazeFromAfar:
    torch.manual_seed(plan.training.seed)
    network = gaze_from_afar(**plan.arguments)
    if weights is not None:
        card, state = checkpoint.load(weights)
        checkpoint.check_builder(card, "gaze_3d", (BUILDER,), weights)
        checkpoint.fill(network, state, weights)
    return economise(
        network, recompute=plan.training.recompute, frozen_blocks=plan.training.frozen_blocks
    )


def _finish(
    plan: Recipe, network: GazeFromAfar, data: tuple[Windows, Windows], whole: Run, fabric: Fabric
) -> Report:
    """Take the chosen epoch, calibrate it, write weights and report."""
    folder = cast(Path, whole.folder)
    learned, held = data
    chosen, state = checkpoint.load(folder / BEST)
    checkpoint.fill(network, state, folder / BEST)
    found = evaluate.as_answers(held, _answer(network, plan, held))
    truth = answers.truth_of(held)
    made = report.score(evaluate.cross_fitted(found, truth), truth)
    made["reliability_uncalibrated"] = report.score(found, truth)["reliability"]
    rescaling = evaluate.fit_calibration(found, truth)
    card = CheckpointCard(
        system="gaze_3d", builder=BUILDER, arguments=plan.arguments, recipe=plan.as_dict(),
        data=_described(plan, learned, held),
        scores={"protocol": PROTOCOL, **{k: round(v, 4) for k, v in chosen.scores.items()}},
        settings={"concentration": calibration.to_settings(rescaling, len(found))},
    )  # fmt: skip
    checkpoint.save(folder / f"{BUILDER}.safetensors", state, card)
    made |= {
        "protocol": PROTOCOL, "recipe": plan.as_dict(), "data": card.data,
        "settings": card.settings,
        "history": whole.history, "memory": most_memory(fabric), "calibrated": True,
    }  # fmt: skip
    files.write_json(folder / REPORT, made)
    evaluate.write_pictures(folder, made)
    loop.forget(folder)
    (folder / BEST).unlink()
    return made


def _described(plan: Recipe, learned: Windows, held: Windows) -> dict[str, Any]:
    def sessions(windows: Windows) -> list[str]:
        names = {windows.recordings[w].name: None for w in dict.fromkeys(windows.places[:, 0])}
        return list(dict.fromkeys(report.session_of(name) for name in names))

    return {
        "split": plan.data.train_split,
        "sessions": list(dict.fromkeys([*sessions(learned), *sessions(held)])),
        "held_out_sessions": sessions(held),
        "windows": len(learned), "windows_held_out": len(held),
        "windows_left_out": sum({**learned.left_out, **held.left_out}.values()),
    }  # fmt: skip


def _identity(plan: Recipe, learned: Windows, held: Windows, weights: Path | None) -> str:
    """Of recipe, data and first weights; how long to go on is free."""
    text = json.dumps([plan.lasting(), files.sha256(weights) if weights else ""], sort_keys=True)
    found = hashlib.sha256(text.encode())
    for windows in (learned, held):
        found.update(windows.places.tobytes())
        found.update("".join(recording.name for recording in windows.recordings).encode())
    return found.hexdigest()
