"""The recipes of the networks that train on rendered heads."""

from __future__ import annotations

from pathlib import Path

from eyeline.bounds import Count, FractionWithin, NotNegative, Positive, Workers
from eyeline.systems.gaze_3d.rendered import model
from eyeline.training import recipe
from eyeline.training.recipe import LongTraining, Reader, Section

RECIPES = Path(__file__).parent / "recipes"
BUILDERS = {"heads": model.heads, "eyes": model.eyes}
"""Networks that train here."""


class Data(Section, frozen=True):
    """What is trained on."""

    held_out: FractionWithin = 0.05
    """Fraction of the people, the last ones, that are validated and measured on."""
    most_held_out: Count = 4000
    """Samples of them at most."""
    workers: Workers = 0
    """Processes that read and degrade crops."""


class Optimizer(Section, frozen=True):
    """AdamW whose rate rises, stays, and falls with the root of the steps, however long it runs."""

    learning_rate: Positive = 2e-3
    weight_decay: NotNegative = 0.02
    warm_up_steps: Count = 300
    decay_after_steps: Count = 4000
    clip_norm: Positive = 5.0
    """Longest gradient."""


class Training(LongTraining, frozen=True):
    """How long and in which batches."""

    epochs: Count = 20
    batch_size: Count = 64
    channels_last: bool = True


class Recipe(recipe.Recipe, frozen=True):
    """How a network trains."""

    data: Data = Data()
    optimizer: Optimizer = Optimizer()
    training: Training = Training()


read_recipe = Reader(Recipe, RECIPES, BUILDERS)
