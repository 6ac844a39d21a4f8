"""The recipes of this system: their sections, and what each says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eyeline.bounds import Count, FractionBelowOne, NotNegative, Positive, Size, Whole, Workers
from eyeline.systems.gaze_anticipation.model import Checkpointed, csts
from eyeline.training import recipe
from eyeline.training.recipe import LongTraining, Reader, Section

RECIPES = Path(__file__).parent / "recipes"
BUILDER = "csts"
"""The network that trains."""


class Data(Section, frozen=True):
    """What is trained on."""

    dataset: Literal["ego4d", "aria"] = "ego4d"
    """How far frames are apart, and which of them have labels."""
    task: Literal["anticipation", "estimation"] = "anticipation"
    """Maps of frames to come, or of the frames seen."""
    smallest_side: Size = 256
    largest_side: Size = 288
    """Pixels of a frame's shorter side in training, drawn between them; then a square is cut."""
    validation_fraction: FractionBelowOne = 0.1
    """Of the training videos, held out whole; 0 holds out none, as published."""
    with_audio: bool = True
    """Silence instead is for comparison."""
    workers: Workers = 0
    """Processes that read clips."""


class Loss(Section, frozen=True):
    """The divergence of maps, and the contrast between sight and audio."""

    contrast: NotNegative = 0.05
    """Weight of the contrast; 0 leaves it out."""
    temperature: Positive = 0.05
    """Of the contrast."""
    tracked_only: bool = False
    """Leave out frames whose gaze is not known; published training has their labels in a corner."""


class AdamW(Section, frozen=True):
    """One for all parameters; those with one axis do not decay."""

    learning_rate: Positive = 1e-4
    final_learning_rate: NotNegative = 1e-6
    cosine_epochs: Count = 15
    """Epochs from the first learning rate to the final one."""
    weight_decay: NotNegative = 0.05
    clip_norm: Positive | None = 1.0
    """Longest gradient."""
    warmup_epochs: NotNegative = 0.0
    """Over which the rate first rises from nothing; published training has none."""


class Training(LongTraining, frozen=True):
    """How long, and with how much memory."""

    epochs: Count = 15
    batch_size: Count = 8
    """Clips a step, of all processes together; what is left of an epoch is not used."""
    select: Literal["f1", "loss", "last"] = "f1"
    """Which epoch's weights are kept: of the best F1 or the smallest loss on the videos held out,
    or the last one's."""
    gradient_checkpointing: Checkpointed = "all"
    """Gradient checkpointing: halves of blocks of which the input alone is kept and the rest
    computed again, for less memory and more time."""
    seed: Whole = 21


class Recipe(recipe.Recipe, frozen=True):
    """How a network trains."""

    data: Data = Data()
    loss: Loss = Loss()
    optimizer: AdamW = AdamW()
    training: Training = Training()

    def conflicts(self) -> list[str]:
        """Sizes that do not fit one another; a choice or a contrast without what it needs."""
        side, data = self.arguments.get("side", 256), self.data
        faults = []
        if not side <= data.smallest_side <= data.largest_side:
            faults.append(
                f"data.smallest_side {data.smallest_side} and data.largest_side "
                f"{data.largest_side} should be in this order, and not below model.side {side}"
            )
        if self.loss.contrast and self.arguments.get("embedding", 1) == 0:
            faults.append("loss.contrast needs a network with embeddings; model.embedding is 0")
        if data.validation_fraction == 0 and self.training.select != "last":
            faults.append(f"training.select is '{self.training.select}', but no video is held out")
        return faults


read_recipe = Reader(Recipe, RECIPES, {BUILDER: csts})
