"""The recipes of the detector: their sections, and what each says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from eyeline.bounds import (
    Count,
    Fraction,
    FractionBelowOne,
    NotNegative,
    Positive,
    Size,
    Whole,
    Workers,
)
from eyeline.systems.gaze_following.detector.model import mask_rcnn
from eyeline.systems.gaze_following.fusion import Fusion
from eyeline.training import recipe
from eyeline.training.recipe import LongTraining, Reader, Section

RECIPES = Path(__file__).parent / "recipes"
BUILDER = "mask_rcnn"
"""The network that trains."""


class Data(Section, frozen=True):
    """What is trained on."""

    fusion: Fusion = "hs"
    """What is written into the images."""
    train_split: str = "train2017"
    validation_split: str = "val2017"
    short_px: Size = 800
    """Most for the shorter side of an image; the longer one's goes along, 1333 to 800."""
    mirror: Fraction = 0.5
    """Share of images that are mirrored."""
    workers: Workers = 2
    """Processes that read images."""


class Sgd(Section, frozen=True):
    """Stochastic gradient descent with a warm-up and drops."""

    learning_rate: Positive = 0.0025
    """For `training.batch_size` images a step."""
    momentum: FractionBelowOne = 0.9
    weight_decay: NotNegative = 1e-4
    """Of all parameters."""
    warm_up_steps: Whole = 500
    """In which the rate rises along a line."""
    warm_up_from: Fraction = 0.001
    """Share of the rate that it begins at."""
    drop_epochs: tuple[Whole, ...] = (8, 11)
    """Whole epochs after which the rate falls."""
    drop: Fraction = 0.1
    """To this share."""
    clip_norm: Positive | None = None
    """Longest gradient."""


class Samples(Section, frozen=True):
    """How many boxes of an image are trained on."""

    anchors: Count = 256
    anchors_positive: Fraction = 0.5
    """Most of them that mean a target, as a share."""
    regions: Count = 512
    regions_positive: Fraction = 0.25
    proposals_before: Count = 2000
    """Anchors of a level that proposals are made of."""
    proposals: Count = 1000
    """Proposals that regions are drawn from."""


class Training(LongTraining, frozen=True):
    """How long, and what of the network."""

    epochs: Count = 12
    batch_size: Count = 4
    """Images a step, of all processes together."""
    frozen_stages: Annotated[int, Field(ge=0, le=4)] = 1
    """First stages of the backbone that stay as they are, the stem with them; 0 is none."""
    validate_masks: bool = True
    """Whether masks are scored after an epoch, too."""
    select: Literal["last", "box_AP"] = "last"
    """Which epoch's weights are kept: the last one's, as published, or those of the highest average
    precision of boxes on the validation split."""
    save_every: Count | None = 500


class Recipe(recipe.Recipe, frozen=True):
    """How the network trains."""

    data: Data = Data()
    samples: Samples = Samples()
    optimizer: Sgd = Sgd()
    training: Training = Training()


read_recipe = Reader(Recipe, RECIPES, {BUILDER: mask_rcnn})
