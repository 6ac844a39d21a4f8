"""One step of training: the weighted loss of a batch of either benchmark."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from eyeline.systems.ego_social.loss import weighted_cross_entropy
from eyeline.systems.ego_social.recipe import Recipe
from eyeline.training.loop import StepLoss, freeze_statistics

Batch = Mapping[str, Tensor]
"""`clip` `(batch, time, 3, h, w)`, of talk `audio` `(batch, sample)`, and `label` `(batch,)`."""


def optimizers(plan: Recipe, network: nn.Module) -> dict[str, torch.optim.Optimizer]:
    """`main` moves all parameters."""
    rate = plan.optimizer.learning_rate
    return {"main": torch.optim.Adam(network.parameters(), rate, fused=True)}


class Step:
    """A batch to a loss.

    On several devices the labels' weights are summed over all of them, so that the loss is that of
    the whole batch; as published each would take the mean over its own part.
    """

    def __init__(self, plan: Recipe) -> None:
        self.weights = plan.class_weights
        self.flip = plan.training.flip
        self.frozen = plan.training.statistics == "frozen"

    def __call__(self, network: nn.Module, batch: Batch) -> StepLoss:
        """The loss of one step; beside it `accuracy`, the fraction that is right."""
        if self.frozen:
            freeze_statistics(network)
        clip = mirrored(batch["clip"]) if self.flip else batch["clip"]
        logits = network(clip, batch["audio"]) if "audio" in batch else network(clip)
        label = batch["label"]
        loss = weighted_cross_entropy(logits, label, weights=self.weights)
        total = loss * _fraction(label, self.weights)
        right = (logits.detach().argmax(1) == label).float().mean()
        return StepLoss(total, {"accuracy": float(right)})


def mirrored(clip: Tensor) -> Tensor:
    """Every other sample of `(batch, time, 3, h, w)`, by chance, with left and right exchanged."""
    chosen = (torch.rand(len(clip)) < 0.5).to(clip.device)
    return torch.where(chosen[:, None, None, None, None], clip.flip(-1), clip)


def _fraction(label: Tensor, weights: tuple[float, float]) -> float:
    """What this process's loss counts, so that the processes' mean is the whole batch's loss."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return 1.0
    own = torch.tensor(weights, device=label.device)[label].sum()
    whole = own.clone()
    distributed.all_reduce(whole)
    return float(own / whole) * distributed.get_world_size()
