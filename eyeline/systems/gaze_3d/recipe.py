"""The recipes of this system: their sections, and what each says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eyeline.bounds import Count, FractionWithin, Positive, Whole, Workers
from eyeline.systems.gaze_3d.data import Validation
from eyeline.systems.gaze_3d.inputs import FRAMES
from eyeline.systems.gaze_3d.loss import Likelihood
from eyeline.systems.gaze_3d.model import Recurrence, gaze_from_afar
from eyeline.training import recipe
from eyeline.training.recipe import LongTraining, Reader, Section

RECIPES = Path(__file__).parent / "recipes"
BUILDER = "gaze_from_afar"
"""The network that trains."""


class Data(Section, frozen=True):
    """What is trained on."""

    train_split: str = "gafa_train.txt"
    """List of sessions; one in the data's own folder comes before the published one."""
    validation: Validation = "session"
    """`session` holds out whole sessions, `window` the last windows of shuffled sessions, as
    published."""
    validation_fraction: FractionWithin = 0.1
    validation_interval: Count = 1
    """Rows between windows that are validated on, in recordings as trained on."""
    circular: bool = True
    """Motion of a recording's first frame: from its last one, as published, or none."""
    workers: Workers = 0
    """Processes that read crops."""


class Loss(Section, frozen=True):
    """How concentrations learn; directions learn by their cosines."""

    concentration: Likelihood = "per_item"
    recurrence: Recurrence = "independent"
    """In training and validation."""


class Adam(Section, frozen=True):
    """One for all parameters, and one for those of the gaze's concentration."""

    learning_rate: Positive = 1e-4
    concentration_learning_rate: Positive = 1e-4
    clip_norm: Positive | None = None
    """Longest gradient."""


class Training(LongTraining, frozen=True):
    """How long, and with how much memory."""

    epochs: Count = 10
    batch_size: Count = 32
    """Windows a step, of all processes together."""
    concentration_every: Count = 10
    """Steps of an epoch from one that moves the concentration to the next; the first one does."""
    select: Literal["angle", "concentration_loss", "last"] = "angle"
    """Which epoch's weights are kept: of the smallest angular error on the windows held out; of the
    smallest loss of the gaze's concentration there, as published; or the last one's."""
    statistics: Literal["batch", "frozen"] = "batch"
    """What batch norms take: each process's own batch, or what they hold already."""
    gradient_checkpointing: bool = False
    """Keep the inputs of blocks only and compute the rest again: less memory, more time."""
    frozen_blocks: Whole | None = None
    """First blocks of both branches that stay as they are, the stem with them."""


class Recipe(recipe.Recipe, frozen=True):
    """How a network trains."""

    data: Data = Data()
    loss: Loss = Loss()
    optimizer: Adam = Adam()
    training: Training = Training()

    def conflicts(self) -> list[str]:
        """A window without a middle frame."""
        if (frames := self.arguments.get("frames", FRAMES)) < 3 or frames % 2 == 0:
            return [f"model.frames is {frames}; must be odd and at least 3, as 3, 5, 7 or 9"]
        return []


read_recipe = Reader(Recipe, RECIPES, {BUILDER: gaze_from_afar})
