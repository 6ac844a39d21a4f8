"""Training of `mask_rcnn` on the shared loop, with the published schedule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from eyeline import files
from eyeline.errors import RecipeError
from eyeline.log import Log
from eyeline.systems.gaze_following.detector import data, evaluate, weights
from eyeline.systems.gaze_following.detector.average_precision import KINDS
from eyeline.systems.gaze_following.detector.data import Batch, Pictures
from eyeline.systems.gaze_following.detector.evaluate import REPORT, Report
from eyeline.systems.gaze_following.detector.model import MaskRcnn, ResNeXt, mask_rcnn
from eyeline.systems.gaze_following.detector.recipe import BUILDER, Recipe, read_recipe
from eyeline.systems.gaze_following.detector.step import Step, optimizer, scheduler
from eyeline.training import checkpoint, loop
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices
from eyeline.training.loop import Epoch, Run
from eyeline.training.recipe import share_of

BEST = "best.safetensors"
"""The chosen epoch's weights while a run is under way, beside its state."""
PROTOCOL = "COCO's average precision on the validation split, limits 100, 300 and 1000"
_CHOSEN_BY = {"box_AP": "validation_bbox_mAP"}


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
        recipe: a YAML file, the name of one of the detector's, or its sections.
        data_dir: as of `data.open_split`.
        out_dir: gets `mask_rcnn.safetensors` and `report.json`.
        progress: is told, in words, what has been finished.
        changes: `section.key=value`, made to the recipe.
        devices: where; one CPU by default.
        weights: to begin with: a backbone that learned ImageNet, or a detector.

    Returns:
        `evaluate.report` on the validation split, with `history`.

    Raises:
        RecipeError, DataError, OutputError, CheckpointError, UsageError, TrainingError: for what is
        wrong with each.
    """
    plan = read_recipe(recipe, changes)
    learned, held = open_data(plan, Path(data_dir))
    network = new_network(plan, weights)
    folder = files.made(Path(out_dir))
    fabric = (devices or Devices()).fabric()
    fabric.launch()
    if fabric.device.type == "cpu":
        network.to(memory_format=torch.channels_last)  # the same numbers, sooner
    whole = new_run(plan, network, learned, held, folder, fabric.world_size)
    whole.identity = _identity(plan, learned, held, weights)
    whole.told = progress if fabric.is_global_zero else None
    loop.fit(whole, fabric)
    made: Report = {}
    if fabric.is_global_zero:
        made = _finish(plan, network, learned, held, whole)
    fabric.barrier()
    return made


def open_data(plan: Recipe, data_dir: Path) -> tuple[Pictures, Pictures]:
    """Pictures to learn from, and those to validate on."""
    told = plan.data
    learned = data.open_split(
        data_dir, told.train_split, told.fusion, short_px=told.short_px, for_training=True
    )
    held = data.open_split(data_dir, told.validation_split, told.fusion, short_px=told.short_px)
    return learned, held


def new_network(plan: Recipe, weights_file: Path | None) -> MaskRcnn:
    """The network that a recipe begins with.

    Raises:
        RecipeError: parts of it would stay frozen as chance made them.
        CheckpointError: weights that do not fit.
    """
    if weights_file is None and plan.training.frozen_stages:
        raise RecipeError(
            f"training.frozen_stages is {plan.training.frozen_stages}, but there are no weights to "
            "begin with: give --weights, such as resnext101_32x4d of ImageNet, or set it to 0"
        )
    torch.manual_seed(plan.training.seed)
    network = mask_rcnn(**plan.arguments)
    if weights_file is not None:
        weights.initialise(network, weights_file)
    cast(ResNeXt, network.backbone).freeze(plan.training.frozen_stages)
    return network


def new_run(
    plan: Recipe, network: MaskRcnn, learned: Pictures, held: Pictures | None,
    folder: Path | None, world: int = 1,
) -> Run:  # fmt: skip
    """What the training loop is to do.

    Args:
        plan: the recipe.
        network: to be trained.
        learned: pictures.
        held: pictures to score after each epoch; None scores none.
        folder: for the state; None keeps nothing.
        world: processes that share each batch.

    Raises:
        RecipeError: a batch that they cannot share evenly.
    """
    training = plan.training
    share = share_of(training.batch_size, world)

    def batches(epoch: Epoch) -> Iterator[Batch]:
        return data.batches(
            learned, epoch, batch_size=share, mirror=plan.data.mirror,
            workers=plan.data.workers,
        )  # fmt: skip

    moved = optimizer(plan.optimizer, network)
    kinds = [picture.is_landscape for picture in learned.annotations.pictures]
    steps = len(data.grouped(kinds, training.batch_size, 1, 0))
    made = Run(
        network, {"main": moved}, Step(plan), batches, training.epochs, seed=training.seed,
        clip_norm=plan.optimizer.clip_norm, folder=folder, keep_every=training.keep_every,
        schedulers={"main": scheduler(plan.optimizer, moved, steps)},
    )  # fmt: skip
    if held is not None:
        made.validate = lambda net, _: _validated(cast(MaskRcnn, net), plan, held, made)
    return made


def _validated(network: MaskRcnn, plan: Recipe, held: Pictures, made: Run) -> dict[str, float]:
    """Scores of an epoch; its weights are kept if they are the ones to choose so far."""
    masks = plan.training.validate_masks
    scored = evaluate.report(held, evaluate.answers(network, held, masks=masks), masks=masks)
    scores = {
        f"validation_{kind}_{name}": value
        for kind in (KINDS if masks else KINDS[:1])
        for name, value in scored[kind].items()
        if name in ("mAP", "mAP_50", "mAP_75") and value is not None
    }
    if made.folder is not None and is_chosen(plan.training.select, made.history, scores):
        card = CheckpointCard(weights.SYSTEM, BUILDER, plan.arguments, scores=scores)
        checkpoint.save(made.folder / BEST, network.state_dict(), card)
    return scores


def is_chosen(
    select: str, history: Sequence[Mapping[str, Any]], scores: Mapping[str, float]
) -> bool:
    """Whether an epoch's weights are to be kept in place of those before.

    Args:
        select: as of `recipe.Training`.
        history: of the epochs before.
        scores: of this one.
    """
    name = _CHOSEN_BY.get(select)
    if name is None:
        return True
    return all(scores.get(name, -1.0) > entry.get(name, -1.0) for entry in history)


def _finish(
    plan: Recipe, network: MaskRcnn, learned: Pictures, held: Pictures, whole: Run
) -> Report:
    """Take the chosen epoch, write weights and report."""
    folder = cast(Path, whole.folder)
    chosen, state = checkpoint.load(folder / BEST)
    checkpoint.fill(network, state, folder / BEST)
    made = evaluate.report(held, evaluate.answers(network, held))
    card = CheckpointCard(
        system=weights.SYSTEM, builder=BUILDER, arguments=plan.arguments, recipe=plan.as_dict(),
        data=_described(plan, learned, held),
        scores={"protocol": PROTOCOL, **made["published"]},
        settings={"fusion": plan.data.fusion, "short_px": plan.data.short_px},
    )  # fmt: skip
    checkpoint.save(folder / f"{BUILDER}.safetensors", state, card)
    made |= {
        "protocol": PROTOCOL, "recipe": plan.as_dict(), "data": card.data,
        "history": whole.history, "chosen": dict(chosen.scores),
    }  # fmt: skip
    files.write_json(folder / REPORT, made)
    loop.forget(folder)
    (folder / BEST).unlink()
    return made


def _described(plan: Recipe, learned: Pictures, held: Pictures) -> dict[str, Any]:
    return {
        "split": plan.data.train_split, "fusion": plan.data.fusion,
        "pictures": len(learned), "pictures_held_out": len(held),
        "targets": sum(len(p.targets) for p in learned.annotations.pictures),
        "left_out": learned.annotations.left_out,
    }  # fmt: skip


def _identity(plan: Recipe, learned: Pictures, held: Pictures, weights_file: Path | None) -> str:
    """Of recipe, data and first weights; how long to go on is free."""
    sources = [files.sha256(p.annotations.source) for p in (learned, held)]
    begun = files.sha256(weights_file) if weights_file else ""
    text = json.dumps([plan.lasting(), sources, begun], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
