"""Training of `mask_rcnn` on the shared loop, with the published schedule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import torch

from eyeline import files
from eyeline.errors import RecipeError
from eyeline.log import Log
from eyeline.system import Train
from eyeline.systems.gaze_following.detector import data, evaluate, weights
from eyeline.systems.gaze_following.detector.average_precision import KINDS
from eyeline.systems.gaze_following.detector.data import Batch, Images
from eyeline.systems.gaze_following.detector.model import MaskRcnn, ResNeXt
from eyeline.systems.gaze_following.detector.recipe import Recipe, read_recipe
from eyeline.systems.gaze_following.detector.step import Step, optimizer, scheduler
from eyeline.training import task
from eyeline.training.loop import Epoch
from eyeline.training.task import Measured, Optimization, Selection


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
        """A backbone that learned ImageNet, or a detector."""
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
        scored = evaluate.report(held, evaluate.answers(network, held, masks=masks), masks=masks)
        return {
            f"validation_{kind}_{name}": value
            for kind in (KINDS if masks else KINDS[:1])
            for name, value in scored[kind].items()
            if name in ("mAP", "mAP_50", "mAP_75") and value is not None
        }

    def measure(self, plan: Recipe, network: MaskRcnn, held: Images, folder: Path) -> Measured:
        """COCO's figures."""
        created = evaluate.report(held, evaluate.answers(network, held))
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
