"""Training `ms_tcn2` on whole tracklets, as published: Adam, one tracklet a step, no schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.systems.eye_contact.loss import IGNORED, segmentation_loss
from eyeline.systems.eye_contact.recipe import Recipe
from eyeline.systems.eye_contact.samples import Sample
from eyeline.systems.eye_contact.xgaze.model import MsTcn2, ms_tcn2
from eyeline.training.devices import Devices
from eyeline.training.loop import Epoch, Run, StepLoss, fit, loader

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor

Validate = Callable[[nn.Module, int], dict[str, float]]


class Tracklets:
    """Samples as tensors: `(feature, time)` float32 and `(time,)` labels."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.samples[index]
        features = np.ascontiguousarray(sample.features.T, np.float32)
        return torch.from_numpy(features), torch.from_numpy(sample.label)


def fit_segmenter(
    samples: Sequence[Sample],
    recipe: Recipe,
    fabric: Fabric | None = None,
    *,
    seed: int = 0,
    folder: Path | None = None,
    identity: str = "",
    validate: Validate | None = None,
    log: Log | None = None,
) -> MsTcn2:
    """Train a network from scratch; it is that after the last epoch, in evaluation mode.

    Args:
        samples: whole tracklets; those without any label are left out, as they would have no cross
            entropy (the published code gets NaN from them, which destroys the weights).
        recipe: of network `ms_tcn2`.
        fabric: launched; the CPU by default.
        seed: added to the recipe's.
        folder: keeps state and log there, and resumes from them.
        identity: what distinguishes this run from another in the same folder.
        validate: network and epoch to scores, after every epoch.
        log: receives each epoch.
    """
    how = recipe.training
    labelled = Tracklets([s for s in samples if (s.label != IGNORED).any()])
    if not len(labelled):
        raise DataError("no tracklet with labels to train on")
    torch.manual_seed(how.seed + seed)
    network = ms_tcn2(**recipe.arguments)

    def step(module: nn.Module, batch: Any) -> StepLoss:
        features, label = batch
        return StepLoss(segmentation_loss(module(features), label, **recipe.loss))

    def batches(epoch: Epoch) -> Any:
        return loader(labelled, epoch, workers=how.workers)

    optimizer = torch.optim.Adam(network.parameters(), recipe.optimizer.learning_rate, fused=True)
    run = Run(
        network, {"main": optimizer}, step, batches, how.epochs, seed=how.seed + seed,
        folder=folder, identity=identity, validate=validate, log=log,
    )  # fmt: skip
    fit(run, fabric or Devices().fabric())
    return network


def logits_of(network: nn.Module, features: Floats) -> Floats:
    """Log odds `(n,)` of contact of one tracklet `(n, feature)`: the last stage's difference."""
    parameter = next(network.parameters())
    with torch.inference_mode():
        seen = torch.from_numpy(np.ascontiguousarray(features.T, np.float32))[None]
        out = network(seen.to(parameter.device))[-1, 0]
        return np.asarray((out[1] - out[0]).double().cpu().numpy())
