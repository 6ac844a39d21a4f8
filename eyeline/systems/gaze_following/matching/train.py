"""Training the matcher on annotated looks."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from eyeline import files
from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.systems.gaze_following import report
from eyeline.systems.gaze_following.matching import data, evaluate, inputs
from eyeline.systems.gaze_following.matching.data import Examples, Scenes
from eyeline.systems.gaze_following.matching.loss import look_losses
from eyeline.systems.gaze_following.matching.model import Matcher, matcher
from eyeline.systems.gaze_following.matching.recipe import BUILDER, Recipe, Training, read_recipe
from eyeline.systems.gaze_following.report import Report
from eyeline.training import checkpoint, draws, loop
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices, on_threads
from eyeline.training.loop import Epoch, Run, StepLoss
from eyeline.training.recipe import share_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric

BEST = "best.safetensors"
"""The chosen epoch's weights while a run is under way, beside its state."""
REPORT = "report.json"
PROTOCOL = "videos held out of the training, by which the epoch was chosen: not a test"

_MIRROR, _MUTE, _BLIND = 101, 102, 103  # of keys; dropout takes low numbers


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
        recipe: a YAML file, the name of this folder's, or its sections.
        data_dir: see `data`.
        out_dir: gets `matcher.safetensors` and `report.json`.
        progress: is told, in words, what has been finished.
        changes: `section.key=value`, made to the recipe.
        devices: where; one CPU by default.
        weights: to begin with; random ones by default.

    Returns:
        `report.score` on the videos held out, with baselines and `history`.

    Raises:
        RecipeError, DataError, OutputError, CheckpointError, UsageError, TrainingError: for what is
        wrong with each.
    """
    plan = read_recipe(recipe, changes)
    folder = files.made(Path(out_dir))
    fabric = (devices or Devices()).fabric()
    fabric.launch()
    learned = data.open_folder(data_dir, split=plan.data.train_split)
    held = data.open_folder(data_dir, split=plan.data.validation_split)
    _check_apart(learned, held)
    with on_threads(1):
        network = _network(plan, weights)
        whole = new_run(plan, network, learned, held, folder, fabric.world_size)
        whole.identity = _identity(plan, learned, held, weights)
        whole.told = progress if fabric.is_global_zero else None
        loop.fit(whole, fabric)
        made = _finish(plan, network, (learned, held), whole, fabric)
    fabric.barrier()
    return made


def new_run(
    plan: Recipe,
    network: Matcher,
    learned: Scenes,
    held: Scenes,
    folder: Path | None = None,
    world: int = 1,
) -> Run:
    """What the training loop is to do.

    Args:
        plan: the recipe.
        network: to be trained.
        learned: to learn from.
        held: to choose the epoch by.
        folder: for the state; None keeps nothing.
        world: processes that share each batch.

    Raises:
        DataError: nothing that can be learned.
        RecipeError: a batch that they cannot share evenly.
    """
    rows = _fit_rows(data.examples(learned))
    size = share_of(plan.training.batch_size, world)
    steps = plan.training.epochs * math.ceil(len(rows) / plan.training.batch_size)
    rule = plan.optimizer
    optimizer = torch.optim.AdamW(
        network.parameters(), rule.learning_rate, weight_decay=rule.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rule.learning_rate, total_steps=max(steps, 2), pct_start=rule.warm_up
    )

    def batches(epoch: Epoch) -> Iterator[dict[str, Tensor]]:
        read = loop.loader(list(enumerate(rows)), epoch, batch_size=size, collate=_collate)
        for batch, weight in zip(read, loop.weights(len(rows), epoch, size), strict=True):
            key = draws.keys(epoch.seed, batch.pop("number"))
            yield {**batch, "key": key, "weight": weight}

    def step(module: nn.Module, batch: dict[str, Tensor]) -> StepLoss:
        shown = hidden(batch, plan.training)
        logits = module(shown["person"], shown["option"], shown["there"], shown["key"])
        each = look_losses(logits, shown["right"], **plan.loss)
        return StepLoss((each * shown["weight"]).sum())

    made = Run(
        network, {"main": optimizer}, step, batches, plan.training.epochs,
        seed=plan.training.seed, clip_norm=rule.clip_norm, schedulers={"main": schedule},
        folder=folder,
    )  # fmt: skip
    seen = data.examples(held)
    made.validate = lambda net, _: _validated(cast(Matcher, net), plan, seen, made)
    return made


def hidden(batch: Mapping[str, Tensor], how: Training) -> dict[str, Tensor]:
    """The batch with some looks mirrored, some without speakers, some without directions.

    Which, the looks' keys say: processes that share a batch draw as one would.
    """
    person, option = batch["person"].clone(), batch["option"].clone()
    if how.mirror:
        flip = draws.uniform(draws.mixed(batch["key"], _MIRROR)) < 0.5
        for values, parity in ((person, inputs.PERSON_PARITY), (option, inputs.OPTION_PARITY)):
            values[flip] *= torch.from_numpy(parity).to(values)
    for number, share, names in (
        (_MUTE, how.mute, inputs.SPEECH),
        (_BLIND, how.blind, inputs.GAZE),
    ):
        gone = draws.uniform(draws.mixed(batch["key"], number)) < share
        for values, told in ((person, inputs.PERSON), (option, inputs.OPTION)):
            kept = torch.ones(len(told), device=person.device)
            kept[torch.from_numpy(inputs.columns(told, names))] = 0
            values[gone] *= kept
    return {**batch, "person": person, "option": option}


def _collate(numbered: list[tuple[int, Any]]) -> dict[str, Tensor]:
    """A batch with the places of its looks among all, `number`."""
    numbers, looks = zip(*numbered, strict=True)
    return {**data.collate(looks), "number": torch.tensor(numbers)}


def _fit_rows(learned: Examples) -> list[Any]:
    """Looks that have a right answer."""
    rows = [learned[i] for i in range(len(learned)) if learned.right[i].any()]
    if not rows:
        raise DataError("no look of the training videos has a right answer among its options")
    return rows


def _validated(network: Matcher, plan: Recipe, seen: Examples, made: Run) -> dict[str, float]:
    """Scores of an epoch; its weights are kept if they are the best so far."""
    chances = evaluate.chances_of(network, seen)
    network.eval()
    fits = [(r, c) for r, c in zip(seen.right, chances, strict=True) if r.any()]
    scores = {
        "validation_loss": float(np.mean([-np.log(max(c[r].sum(), 1e-12)) for r, c in fits])),
        "validation_right": float(np.mean([r[c.argmax()] for r, c in fits])),
    }
    best = all(scores["validation_loss"] < entry["validation_loss"] for entry in made.history)
    if made.folder is not None and best:
        card = CheckpointCard("gaze_following", BUILDER, plan.arguments, scores=scores)
        checkpoint.save(made.folder / BEST, network.state_dict(), card)
    return scores


def _network(plan: Recipe, weights: Path | None) -> Matcher:
    torch.manual_seed(plan.training.seed)
    network = matcher(**plan.arguments)
    if weights is not None:
        card, state = checkpoint.load(weights)
        checkpoint.check_builder(card, "gaze_following", (BUILDER,), weights)
        checkpoint.fill(network, state, weights)
    return network


def _finish(
    plan: Recipe, network: Matcher, scenes: tuple[Scenes, Scenes], whole: Run, fabric: Fabric
) -> Report:
    """Take the chosen epoch, score it, write weights and report."""
    if not fabric.is_global_zero:
        return {}
    folder = cast(Path, whole.folder)
    learned, held = scenes
    chosen, state = checkpoint.load(folder / BEST)
    checkpoint.fill(network, state, folder / BEST)
    network.eval()
    made = _scores(network, held)
    card = CheckpointCard(
        "gaze_following", BUILDER, plan.arguments, recipe=plan.as_dict(),
        data={
            "split": plan.data.train_split, "videos": sorted(set(learned.looks.video)),
            "looks": len(learned.looks), "held_out_videos": sorted(set(held.looks.video)),
        },
        scores={"protocol": PROTOCOL, **{k: round(v, 4) for k, v in chosen.scores.items()}},
    )  # fmt: skip
    checkpoint.save(folder / f"{BUILDER}.safetensors", state, card)
    made |= {
        "protocol": PROTOCOL, "recipe": plan.as_dict(), "data": card.data,
        "history": whole.history,
    }  # fmt: skip
    files.write_json(folder / REPORT, made)
    loop.forget(folder)
    (folder / BEST).unlink()
    return made


def _scores(network: Matcher, held: Scenes) -> Report:
    seen = data.examples(held)
    chances = evaluate.chances_of(network, seen)
    found = evaluate.predict(held, seen, chances)
    made = report.score(evaluate.measure(found, held, seen))
    return {**made, "answers": evaluate.by_kind(seen, chances)}


def _check_apart(learned: Scenes, held: Scenes) -> None:
    if shared := sorted(set(learned.looks.video) & set(held.looks.video)):
        raise DataError(
            f"{', '.join(shared[:3])}: {len(shared)} videos are to be learned from and held out"
        )


def _identity(plan: Recipe, learned: Scenes, held: Scenes, weights: Path | None) -> str:
    """Of recipe, data and first weights."""
    first = files.sha256(weights) if weights else ""
    found = hashlib.sha256(json.dumps([plan.as_dict(), first], sort_keys=True).encode())
    for scenes in (learned, held):
        found.update("".join(scenes.looks.picture).encode())
        for array in (scenes.looks.points_px, scenes.looks.head_xyxy, scenes.gaze):
            found.update(np.ascontiguousarray(array).tobytes())
        found.update(np.ascontiguousarray(scenes.looks.speaks).tobytes())
    return found.hexdigest()
