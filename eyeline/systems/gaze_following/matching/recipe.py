"""The matcher's recipe: its sections, and what each says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eyeline.bounds import Count, Fraction, FractionBelowOne, NotNegative, Positive, Whole
from eyeline.systems.gaze_following.matching.loss import matching_loss
from eyeline.systems.gaze_following.matching.model import matcher
from eyeline.training import recipe
from eyeline.training.recipe import Section

RECIPES = Path(__file__).parent / "recipes"
"""Where the recipe lies."""
BUILDER = "matcher"
"""The network that trains."""


class Data(Section, frozen=True):
    """What is learned from."""

    train_split: str = "train.txt"
    """List of videos in the data's folder."""
    validation_split: str = "validation.txt"
    """Likewise; the epoch is chosen by it."""


class OneCycle(Section, frozen=True):
    """AdamW with a rate that rises, then falls along a cosine."""

    learning_rate: Positive = 3e-3
    """Highest rate."""
    weight_decay: NotNegative = 0.01
    warm_up: FractionBelowOne = 0.2
    """Share of the steps in which the rate rises."""
    clip_norm: Positive = 5.0
    """Longest gradient."""


class Training(Section, frozen=True):
    """How long, and what is hidden."""

    epochs: Count = 30
    batch_size: Count = 256
    """Looks a step, of all processes together."""
    mirror: bool = True
    """Whether half of the looks are mirrored."""
    mute: Fraction = 0.25
    """Share of the looks of which it is hidden who speaks, so that the same weights do without."""
    blind: Fraction = 0.25
    """Share of the looks of which the direction of the gaze is hidden, likewise."""
    seed: Whole = 0


class Recipe(recipe.Recipe, frozen=True):
    """All that a training run is told."""

    data: Data = Data()
    loss: dict[str, Any]
    """Keyword arguments of `loss.matching_loss`."""
    optimizer: OneCycle = OneCycle()
    training: Training = Training()


def read_recipe(source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Recipe:
    """A recipe from a YAML file, the name of this folder's, or a mapping.

    Args:
        source: which.
        changes: `section.key=value`, made before anything is checked.

    Raises:
        RecipeError: no such file, no YAML, or all keys and values that nothing takes, at once.
    """
    networks = {BUILDER: matcher}
    return recipe.read_as(Recipe, source, changes, RECIPES, networks, loss=matching_loss)
