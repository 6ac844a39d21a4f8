"""One step of training: which losses of a batch, and what moves the network."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from eyeline.systems.gaze_anticipation.loss import UNTRACKED, contrast, map_divergence
from eyeline.systems.gaze_anticipation.model import Anticipation, heatmaps
from eyeline.systems.gaze_anticipation.recipe import AdamW, Recipe
from eyeline.training.loop import StepLoss

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
