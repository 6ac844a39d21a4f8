"""The recipes of this room: their sections, and what each says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eyeline.training import recipe

RECIPES = Path(__file__).parent / "recipes"
"""Where the recipes of this room lie."""

BUILDER = "csts"
"""The network that trains."""

DATASETS = ("ego4d", "aria")
TASKS = ("anticipation", "estimation")
SELECTIONS = ("f1", "loss", "last")
"""Which epoch's weights are kept: of the best F1 or the smallest loss on the videos held out, or
the last one's."""


@dataclass(frozen=True)
class Data:
    """What is learned from."""

    dataset: str = "ego4d"
    """One of `DATASETS`: how far frames are apart, and which of them have labels."""
    task: str = "anticipation"
    """One of `TASKS`: maps of frames to come, or of the frames seen."""
    smallest_side: int = 256
    largest_side: int = 288
    """Pixels of a frame's shorter side in training, drawn between them; then a square is cut."""
    validation_share: float = 0.1
    """Of the training videos, held out whole; 0 holds out none, as published."""
    with_sound: bool = True
    """Silence instead is for comparison."""
    workers: int = 0
    """Processes that read clips."""


@dataclass(frozen=True)
class Loss:
    """The divergence of maps, and the contrast between sight and sound."""

    contrast: float = 0.05
    """Weight of the contrast; 0 leaves it out."""
    temperature: float = 0.05
    """Of the contrast."""
    tracked_only: bool = False
    """Leave out frames whose gaze is not known; published training has their labels in a corner."""


@dataclass(frozen=True)
class AdamW:
    """One for all parameters; those with one axis do not decay."""

    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-6
    cosine_epochs: int = 15
    """Epochs from the first learning rate to the final one."""
    weight_decay: float = 0.05
    clip_norm: float | None = 1.0
    """Longest gradient."""
    warmup_epochs: float = 0.0
    """Over which the rate first rises from nothing; published training has none."""


@dataclass(frozen=True)
class Training:
    """How long, and with how much memory."""

    epochs: int = 15
    batch_size: int = 8
    """Clips a step, of all processes together; what is left of an epoch is not used."""
    select: str = "f1"
    """One of `SELECTIONS`."""
    recompute: str = "halving"
    """One of `model.RECOMPUTED`: blocks of which the input alone is kept and the rest computed
    again, for less memory and more time."""
    keep_every: int | None = 200
    """Steps after which a stopped run can be taken up."""
    seed: int = 21


@dataclass(frozen=True)
class Recipe(recipe.Plan):
    """All that a training run is told."""

    model: Mapping[str, Any] = field(default_factory=lambda: {"builder": BUILDER})
    data: Data = field(default_factory=Data)
    loss: Loss = field(default_factory=Loss)
    optimizer: AdamW = field(default_factory=AdamW)
    training: Training = field(default_factory=Training)


def read_recipe(source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Recipe:
    """A recipe from a YAML file, the name of one of this room's, or a mapping.

    Args:
        source: which.
        changes: `section.key=value`, made before anything is checked.

    Raises:
        RecipeError: no such file, no YAML, or all keys and values that nothing takes, at once.
    """
    from eyeline.systems.gaze_anticipation.model import csts

    networks = {BUILDER: csts}
    made, where = recipe.read_plan(Recipe, source, changes, RECIPES, networks)
    _check(made, where)
    return made


def _check(made: Recipe, where: str) -> None:
    from eyeline.systems.gaze_anticipation.model import RECOMPUTED

    data, training = made.data, made.training
    words = [
        ("data.dataset", data.dataset, DATASETS),
        ("data.task", data.task, TASKS),
        ("training.select", training.select, SELECTIONS),
        ("training.recompute", training.recompute, RECOMPUTED),
    ]
    faults = recipe.unknown_words(words)
    faults += recipe.below_one(_counts(made))
    faults += _of_amounts(made)
    if not 0 <= data.validation_share < 1:
        faults.append(f"data.validation_share is {data.validation_share}, not within [0, 1)")
    elif data.validation_share == 0 and training.select != "last":
        faults.append(f"training.select is '{training.select}', but no video is held out")
    recipe.refuse(faults, where, made.as_dict())


def _counts(made: Recipe) -> list[tuple[str, int | None]]:
    training = made.training
    return [
        ("training.epochs", training.epochs),
        ("training.batch_size", training.batch_size),
        ("training.keep_every", training.keep_every),
        ("optimizer.cosine_epochs", made.optimizer.cosine_epochs),
    ]


def _of_amounts(made: Recipe) -> list[str]:
    """What is wrong with sizes and with weights of the loss."""
    side, (least, most) = made.arguments.get("side", 256), _sides(made)
    faults = []
    if not side <= least <= most:
        faults.append(
            f"data.smallest_side {least} and data.largest_side {most} should be in this order, and "
            f"not below model.side {side}"
        )
    if made.optimizer.warmup_epochs < 0:
        faults.append("optimizer.warmup_epochs should not be negative")
    if made.loss.contrast < 0 or made.loss.temperature <= 0:
        faults.append("loss.contrast should not be negative, loss.temperature be positive")
    if made.loss.contrast and made.arguments.get("embedding", 1) == 0:
        faults.append("loss.contrast needs a network with embeddings; model.embedding is 0")
    return faults


def _sides(made: Recipe) -> tuple[int, int]:
    return made.data.smallest_side, made.data.largest_side
