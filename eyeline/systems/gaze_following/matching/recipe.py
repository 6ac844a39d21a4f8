"""The matcher's recipe: its sections, and what each says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyeline.bounds import Count, Fraction, Positive
from eyeline.systems.gaze_following.matching.model import matcher, matching_loss
from eyeline.training import recipe
from eyeline.training.recipe import Reader, Section

RECIPES = Path(__file__).parent / "recipes"
BUILDER = "matcher"
"""The network that trains."""


class Data(Section, frozen=True):
    """What is trained on."""

    train_split: str = "train.txt"
    """List of videos in the data's folder."""
    validation_split: str = "validation.txt"
    """Likewise; the epoch is chosen by it."""


class OneCycle(recipe.OneCycle, frozen=True):
    """Its highest rate."""

    learning_rate: Positive = 3e-3


class Training(recipe.Training, frozen=True):
    """How long, and what is hidden."""

    epochs: Count = 30
    batch_size: Count = 256
    """Looks a step, of all processes together."""
    mirror: bool = True
    """Whether half of the looks are mirrored."""
    mute: Fraction = 0.25
    """Fraction of the looks whose speakers are hidden, so that the same weights do without."""
    blind: Fraction = 0.25
    """Fraction of the looks whose direction of the gaze is hidden, likewise."""


class Recipe(recipe.Recipe, frozen=True):
    """How the network trains."""

    data: Data = Data()
    loss: dict[str, Any]
    """Keyword arguments of `loss.matching_loss`."""
    optimizer: OneCycle = OneCycle()
    training: Training = Training()

    def lasting(self) -> dict[str, Any]:
        """All of it but how steps are computed: rates follow one cycle over all epochs."""
        return self.model_dump(mode="json", exclude={"training": {*recipe.EXECUTION}})


read_recipe = Reader(Recipe, RECIPES, {BUILDER: matcher}, loss=matching_loss)
