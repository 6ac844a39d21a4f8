"""Training of the networks for looking at me and talking to me."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from eyeline.errors import CheckpointError, UsageError
from eyeline.log import Log
from eyeline.results import Ints
from eyeline.system import Train
from eyeline.systems.ego_social import evaluate, weights
from eyeline.systems.ego_social.batches import SequenceBatches, collate
from eyeline.systems.ego_social.data import Looks, Talks, open_looks, open_talks
from eyeline.systems.ego_social.loss import weighted_cross_entropy
from eyeline.systems.ego_social.recipe import HEADS, Recipe, read_recipe
from eyeline.systems.ego_social.scoring.outputs import Work
from eyeline.systems.ego_social.scoring.tables import Predicted
from eyeline.systems.ego_social.step import Batch, Step, optimizers
from eyeline.training import checkpoint, loop, task
from eyeline.training.loop import Epoch
from eyeline.training.task import Measured, Optimization, Selection

IMAGENET_LICENCE = (
    "a ResNet-18 that learned ImageNet, whose images are for research; the file itself states no "
    "licence"
)

Items = Looks | Talks


class EgoSocialTask(task.Task[Recipe, nn.Module, Items, Items, Batch]):
    """Frames of looking, or utterances, of lists of clips."""

    system = weights.SYSTEM
    protocol = (
        "validation clips, by which the epoch was chosen; scores as the benchmark's code counts"
    )
    read_recipe = read_recipe
    step = Step
    selections: ClassVar = {
        "mAP": Selection("validation_mAP", largest=True),
        "loss": Selection("validation_loss"),
    }

    def check(self, plan: Recipe, weights: Path | None) -> None:
        """A recipe may ask for weights to begin with."""
        if plan.training.needs_weights and weights is None:
            raise UsageError(
                "the recipe begins at given weights: name Gaze360's file, or a ResNet-18 that "
                "learned ImageNet, with --weights; training.needs_weights=false begins at random "
                "ones"
            )

    def samples_a_process(self, plan: Recipe, world: int) -> int:
        """Batches of talk are drawn by length, not shared."""
        return 0 if plan.talks else super().samples_a_process(plan, world)

    def open_data(self, plan: Recipe, root: Path) -> tuple[Items, Items]:
        """What is trained on, and what the epoch is chosen by."""
        data = plan.data
        if plan.talks:
            return (
                open_talks(root, data.train_split, policy=data.policy, training=True),
                open_talks(root, data.validation_split, policy=data.policy),
            )
        splits = (data.train_split, data.stride), (data.validation_split, data.validation_stride)
        train, held = (open_looks(root, n, stride=k, policy=data.policy) for n, k in splits)
        return train, held

    def initialise(self, network: nn.Module, plan: Recipe, path: Path) -> tuple[str, ...]:
        """Of our files of the same builder and head all is taken, of others all but the head."""
        if checkpoint.is_own(path):
            card, state = checkpoint.load(path)
            known = (*weights.LOOKING, *weights.TALKING)
            checkpoint.check_builder(card, weights.SYSTEM, known, path)
            if (card.builder, _head(card.arguments)) == (plan.builder, _head(plan.arguments)):
                checkpoint.fill(network, state, path)
                return ()
        return weights.initialise(network, path)

    def licence_of(self, path: Path) -> str:
        """What binds whoever trains from a file that `weights.initialise` took."""
        if checkpoint.is_own(path):
            return super().licence_of(path)
        try:
            return weights.import_original(path).card.licence
        except CheckpointError:  # taken, and yet none of the networks of the benchmarks or Gaze360
            return IMAGENET_LICENCE

    def optimization(self, plan: Recipe, network: nn.Module, train: Items) -> Optimization:
        """Adam, as published."""
        return Optimization(optimizers(plan, network), plan.optimizer.clip_norm)

    def batches(self, plan: Recipe, train: Any, epoch: Epoch, size: int) -> Iterable[Batch]:
        """Windows, balanced where the recipe says so; or utterances of about one length."""
        workers = plan.data.workers
        if plan.talks:
            drawn = SequenceBatches(
                train.length_frames, plan.training.frame_budget, plan.training.seed
            )
            own = drawn.of_epoch(epoch.number, rank=epoch.rank, world=epoch.world, done=epoch.done)
            return DataLoader(train, batch_sampler=own, collate_fn=collate, num_workers=workers)
        if plan.data.balanced:
            train = Subset(train, balanced(train.label, epoch.seed).tolist())
        return loop.loader(train, epoch, batch_size=size, workers=workers)

    def validate(
        self, plan: Recipe, network: nn.Module, held: Items, log: Log | None
    ) -> dict[str, float]:
        """Loss, mean average precision and accuracy."""
        result = _predictions(network, plan, held)
        notes: list[str] = []
        published = evaluate.scored(result, samples=0, notes=notes)["published"]
        label = torch.from_numpy(np.asarray(held.label, np.int64))
        loss = weighted_cross_entropy(
            torch.from_numpy(result.logits), label, weights=plan.class_weights
        )
        scores = {"validation_loss": float(loss)}
        for name in ("mAP", "accuracy"):
            if published[name] is not None:
                scores[f"validation_{name}"] = published[name]
        if log and "validation_mAP" not in scores:
            log(f"{notes[0]} on the validation clips")
        return scores

    def measure(self, plan: Recipe, network: nn.Module, held: Items, folder: Path) -> Measured:
        """The benchmark's scores; `gt.csv` and `pred.csv` of the validation clips beside them."""
        result = _predictions(network, plan, held)
        evaluate.write(folder, result)
        notes: list[str] = []
        return Measured(evaluate.scored(result, notes=notes) | {"notes": notes})

    def describe(self, plan: Recipe, train: Items, held: Items) -> dict[str, Any]:
        """Clips and samples."""
        return {
            "train_split": plan.data.train_split,
            "validation_split": plan.data.validation_split,
            "clips": [clip.uid for clip in train.clips],
            "validation_clips": [clip.uid for clip in held.clips],
            "samples": len(train),
            "positives": int(np.sum(train.label)),
            "validation_samples": len(held),
            "validation_positives": int(np.sum(held.label)),
            "left_out": dict(train.left_out),
            "validation_without_sound": len(held.silent),
        }

    def fingerprint(self, items: Items) -> Iterator[bytes]:
        """Clips, labels and their number."""
        yield "".join(clip.uid for clip in items.clips).encode()
        yield np.asarray(items.label, np.int64).tobytes()
        yield str(len(items)).encode()


def balanced(label: Ints, seed: int) -> Ints:
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


def _predictions(network: nn.Module, plan: Recipe, items: Items) -> Predicted:
    return evaluate.predict(cast(Any, network), items, work=Work(workers=plan.data.workers))


def _head(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("head", HEADS[0]))


TASK = EgoSocialTask()
run: Train = TASK.run
