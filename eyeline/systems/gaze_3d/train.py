"""Training `gaze_from_afar`: directions by their cosines, and in turn the gaze's concentration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from eyeline.log import Log
from eyeline.systems.gaze_3d import answers, calibration, evaluate, report, splits
from eyeline.systems.gaze_3d.data import Window, Windows, open_training
from eyeline.systems.gaze_3d.inputs import FRAMES
from eyeline.systems.gaze_3d.loss import concentration_loss, losses
from eyeline.systems.gaze_3d.model import Directions3D, GazeFromAfar, set_gradient_checkpointing
from eyeline.systems.gaze_3d.recipe import BUILDER, RECIPES, Recipe, read_recipe
from eyeline.systems.gaze_3d.rendered import recipe as rendered_recipe
from eyeline.training import loop, task
from eyeline.training.dispatch import ByBuilder
from eyeline.training.loop import Epoch, StepLoss, freeze_statistics
from eyeline.training.task import Measured, Optimization, Selection

Numbered = tuple[int, Window]
"""A batch, and how manieth of its epoch it is."""


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
        number, window = batch
        if self.frozen:
            freeze_statistics(network)
        given = window["clip"], window["head_mask"], window["body_motion"]
        result: Directions3D = network(*given, recurrence=self.recurrence)
        turn = "concentration" if number % self.every == 0 else "direction"
        label = {part: cast(Tensor, cast(Any, window)[part]) for part in result._fields}
        parts = losses(result, label, kind=self.kind if turn == "concentration" else None)
        # every parameter takes part, if by nothing: processes wait for the gradients of all
        every = torch.stack([e.direction.sum() + e.concentration.sum() for e in result]).sum()
        total = torch.stack([*parts.values()]).mean() + 0 * every
        gaze = result.gaze.direction.detach().cpu().numpy()
        angle = evaluate.mean_angle_deg(gaze, label["gaze"].cpu().numpy())
        return StepLoss(total, {turn: float(total.detach()), "angle_deg": angle}, turn)


class GazeFromAfarTask(task.Task[Recipe, GazeFromAfar, Windows, Windows, Numbered]):
    """Windows of prepared sessions, of which some are held out."""

    system = "gaze_3d"
    protocol = (
        "windows held out of the training sessions, by which the epoch was chosen; concentrations "
        "calibrated on one half of the recordings and measured on the other"
    )
    read_recipe = read_recipe
    step = Step
    selections: ClassVar = {
        "angle": Selection("validation_angle_deg"),
        "concentration_loss": Selection("validation_concentration"),
    }

    def open_data(self, plan: Recipe, root: Path) -> tuple[Windows, Windows]:
        """Windows to train on, and those held out of the same sessions."""
        train, held = open_training(
            root,
            splits.read(plan.data.train_split, root),
            validation=plan.data.validation,
            fraction=plan.data.validation_fraction,
            seed=plan.training.seed,
            circular=plan.data.circular,
            frames=plan.arguments.get("frames", FRAMES),
        )
        return train, held.subset(np.arange(0, len(held), plan.data.validation_interval))

    def prepare(self, network: GazeFromAfar, plan: Recipe, device: torch.device) -> None:
        """Less memory, and frozen blocks, as the recipe asks."""
        how = plan.training
        set_gradient_checkpointing(
            network,
            gradient_checkpointing=how.gradient_checkpointing,
            frozen_blocks=how.frozen_blocks,
        )

    def optimization(self, plan: Recipe, network: GazeFromAfar, train: Windows) -> Optimization:
        """`direction` moves all parameters, `concentration` those of the gaze's concentration."""
        how = plan.optimizer
        movable = [p for p in network.parameters() if p.requires_grad]
        gaze = network.gaze.estimate.concentration.parameters()
        moved = {
            "direction": torch.optim.Adam(movable, how.learning_rate),
            "concentration": torch.optim.Adam(gaze, how.concentration_learning_rate),
        }
        return Optimization(moved, how.clip_norm)

    def batches(self, plan: Recipe, train: Windows, epoch: Epoch, size: int) -> Iterator[Numbered]:
        """Batches with their numbers."""
        read = loop.loader(train, epoch, batch_size=size, workers=plan.data.workers)
        return enumerate(read, start=epoch.done)

    def validate(
        self, plan: Recipe, network: GazeFromAfar, held: Windows, log: Log | None
    ) -> dict[str, float]:
        """Angular errors and the loss of the concentration."""
        result = _predictions(network, plan, held)
        label = held.directions("gaze")
        gaze, size = result.gaze.direction.numpy(), report.PUBLISHED_BATCH
        batched = report.published(gaze, label, size)["3d_all"]
        pieces = zip(
            *(torch.split(v, size) for v in (*result.gaze, torch.from_numpy(label))), strict=True
        )
        kind = plan.loss.concentration
        losses = [concentration_loss(*piece, kind=kind) for piece in pieces]
        return {
            "validation_angle_deg": evaluate.mean_angle_deg(gaze, label),
            "validation_batch_angle_deg": batched,
            "validation_concentration": float(torch.stack(losses).mean()),
        }

    def measure(self, plan: Recipe, network: GazeFromAfar, held: Windows, folder: Path) -> Measured:
        """Calibrate the concentrations and score; plots beside the report."""
        result = evaluate.as_answers(held, _predictions(network, plan, held))
        truth = answers.truth_of(held)
        created = report.score(evaluate.cross_fitted(result, truth), truth)
        created["reliability_uncalibrated"] = report.score(result, truth)["reliability"]
        created["calibrated"] = True
        evaluate.write_images(folder, created)
        fitted = evaluate.fit_calibration(result, truth)
        return Measured(created, {"concentration": calibration.to_settings(fitted, len(result))})

    def describe(self, plan: Recipe, train: Windows, held: Windows) -> dict[str, Any]:
        """Sessions and windows."""
        trained_on, held_out = _sessions(train), _sessions(held)
        return {
            "split": plan.data.train_split,
            "sessions": list(dict.fromkeys([*trained_on, *held_out])),
            "held_out_sessions": held_out,
            "windows": len(train),
            "windows_held_out": len(held),
            "windows_left_out": sum({**train.left_out, **held.left_out}.values()),
        }

    def fingerprint(self, items: Windows) -> Iterator[bytes]:
        """Places and recordings."""
        yield items.places.tobytes()
        yield "".join(recording.name for recording in items.recordings).encode()


def _predictions(network: GazeFromAfar, plan: Recipe, windows: Windows) -> Directions3D:
    result = evaluate.answer(network, windows, workers=plan.data.workers)
    return result[plan.loss.recurrence]


def _sessions(windows: Windows) -> list[str]:
    names = {windows.recordings[w].name: None for w in dict.fromkeys(windows.places[:, 0])}
    return list(dict.fromkeys(report.session_of(name) for name in names))


TASK = GazeFromAfarTask()
run: ByBuilder = ByBuilder(
    {BUILDER: __name__, **dict.fromkeys(rendered_recipe.BUILDERS, f"{__package__}.rendered.train")},
    (RECIPES, rendered_recipe.RECIPES),
    default=BUILDER,
)
"""By the network that a recipe names."""
