"""Training of `heads` and `eyes` on rendered heads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from eyeline.log import Log
from eyeline.systems.gaze_3d.rendered import loss, score
from eyeline.systems.gaze_3d.rendered.data import (
    EyeSamples,
    HeadSamples,
    Samples,
    facing_deg,
    open_split,
    with_eyes,
)
from eyeline.systems.gaze_3d.rendered.model import EyeNet, HeadNet
from eyeline.systems.gaze_3d.rendered.recipe import Recipe, read_recipe
from eyeline.training import loop, task
from eyeline.training.loop import Epoch, StepLoss
from eyeline.training.task import Measured, Optimization

Batch = dict[str, Tensor]
Net = TypeVar("Net", HeadNet, EyeNet)
LICENCE = (
    "Apache-2.0; trained on heads rendered by this package alone, from CC0 assets of MakeHuman"
)


def head_step(network: nn.Module, batch: Batch) -> StepLoss:
    """The loss of a batch of heads."""
    parts = loss.head_losses(network(batch["crop"]), batch)
    return _summed(parts)


def eye_step(network: nn.Module, batch: Batch) -> StepLoss:
    """The loss of a batch of pairs of eyes."""
    return _summed(loss.eye_losses(network(batch["crops"], batch["rotation"]), batch))


def _summed(parts: Mapping[str, Tensor]) -> StepLoss:
    total = torch.stack([*parts.values()]).sum()
    return StepLoss(total, {name: float(part.detach()) for name, part in parts.items()})


class RenderedTask(task.Task[Recipe, Net, Samples, Samples, Batch], Generic[Net]):
    """What both networks have in common."""

    system = "gaze_3d"
    protocol = (
        "rendered people held out of the training, crops degraded and jittered as in training"
    )
    read_recipe = read_recipe
    kind: ClassVar[type[Samples]]

    def open_data(self, plan: Recipe, root: Path) -> tuple[Samples, Samples]:
        """Samples to train on, and those of other people."""
        train, held = open_split(root, plan.data.held_out)
        if self.kind is EyeSamples:
            train, held = with_eyes(train), with_eyes(held)
        seed, most = plan.training.seed, plan.data.most_held_out
        return self.kind(train, seed), self.kind(
            held.subset(np.arange(min(len(held), most))), train=False
        )

    def optimization(self, plan: Recipe, network: Net, train: Samples) -> Optimization:
        """AdamW, by steps alone, so that a run may be prolonged."""
        how = plan.optimizer
        moved = torch.optim.AdamW(
            network.parameters(), how.learning_rate, weight_decay=how.weight_decay
        )

        def factor(step: int) -> float:
            late = max(1.0, (step + 1) / how.decay_after_steps)
            return float(min(1.0, (step + 1) / how.warm_up_steps) * late**-0.5)

        rate = torch.optim.lr_scheduler.LambdaLR(moved, factor)
        return Optimization({"main": moved}, how.clip_norm, {"main": rate})

    def batches(self, plan: Recipe, train: Samples, epoch: Epoch, size: int) -> Iterable[Batch]:
        """Crops that are jittered anew in each epoch."""
        again = train.again(epoch.seed)
        return loop.loader(again, epoch, batch_size=size, workers=plan.data.workers)

    def validate(
        self, plan: Recipe, network: Net, held: Samples, log: Log | None
    ) -> dict[str, float]:
        """The main scores of the held-out people."""
        scores = self.scores(network, held)
        return {f"validation_{k}": v for k, v in scores.items() if isinstance(v, float)}

    def measure(self, plan: Recipe, network: Net, held: Samples, folder: Path) -> Measured:
        """All scores, and what stated errors are multiplied with."""
        result, truth = predict(network, held)
        error, stated = self.errors(result, truth)
        factor = score.stated_factor(error.numpy(), stated.numpy())
        settings = {"stated_factor": round(factor, 4), "seen": f"{len(held)} held-out samples"}
        return Measured({"rendered": self.scores(network, held)}, settings)

    @abstractmethod
    def errors(self, result: Any, truth: Batch) -> tuple[Tensor, Tensor]:
        """`(n,)` radians, and the logarithm of their stated expectation."""

    @abstractmethod
    def scores(self, network: Net, held: Samples) -> dict[str, Any]:
        """Of held-out people."""

    def describe(self, plan: Recipe, train: Samples, held: Samples) -> dict[str, Any]:
        """Samples and people."""
        return {
            "name": "heads rendered by eyeline.synthetic.heads",
            "samples": len(train),
            "people": len(np.unique(train.heads.labels["person"])),
            "held_out_samples": len(held),
            "held_out_people": len(np.unique(held.heads.labels["person"])),
            "licence": LICENCE,
        }

    def fingerprint(self, items: Samples) -> Iterator[bytes]:
        """Which samples, and what they show."""
        yield np.ascontiguousarray(items.heads.labels["index"]).tobytes()
        yield np.ascontiguousarray(items.heads.labels["rotation"]).tobytes()


class HeadTask(RenderedTask[HeadNet]):
    """Crops of heads to rotation and landmarks."""

    kind = HeadSamples

    def step(self, plan: Recipe) -> Callable[[nn.Module, Batch], StepLoss]:
        """One batch."""
        return head_step

    def errors(self, result: Any, truth: Batch) -> tuple[Tensor, Tensor]:
        """Between rotations."""
        return loss.rotation_angle(result.rotation, truth["rotation"]), result.log_error

    def scores(self, network: HeadNet, held: Samples) -> dict[str, Any]:
        """By how far heads face away."""
        return score.head_scores(*predict(network, held), facing_deg(held.heads))


class EyeTask(RenderedTask[EyeNet]):
    """Crops of both eyes to gaze, irises and lids."""

    kind = EyeSamples

    def step(self, plan: Recipe) -> Callable[[nn.Module, Batch], StepLoss]:
        """One batch."""
        return eye_step

    def errors(self, result: Any, truth: Batch) -> tuple[Tensor, Tensor]:
        """Between directions of eyes that are seen."""
        some = (truth["visible"] * (1 - truth["closed"])).amax(1) > 0.5
        return loss.angle_between(result.gaze, truth["gaze"])[some], result.log_error[some]

    def scores(self, network: EyeNet, held: Samples) -> dict[str, Any]:
        """By how far faces look away."""
        return score.eye_scores(*predict(network, held), facing_deg(held.heads))


def predict(network: HeadNet | EyeNet, samples: Samples, batch: int = 64) -> tuple[Any, Batch]:
    """Outputs and truth of all samples."""
    network.eval()
    results, truths = [], []
    loading = torch.utils.data.DataLoader(samples, batch)
    with torch.no_grad():
        for truth in loading:
            eyes = "crops" in truth
            results.append(
                network(truth["crops"], truth["rotation"]) if eyes else network(truth["crop"])
            )
            truths.append({k: v for k, v in truth.items() if k not in ("crop", "crops")})
    return score.joined(results), score.joined(truths)


TASKS: dict[str, RenderedTask[Any]] = {"heads": HeadTask(), "eyes": EyeTask()}
