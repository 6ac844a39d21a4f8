"""The recipes of the detector: their sections, and what each says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from eyeline.systems.gaze_following.fusion import FUSIONS, Fusion
from eyeline.training import recipe

RECIPES = Path(__file__).parent / "recipes"
"""Where they lie."""

BUILDER = "mask_rcnn"
"""The network that trains."""

SELECTIONS = ("last", "box_AP")
"""Which epoch's weights are kept: the last one's, as published, or those of the highest average
precision of boxes on the validation split."""


@dataclass(frozen=True)
class Data:
    """What is learned from."""

    fusion: str = "hs"
    """What is written into the pictures, one of `FUSIONS`."""
    train_split: str = "train2017"
    validation_split: str = "val2017"
    short_px: int = 800
    """Most for the shorter side of a picture; the longer one's goes along, 1333 to 800."""
    mirror: float = 0.5
    """Share of pictures that are mirrored."""
    workers: int = 2
    """Processes that read pictures."""


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent with a warm-up and drops."""

    learning_rate: float = 0.0025
    """For `training.batch_size` pictures a step."""
    momentum: float = 0.9
    weight_decay: float = 1e-4
    """Of all parameters."""
    warm_up_steps: int = 500
    """In which the rate rises along a line."""
    warm_up_from: float = 0.001
    """Share of the rate that it begins at."""
    drop_epochs: tuple[int, ...] = (8, 11)
    """Whole epochs after which the rate falls."""
    drop: float = 0.1
    """To this share."""
    clip_norm: float | None = None
    """Longest gradient."""


@dataclass(frozen=True)
class Samples:
    """How many boxes of a picture are learned from."""

    anchors: int = 256
    anchors_positive: float = 0.5
    """Most of them that mean a target, as a share."""
    regions: int = 512
    regions_positive: float = 0.25
    proposals_before: int = 2000
    """Anchors of a level that proposals are made of."""
    proposals: int = 1000
    """Proposals that regions are drawn from."""


@dataclass(frozen=True)
class Training:
    """How long, and what of the network."""

    epochs: int = 12
    batch_size: int = 4
    """Pictures a step, of all processes together."""
    frozen_stages: int = 1
    """First stages of the backbone that stay as they are, the stem with them; 0 is none."""
    validate_masks: bool = True
    """Whether masks are scored after an epoch, too."""
    select: str = "last"
    """One of `SELECTIONS`."""
    keep_every: int | None = 500
    """Steps after which a stopped run can be taken up."""
    seed: int = 0


@dataclass(frozen=True)
class Recipe(recipe.Plan):
    """All that a training run is told."""

    model: Mapping[str, Any] = field(default_factory=lambda: {"builder": BUILDER})
    data: Data = field(default_factory=Data)
    samples: Samples = field(default_factory=Samples)
    optimizer: Sgd = field(default_factory=Sgd)
    training: Training = field(default_factory=Training)

    @property
    def fusion(self) -> Fusion:
        """What is written into the pictures."""
        return cast(Fusion, self.data.fusion)


def read_recipe(source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Recipe:
    """A recipe from a YAML file, the name of one of the detector's, or a mapping.

    Args:
        source: which.
        changes: `section.key=value`, made before anything is checked.

    Raises:
        RecipeError: no such file, no YAML, or all keys and values that nothing takes, at once.
    """
    from eyeline.systems.gaze_following.detector.model import mask_rcnn

    networks = {BUILDER: mask_rcnn}
    made, where = recipe.read_plan(Recipe, source, changes, RECIPES, networks)
    _check(made, where)
    return made


def _check(made: Recipe, where: str) -> None:
    words = [
        ("data.fusion", made.data.fusion, FUSIONS),
        ("training.select", made.training.select, SELECTIONS),
    ]
    faults = recipe.unknown_words(words)
    faults += recipe.below_one(_counts(made))
    faults += [f"{key} is {value}, not within [0, 1]" for key, value in _shares(made)
               if not 0 <= value <= 1]  # fmt: skip
    if not 0 <= made.training.frozen_stages <= 4:
        faults.append(f"training.frozen_stages is {made.training.frozen_stages}; 0 to 4 can be")
    recipe.refuse(faults, where, made.as_dict())


def _counts(made: Recipe) -> list[tuple[str, int | None]]:
    samples, training = made.samples, made.training
    return [
        ("data.short_px", made.data.short_px),
        ("samples.anchors", samples.anchors),
        ("samples.regions", samples.regions),
        ("samples.proposals_before", samples.proposals_before),
        ("samples.proposals", samples.proposals),
        ("training.epochs", training.epochs),
        ("training.batch_size", training.batch_size),
        ("training.keep_every", training.keep_every),
    ]


def _shares(made: Recipe) -> list[tuple[str, float]]:
    return [
        ("data.mirror", made.data.mirror),
        ("samples.anchors_positive", made.samples.anchors_positive),
        ("samples.regions_positive", made.samples.regions_positive),
        ("optimizer.warm_up_from", made.optimizer.warm_up_from),
        ("optimizer.drop", made.optimizer.drop),
    ]
