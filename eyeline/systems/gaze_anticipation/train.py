"""Training of `csts`: maps near the labels', and image and audio of one clip near one another."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.system import Train
from eyeline.systems.gaze_anticipation import evaluate, report, weights
from eyeline.systems.gaze_anticipation.data import Clips, open_training
from eyeline.systems.gaze_anticipation.loss import UNTRACKED, contrast, map_divergence
from eyeline.systems.gaze_anticipation.model import (
    Anticipation,
    GazeAnticipation,
    csts,
    heatmaps,
    set_gradient_checkpointing,
)
from eyeline.systems.gaze_anticipation.recipe import BUILDER, AdamW, Recipe, read_recipe
from eyeline.systems.gaze_anticipation.scoring import evaluator, outputs
from eyeline.systems.gaze_anticipation.scoring.outputs import Work
from eyeline.systems.gaze_anticipation.windows.sampling import timing_of
from eyeline.training import loop, task
from eyeline.training.loop import Epoch, StepLoss
from eyeline.training.task import Measured, Optimization, Selection

Batch = Mapping[str, Tensor]
"""`clip` and `audio` as the network takes them, `heatmap` `(batch, time, row, column)` and, for
`tracked_only`, `kind` `(batch, time)`."""


def optimizers(plan: Recipe, network: nn.Module) -> dict[str, torch.optim.Optimizer]:
    """`main` moves all parameters; those of at least two axes decay, positions among them."""
    movable = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in movable if p.ndim > 1], "weight_decay": plan.optimizer.weight_decay},
        {"params": [p for p in movable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate = plan.optimizer.learning_rate
    # fused: one pass over 2 GB of weights, gradients and moments
    return {"main": torch.optim.AdamW(groups, rate, betas=(0.9, 0.999), eps=1e-8, fused=True)}


def schedulers(
    plan: Recipe, moved: Mapping[str, torch.optim.Optimizer], steps_per_epoch: int
) -> dict[str, LambdaLR]:
    """Half a cosine from the first learning rate to the final one, a little further each step.

    A warm-up begins at what its first step reaches, not at nothing.
    """
    warm = round(plan.optimizer.warmup_epochs * steps_per_epoch)

    def fraction(step: int) -> float:
        rate = learning_rate(plan.optimizer, step / max(1, steps_per_epoch))
        return rate / plan.optimizer.learning_rate * min(1.0, (step + 1) / max(1, warm))

    return {name: LambdaLR(optimizer, fraction) for name, optimizer in moved.items()}


def learning_rate(optimizer: AdamW, epoch: float) -> float:
    """At an epoch and a part of one; behind the last one it stays at the final rate."""
    done = min(epoch / optimizer.cosine_epochs, 1.0)
    left = (math.cos(math.pi * done) + 1) / 2
    final = optimizer.final_learning_rate
    return final + (optimizer.learning_rate - final) * left


class Step:
    """A batch to a loss: the divergence of the maps, and the contrast of sight and audio."""

    def __init__(self, plan: Recipe) -> None:
        self.loss = plan.loss

    def __call__(self, network: nn.Module, batch: Batch) -> StepLoss:
        """The loss of one step of `model.GazeAnticipation`, or of what wraps it."""
        result: Anticipation = network(batch["clip"], batch["audio"])
        counts = batch["kind"] != UNTRACKED if self.loss.tracked_only else None
        total = divergence = map_divergence(heatmaps(result.logits), batch["heatmap"], counts)
        parts = {"divergence": float(divergence.detach())}
        if result.seen is not None and result.heard is not None:
            seen, heard = result.seen.float(), result.heard.float()
            apart = contrast(seen, heard, temperature=self.loss.temperature)
            parts["contrast"] = float(apart.detach())
            # with a weight of 0, too: processes wait for the gradients of all parameters
            total = total + self.loss.contrast * apart
        return StepLoss(total, parts)


class CstsTask(task.Task[Recipe, GazeAnticipation, Clips, Clips | None, Batch]):
    """Clips of videos, of which some may be held out whole."""

    system = weights.SYSTEM
    protocol = (
        "videos held out of the training ones, by which the epoch was chosen; f1 at the threshold "
        "that is best on these very clips, which becomes that of the weights"
    )
    others_licence = "begun at weights of others, whose file states no licence"
    read_recipe = read_recipe
    step = Step
    selections: ClassVar = {
        "f1": Selection("validation_f1", largest=True),
        "loss": Selection("validation_loss"),
    }

    def open_data(self, plan: Recipe, root: Path) -> tuple[Clips, Clips | None]:
        """Clips to train on, and those of other videos to choose the epoch by."""
        data, size = plan.data, csts_sizes(plan)
        return open_training(
            root,
            validation_fraction=data.validation_fraction,
            seed=plan.training.seed,
            task=data.task,
            sides=(data.smallest_side, data.largest_side),
            with_audio=data.with_audio,
            side=size["side"],
            frames=size["frames"],
            dataset=data.dataset,
        )

    def initialise(self, network: GazeAnticipation, plan: Recipe, path: Path) -> tuple[str, ...]:
        """Ours, the authors' or Kinetics-400's."""
        return weights.initialise(network, path)

    def prepare(self, network: GazeAnticipation, plan: Recipe, device: torch.device) -> None:
        """Gradient checkpointing, as the recipe asks."""
        set_gradient_checkpointing(network, plan.training.gradient_checkpointing)

    def optimization(self, plan: Recipe, network: GazeAnticipation, train: Clips) -> Optimization:
        """AdamW with half a cosine."""
        moved = optimizers(plan, network)
        rates = schedulers(plan, moved, _steps(plan, train))
        return Optimization(moved, plan.optimizer.clip_norm, rates)

    def batches(self, plan: Recipe, train: Clips, epoch: Epoch, size: int) -> Iterable[Batch]:
        """Whole batches only, as published; each epoch draws windows and squares anew."""
        clips = train.at_epoch(epoch.number)
        read = loop.loader(clips, epoch, batch_size=size, workers=plan.data.workers)
        return islice(read, _steps(plan, train) - epoch.done)

    def validate(
        self, plan: Recipe, network: GazeAnticipation, held: Clips | None, log: Log | None
    ) -> dict[str, float]:
        """Loss, F1, distance and AUC."""
        assert held is not None
        batch, workers = plan.training.batch_size, plan.data.workers
        return outputs.scores(network, held, batch=batch, workers=workers)

    def measure(
        self, plan: Recipe, network: GazeAnticipation, held: Clips | None, folder: Path
    ) -> Measured:
        """The report of the clips held out, next to baselines; the threshold for prediction."""
        if held is None:
            note = "no video was held out: nothing was measured, the last epoch is kept"
            return Measured({"notes": [note]})
        result = evaluate.measure(network, held, Work(plan.training.batch_size, plan.data.workers))
        tallies = {BUILDER: result.accumulator, **evaluator.baselines(result.evaluator)}
        at = {name: report.chosen(accumulator) for name, accumulator in tallies.items()}
        created = report.report_of(tallies, result.evaluator.truth, at, first=BUILDER)
        threshold = created["pooled"].get(BUILDER, {}).get("threshold")
        return Measured(created, {} if threshold is None else {"threshold": threshold})

    def settings(self, plan: Recipe) -> dict[str, Any]:
        """How far frames are apart."""
        timing = timing_of(plan.data.dataset)
        return {"rate_hz": timing.fps, "frame_step": timing.step}

    def describe(self, plan: Recipe, train: Clips, held: Clips | None) -> dict[str, Any]:
        """Videos and clips."""
        return {
            "dataset": plan.data.dataset,
            "task": plan.data.task,
            "videos": sorted({*train.video}),
            "held_out_videos": [] if held is None else sorted({*held.video}),
            "clips": len(train),
            "clips_held_out": 0 if held is None else len(held),
            "without_sound": sorted({*train.video} & {*train.silent}),
        }

    def fingerprint(self, items: Clips | None) -> Iterator[bytes]:
        """Clips by their lines in the list."""
        lines = [] if items is None else [clip.line for clip in items.clips]
        yield "\n".join([*lines, ""]).encode()


def csts_sizes(plan: Recipe) -> dict[str, int]:
    """`side` and `frames` of a recipe's network."""
    known = inspect.signature(csts).parameters
    return {n: plan.arguments.get(n, known[n].default) for n in ("side", "frames")}


def _steps(plan: Recipe, train: Clips) -> int:
    size = plan.training.batch_size
    if len(train) < size:
        raise DataError(
            f"{len(train)} clips to train on are fewer than a batch: training.batch_size is {size}"
        )
    return len(train) // size


TASK = CstsTask()
run: Train = TASK.run
