"""Training of `mask_rcnn` on the shared loop, with the published schedule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import nn

from eyeline import files
from eyeline.errors import RecipeError
from eyeline.log import Log
from eyeline.system import Train
from eyeline.systems.gaze_following.detector import data, evaluate, loss, weights
from eyeline.systems.gaze_following.detector.average_precision import KINDS
from eyeline.systems.gaze_following.detector.data import Batch, Images
from eyeline.systems.gaze_following.detector.detections import Proposing
from eyeline.systems.gaze_following.detector.model import MaskRcnn, ResNeXt
from eyeline.systems.gaze_following.detector.recipe import Recipe, Sgd, read_recipe
from eyeline.systems.gaze_following.detector.targets import Chooser, Sampling
from eyeline.training import task
from eyeline.training.loop import Epoch, StepLoss
from eyeline.training.task import Measured, Optimization, Selection


class Step:
    """A batch to the sum of the losses; also counts how many regions were classed rightly."""

    def __init__(self, plan: Recipe) -> None:
        known = plan.samples
        self.anchors = Sampling(known.anchors, known.anchors_positive)
        self.regions = Sampling(known.regions, known.regions_positive)
        self.proposing = Proposing(before=known.proposals_before, most=known.proposals)

    def __call__(self, network: nn.Module, batch: Batch) -> StepLoss:
        """The loss of one step."""
        chooser = Chooser(batch.targets, self.anchors, self.regions, self.proposing)
        outputs = network(batch.images, chooser)
        fractions = loss.losses(outputs, chooser.anchors, chooser.regions)
        known = {name: float(value.detach()) for name, value in fractions.items()}
        known["accuracy"] = loss.accuracy(outputs.classes.detach(), chooser.regions.regions)
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
    """The learning rate of a step, from 0, of the whole run."""
    drops = sum(step // steps_per_epoch >= epoch for epoch in how.drop_epochs)
    reached = how.learning_rate * how.drop**drops
    if step >= how.warm_up_steps:
        return reached
    return reached * (1 - (1 - step / how.warm_up_steps) * (1 - how.warm_up_from))


class MaskRcnnTask(task.Task[Recipe, MaskRcnn, Images, Images, Batch]):
    """Images with masks of what is looked at, in COCO's layout."""

    system = weights.SYSTEM
    protocol = "COCO's average precision on the validation split, limits 100, 300 and 1000"
    read_recipe = read_recipe
    step = Step
    selections: ClassVar = {"box_AP": Selection("validation_bbox_mAP", largest=True)}

    def check(self, plan: Recipe, weights: Path | None) -> None:
        """Nothing stays frozen as it was drawn."""
        if weights is None and plan.training.frozen_stages:
            raise RecipeError(
                f"training.frozen_stages is {plan.training.frozen_stages}, but there are no "
                "weights to begin with: give --weights, such as resnext101_32x4d of ImageNet, or "
                "set it to 0"
            )

    def open_data(self, plan: Recipe, root: Path) -> tuple[Images, Images]:
        """Images to train on, and those to validate on."""
        how = plan.data
        train = data.open_split(
            root, how.train_split, how.fusion, short_px=how.short_px, for_training=True
        )
        return train, data.open_split(root, how.validation_split, how.fusion, short_px=how.short_px)

    def initialise(self, network: MaskRcnn, plan: Recipe, path: Path) -> tuple[str, ...]:
        """A backbone trained on ImageNet, or a detector."""
        return weights.initialise(network, path)

    def prepare(self, network: MaskRcnn, plan: Recipe, device: torch.device) -> None:
        """Freeze the first stages."""
        cast(ResNeXt, network.backbone).freeze(plan.training.frozen_stages)
        if device.type == "cpu":
            network.to(memory_format=torch.channels_last)  # the same numbers, sooner

    def optimization(self, plan: Recipe, network: MaskRcnn, train: Images) -> Optimization:
        """Stochastic gradient descent with a warm-up and drops."""
        moved = optimizer(plan.optimizer, network)
        kinds = [image.is_landscape for image in train.annotations.images]
        rates = scheduler(
            plan.optimizer, moved, len(data.grouped(kinds, plan.training.batch_size, 1, 0))
        )
        return Optimization({"main": moved}, plan.optimizer.clip_norm, {"main": rates})

    def batches(self, plan: Recipe, train: Images, epoch: Epoch, size: int) -> Iterator[Batch]:
        """Wide and high images apart."""
        how = plan.data
        return data.batches(train, epoch, batch_size=size, mirror=how.mirror, workers=how.workers)

    def validate(
        self, plan: Recipe, network: MaskRcnn, held: Images, log: Log | None
    ) -> dict[str, float]:
        """Average precision of boxes and, where the recipe says so, of masks."""
        masks = plan.training.validate_masks
        scored = evaluate.report(held, evaluate.predict(network, held, masks=masks), masks=masks)
        return {
            f"validation_{kind}_{name}": value
            for kind in (KINDS if masks else KINDS[:1])
            for name, value in scored[kind].items()
            if name in ("mAP", "mAP_50", "mAP_75") and value is not None
        }

    def measure(self, plan: Recipe, network: MaskRcnn, held: Images, folder: Path) -> Measured:
        """COCO's figures."""
        created = evaluate.report(held, evaluate.predict(network, held))
        return Measured(created, scores=created["published"])

    def settings(self, plan: Recipe) -> dict[str, Any]:
        """What images are to look like."""
        return {"fusion": plan.data.fusion, "short_px": plan.data.short_px}

    def describe(self, plan: Recipe, train: Images, held: Images) -> dict[str, Any]:
        """Images and targets."""
        return {
            "split": plan.data.train_split,
            "fusion": plan.data.fusion,
            "pictures": len(train),
            "pictures_held_out": len(held),
            "targets": sum(len(p.targets) for p in train.annotations.images),
            "left_out": train.annotations.left_out,
        }

    def fingerprint(self, items: Images) -> Iterator[bytes]:
        """The annotation file."""
        yield files.sha256(items.annotations.source).encode()

    def identity(self, plan: Recipe, data: tuple[Images, Images], weights_sha256: str) -> str:
        """As that of runs that were begun before there was one way for all systems."""
        sources = [part.decode() for items in data for part in self.fingerprint(items)]
        text = json.dumps([plan.lasting(), sources, weights_sha256], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


TASK = MaskRcnnTask()
run: Train = TASK.run
