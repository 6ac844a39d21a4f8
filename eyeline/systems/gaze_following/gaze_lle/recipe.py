"""The recipes of the decoder: their sections, and what each says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eyeline.bounds import Count, Fraction, FractionBelowOne, NotNegative, Positive, Workers
from eyeline.systems.gaze_following.gaze_lle.model import gaze_lle
from eyeline.training import recipe
from eyeline.training.recipe import EXECUTION, LongTraining, Reader, Section

RECIPES = Path(__file__).parent / "recipes"
BUILDER = "gaze_lle"
"""The network that trains; the encoder stays as it is."""


class Data(Section, frozen=True):
    """What is trained on."""

    encoder: str = ""
    """Weights of `dinov2`; by default those in the folder of weights."""
    part: str = "train"
    every: Count = 1
    """Of each video one image in so many is taken."""
    validation_fraction: FractionBelowOne = 0.0
    """Of the videos, or images of no video, held out; as published none is."""
    crop: Fraction = 0.5
    """Chance of a crop about head and point."""
    mirror: Fraction = 0.5
    jitter: Fraction = 0.5
    """Chance of a head box that is moved."""
    workers: Workers = 2
    """Processes that read images."""


class Adam(Section, frozen=True):
    """Adam, with a rate of its own for the classifier of looks out of the image."""

    learning_rate: Positive = 1e-3
    in_out_learning_rate: Positive = 1e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    """Falls epoch by epoch along a cosine to `last_rate`, or stays."""
    last_rate: NotNegative = 1e-7


class Training(LongTraining, frozen=True):
    """How long, and what counts."""

    epochs: Count = 15
    batch_size: Count = 60
    """Looks a step, of all processes together."""
    in_out_weight: NotNegative = 1.0
    """Of the loss of looks out of the image."""
    select: Literal["last", "l2"] = "last"
    """Which epoch's weights are kept: the last one's, or those of the least distance on what is
    held out."""


class Recipe(recipe.Recipe, frozen=True):
    """How the decoder trains."""

    data: Data = Data()
    optimizer: Adam = Adam()
    training: Training = Training()

    def conflicts(self) -> list[str]:
        """An epoch can only be chosen by what is held out."""
        if self.training.select == "l2" and not self.data.validation_fraction:
            return ["training.select is l2, but data.validation_fraction is 0: nothing is held out"]
        return []

    def lasting(self) -> dict[str, object]:
        """All of it but the processes: rates follow the number of epochs."""
        created = self.as_dict()
        created["data"].pop("workers")
        for name in ("save_every", *EXECUTION):
            created["training"].pop(name)
        return created


read_recipe = Reader(Recipe, RECIPES, {BUILDER: gaze_lle})
