"""One step of training: which loss, of what, and which of two optimisers it moves."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from eyeline.systems.gaze_3d.data import Window
from eyeline.systems.gaze_3d.loss import losses
from eyeline.systems.gaze_3d.model import Directions3D, GazeFromAfar
from eyeline.systems.gaze_3d.recipe import Recipe
from eyeline.training.loop import StepLoss, freeze_statistics

Numbered = tuple[int, Window]
"""A batch, and how manieth of its epoch it is."""


def optimizers(plan: Recipe, network: GazeFromAfar) -> dict[str, torch.optim.Optimizer]:
    """`direction` moves all parameters, `concentration` those of the gaze's concentration."""
    movable = [p for p in network.parameters() if p.requires_grad]
    gaze = network.gaze.estimate.concentration.parameters()
    return {
        "direction": torch.optim.Adam(movable, plan.optimizer.learning_rate),
        "concentration": torch.optim.Adam(gaze, plan.optimizer.concentration_learning_rate),
    }


class Step:
    """A batch to a loss: of concentrations in the first and every tenth step, else of directions.

    The steps that an epoch begins with belong to the concentration, as published.
    """

    def __init__(self, plan: Recipe) -> None:
        self.every = plan.training.concentration_every
        self.kind = plan.loss.concentration
        self.recurrence = plan.loss.recurrence
        self.frozen = plan.training.statistics == "frozen"

    def __call__(self, network: nn.Module, batch: Numbered) -> StepLoss:
        """The loss of one step, and which optimiser it is for."""
        from eyeline.systems.gaze_3d.evaluate import mean_angle_deg

        number, window = batch
        if self.frozen:
            freeze_statistics(network)
        given = window["clip"], window["head_mask"], window["body_motion"]
        found: Directions3D = network(*given, recurrence=self.recurrence)
        turn = "concentration" if number % self.every == 0 else "direction"
        label = {part: cast(Tensor, cast(Any, window)[part]) for part in found._fields}
        parts = losses(found, label, kind=self.kind if turn == "concentration" else None)
        # every parameter takes part, if by nothing: processes wait for the gradients of all
        every = torch.stack([e.direction.sum() + e.concentration.sum() for e in found]).sum()
        total = torch.stack([*parts.values()]).mean() + 0 * every
        gaze = found.gaze.direction.detach().cpu().numpy()
        angle = mean_angle_deg(gaze, label["gaze"].cpu().numpy())
        return StepLoss(total, {turn: float(total.detach()), "angle_deg": angle}, turn)
