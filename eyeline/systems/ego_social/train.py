"""Training of the networks for looking at me and talking to me."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from eyeline import files
from eyeline.errors import UsageError
from eyeline.log import Log
from eyeline.systems.ego_social import evaluate
from eyeline.systems.ego_social.batches import SequenceBatches, collate
from eyeline.systems.ego_social.beginning import begin
from eyeline.systems.ego_social.data import Looks, Talks, open_looks, open_talks
from eyeline.systems.ego_social.loss import weighted_cross_entropy
from eyeline.systems.ego_social.recipe import Recipe, read_recipe
from eyeline.systems.ego_social.report import Report
from eyeline.systems.ego_social.scoring.answers import Answered, Work
from eyeline.systems.ego_social.step import Batch, Step, optimizers
from eyeline.training import checkpoint, loop
from eyeline.training.beginning import Beginning
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices, most_memory
from eyeline.training.loop import Epoch, Run

if TYPE_CHECKING:
    from lightning_fabric import Fabric

BEST = "best.safetensors"
"""The chosen epoch's weights while a run is under way, beside its state."""
REPORT = "report.json"
PROTOCOL = "validation clips, by which the epoch was chosen; scores as the benchmark's code counts"
_BETTER = {"mAP": ("validation_mAP", 1), "loss": ("validation_loss", -1)}
"""By what the epoch is chosen, and whether more or less of it is better."""

Items = Looks | Talks


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
        data_dir: a prepared data set, as of `data.open_looks`.
        out_dir: gets the builder's `.safetensors`, `report.json`, and `gt.csv` and `pred.csv` of
            the validation clips.
        progress: is told, in words, what has been finished.
        changes: `section.key=value`, made to the recipe.
        devices: where; one CPU by default.
        weights: to begin with, see `beginning.begin`; random ones by default.

    Returns:
        `score.score`'s report of the validation clips, with `history`, `memory` and `began_at`.

    Raises:
        RecipeError, DataError, OutputError, CheckpointError, UsageError, TrainingError: for what is
        wrong with each.
    """
    plan = read_recipe(recipe, changes)
    if plan.training.needs_weights and weights is None:
        raise UsageError(
            "the recipe begins at given weights: name Gaze360's file, or a ResNet-18 that learned "
            "ImageNet, with --weights; training.needs_weights=false begins at random ones"
        )
    learned, held = open_data(plan, Path(data_dir))
    fabric = (devices or Devices()).fabric()
    fabric.launch()
    told = progress if fabric.is_global_zero else None
    torch.manual_seed(plan.training.seed)
    network = plan.network()
    began = begin(network, plan, weights, told)
    whole = new_run(plan, network, learned, held, files.made(Path(out_dir)), fabric.world_size)
    whole.identity, whole.told = _identity(plan, learned, held, began), told
    loop.fit(whole, fabric)
    made: Report = {}
    if fabric.is_global_zero:
        made = _finish(plan, network, (learned, held), whole, began, fabric)
    fabric.barrier()
    return made


def open_data(plan: Recipe, data_dir: Path) -> tuple[Items, Items]:
    """What is learned from, and what the epoch is chosen by."""
    data = plan.data
    if plan.talks:
        return (
            open_talks(data_dir, data.train_split, policy=data.policy, training=True),
            open_talks(data_dir, data.validation_split, policy=data.policy),
        )
    return (
        open_looks(data_dir, data.train_split, stride=data.stride, policy=data.policy),
        open_looks(
            data_dir, data.validation_split, stride=data.validation_stride, policy=data.policy
        ),
    )


def new_run(
    plan: Recipe, network: nn.Module, learned: Items, held: Items | None, folder: Path | None,
    world: int = 1,
) -> Run:  # fmt: skip
    """What the training loop is to do.

    Args:
        plan: the recipe.
        network: to be trained.
        learned: looks or stretches of talk.
        held: others, to choose the epoch by; None chooses none.
        folder: for the state; None keeps nothing.
        world: processes that share each batch.

    Raises:
        UsageError: a batch that they cannot share evenly.
    """
    made = Run(
        network, optimizers(plan, network), Step(plan), _batches(plan, learned, world),
        plan.training.epochs, seed=plan.training.seed, clip_norm=plan.optimizer.clip_norm,
        folder=folder, keep_every=plan.training.keep_every,
    )  # fmt: skip
    if held is not None:
        made.validate = lambda net, _: _validated(net, plan, held, made)
    return made


def balanced(label: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """Places of all samples of the rarer label and of as many of the other, drawn by a seed.

    Args:
        label: `(n,)` 0 or 1. Where one of them is not there, all are taken.
        seed: of the drawing.

    Returns:
        Places in ascending order.
    """
    sides = sorted((np.flatnonzero(label == side) for side in (0, 1)), key=len)
    if not len(sides[0]):
        return np.arange(len(label))
    drawn = np.random.default_rng(seed).choice(sides[1], len(sides[0]), replace=False)
    return np.sort(np.concatenate([sides[0], drawn]))


def _batches(plan: Recipe, learned: Items, world: int) -> Callable[[Epoch], Iterator[Batch]]:
    return _of_talks(plan, learned) if plan.talks else _of_looks(plan, learned, world)


def _of_looks(plan: Recipe, learned: Any, world: int) -> Callable[[Epoch], Iterator[Batch]]:
    size = plan.training.batch_size
    if size % world:
        raise UsageError(f"training.batch_size {size} cannot be shared evenly by {world} devices")

    def of(epoch: Epoch) -> Iterator[Batch]:
        items = learned
        if plan.data.balanced:
            items = Subset(learned, balanced(learned.label, epoch.seed).tolist())
        read = loop.loader(items, epoch, batch_size=size // world, workers=plan.data.workers)
        return iter(read)

    return of


def _of_talks(plan: Recipe, learned: Any) -> Callable[[Epoch], Iterator[Batch]]:
    length = learned.length_frames
    drawn = SequenceBatches(length, plan.training.frame_budget, plan.training.seed)

    def of(epoch: Epoch) -> Iterator[Batch]:
        own = drawn.of_epoch(epoch.number, rank=epoch.rank, world=epoch.world, done=epoch.done)
        read = DataLoader(
            learned, batch_sampler=own, collate_fn=collate, num_workers=plan.data.workers
        )
        return iter(cast(Any, read))

    return of


def _validated(network: nn.Module, plan: Recipe, held: Items, made: Run) -> dict[str, float]:
    """Scores of an epoch; its weights are kept if they are the best so far."""
    answered = evaluate.answer(cast(Any, network), held, work=_work(plan))
    notes: list[str] = []
    published = evaluate.scored(answered, samples=0, notes=notes)["published"]
    scores = {"validation_loss": _loss(answered, held, plan)}
    scores |= {
        f"validation_{name}": published[name]
        for name in ("mAP", "accuracy")
        if published[name] is not None
    }
    if made.told and "validation_mAP" not in scores:
        made.told(f"{notes[0]} on the validation clips")
    if made.folder is not None and _is_best(plan.training.select, made.history, scores):
        card = CheckpointCard("ego_social", plan.builder, plan.arguments, scores=scores)
        checkpoint.save(made.folder / BEST, network.state_dict(), card)
    return scores


def _work(plan: Recipe) -> Work:
    return Work(workers=plan.data.workers)


def _loss(answered: Answered, held: Items, plan: Recipe) -> float:
    label = torch.from_numpy(np.asarray(held.label, np.int64))
    logits = torch.from_numpy(answered.logits)
    return float(weighted_cross_entropy(logits, label, weights=plan.class_weights))


def _is_best(
    select: str, history: Sequence[Mapping[str, Any]], scores: Mapping[str, float]
) -> bool:
    """An epoch without the figure that is chosen by is the best so far: the last one is kept."""
    name, sign = _BETTER.get(select, ("", 0))
    if name not in scores:
        return True
    return all(sign * scores[name] > sign * entry[name] for entry in history if name in entry)


def _finish(
    plan: Recipe, network: nn.Module, data: tuple[Items, Items], whole: Run, began: Beginning,
    fabric: Fabric,
) -> Report:  # fmt: skip
    """Take the chosen epoch, score it once more, write weights, tables and report."""
    folder = cast(Path, whole.folder)
    learned, held = data
    chosen, state = checkpoint.load(folder / BEST)
    checkpoint.fill(network, state, folder / BEST)
    answered = evaluate.answer(cast(Any, network), held, work=_work(plan))
    evaluate.write(folder, answered)
    notes: list[str] = []
    made = evaluate.scored(answered, notes=notes)
    card = CheckpointCard(
        system="ego_social", builder=plan.builder, arguments=plan.arguments,
        recipe=plan.as_dict(), data=_described(plan, learned, held),
        scores={"protocol": PROTOCOL, **{k: round(v, 4) for k, v in chosen.scores.items()}},
        settings={"began_at": began.as_dict()}, licence=began.licence,
    )  # fmt: skip
    checkpoint.save(folder / f"{plan.builder}.safetensors", state, card)
    made |= {
        "protocol": PROTOCOL, "recipe": plan.as_dict(), "data": card.data,
        "began_at": began.as_dict(), "history": whole.history, "memory": most_memory(fabric),
        "notes": notes,
    }  # fmt: skip
    files.write_json(folder / REPORT, made)
    loop.forget(folder)
    (folder / BEST).unlink()
    return made


def _described(plan: Recipe, learned: Items, held: Items) -> dict[str, Any]:
    def uids(items: Items) -> list[str]:
        return [clip.uid for clip in items.clips]

    return {
        "train_split": plan.data.train_split, "validation_split": plan.data.validation_split,
        "clips": uids(learned),
        "validation_clips": uids(held),
        "samples": len(learned), "positives": int(np.sum(learned.label)),
        "validation_samples": len(held), "validation_positives": int(np.sum(held.label)),
        "left_out": dict(learned.left_out),
        "validation_without_sound": len(getattr(held, "silent", ())),
    }  # fmt: skip


def _identity(plan: Recipe, learned: Items, held: Items, began: Beginning) -> str:
    """Of recipe, data and first weights; how long to go on is free."""
    found = hashlib.sha256(json.dumps([plan.lasting(), began.sha256], sort_keys=True).encode())
    for items in (learned, held):
        found.update("".join(clip.uid for clip in items.clips).encode())
        found.update(np.asarray(items.label, np.int64).tobytes())
        found.update(str(len(items)).encode())
    return found.hexdigest()
