"""One step of training: images and targets to five losses; the optimiser and its rates."""

from __future__ import annotations

import torch
from torch import nn

from eyeline.systems.gaze_following.detector import loss
from eyeline.systems.gaze_following.detector.data import Batch
from eyeline.systems.gaze_following.detector.proposals import Proposing
from eyeline.systems.gaze_following.detector.recipe import Recipe, Sgd
from eyeline.systems.gaze_following.detector.targets import Chooser, Sampling
from eyeline.training.loop import StepLoss


class Step:
    """A batch to the sum of the losses; also tells how many regions were classed rightly."""

    def __init__(self, plan: Recipe) -> None:
        known = plan.samples
        self.anchors = Sampling(known.anchors, known.anchors_positive)
        self.regions = Sampling(known.regions, known.regions_positive)
        self.proposing = Proposing(before=known.proposals_before, most=known.proposals)

    def __call__(self, network: nn.Module, batch: Batch) -> StepLoss:
        """The loss of one step."""
        chooser = Chooser(batch.targets, self.anchors, self.regions, self.proposing)
        seen = network(batch.images, chooser)
        fractions = loss.losses(seen, chooser.anchors, chooser.regions)
        known = {name: float(value.detach()) for name, value in fractions.items()}
        known["accuracy"] = loss.accuracy(seen.classes.detach(), chooser.regions.regions)
        return StepLoss(torch.stack([*fractions.values()]).sum(), known)


def optimizer(how: Sgd, network: nn.Module) -> torch.optim.Optimizer:
    """Of all parameters that are not frozen."""
    movable = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.SGD(
        movable, how.learning_rate, momentum=how.momentum, weight_decay=how.weight_decay
    )


def scheduler(
    how: Sgd, moved: torch.optim.Optimizer, steps_per_epoch: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Rates by step, to be moved after each."""

    def factor(step: int) -> float:
        return rate(how, step, steps_per_epoch) / how.learning_rate if how.learning_rate else 0.0

    return torch.optim.lr_scheduler.LambdaLR(moved, factor)


def rate(how: Sgd, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, from 0.

    Args:
        how: it is made.
        step: number in the whole run.
        steps_per_epoch: of it.
    """
    drops = sum(step // steps_per_epoch >= epoch for epoch in how.drop_epochs)
    reached = how.learning_rate * how.drop**drops
    if step >= how.warm_up_steps:
        return reached
    return reached * (1 - (1 - step / how.warm_up_steps) * (1 - how.warm_up_from))
