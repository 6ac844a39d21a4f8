"""The recipes of this room: their sections, and what each says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eyeline.training import recipe

RECIPES = Path(__file__).parent / "recipes"
"""Where the recipes of this room lie."""

BUILDER = "gaze_from_afar"
"""The network that trains."""

SELECTIONS = ("angle", "concentration_loss", "last")
"""Which epoch's weights are kept: of the smallest angular error on the windows held out; of the
smallest loss of the gaze's concentration there, as published; or the last one's."""

STATISTICS = ("batch", "frozen")
"""What batch norms take: each process's own batch, or what they hold already."""


@dataclass(frozen=True)
class Data:
    """What is learned from."""

    train_split: str = "gafa_train.txt"
    """List of sessions; one in the data's own folder comes before the published one."""
    validation: str = "session"
    """`session` holds out whole sessions, `window` the last windows of shuffled sessions, as
    published."""
    validation_share: float = 0.1
    validation_interval: int = 1
    """Rows between windows that are validated on, in recordings as trained on."""
    circular: bool = True
    """Motion of a recording's first frame: from its last one, as published, or none."""
    workers: int = 0
    """Processes that read crops."""


@dataclass(frozen=True)
class Loss:
    """How concentrations learn; directions learn by their cosines."""

    concentration: str = "per_item"
    """One of `loss.LIKELIHOODS`."""
    recurrence: str = "independent"
    """One of `model.Recurrence`, in training and validation."""


@dataclass(frozen=True)
class Adam:
    """One for all parameters, and one for those of the gaze's concentration."""

    learning_rate: float = 1e-4
    concentration_learning_rate: float = 1e-4
    clip_norm: float | None = None
    """Longest gradient."""


@dataclass(frozen=True)
class Training:
    """How long, and with how much memory."""

    epochs: int = 10
    batch_size: int = 32
    """Windows a step, of all processes together."""
    concentration_every: int = 10
    """Steps of an epoch from one that moves the concentration to the next; the first one does."""
    select: str = "angle"
    """One of `SELECTIONS`."""
    statistics: str = "batch"
    """One of `STATISTICS`."""
    recompute: bool = False
    """Keep the inputs of blocks only and compute the rest again: less memory, more time."""
    frozen_blocks: int | None = None
    """First blocks of both branches that stay as they are, the stem with them."""
    keep_every: int | None = 200
    """Steps after which a stopped run can be taken up."""
    seed: int = 0


@dataclass(frozen=True)
class Recipe(recipe.Plan):
    """All that a training run is told."""

    model: Mapping[str, Any] = field(default_factory=lambda: {"builder": BUILDER})
    data: Data = field(default_factory=Data)
    loss: Loss = field(default_factory=Loss)
    optimizer: Adam = field(default_factory=Adam)
    training: Training = field(default_factory=Training)


def read_recipe(source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Recipe:
    """A recipe from a YAML file, the name of one of this room's, or a mapping.

    Args:
        source: which.
        changes: `section.key=value`, made before anything is checked.

    Raises:
        RecipeError: no such file, no YAML, or all keys and values that nothing takes, at once.
    """
    from eyeline.systems.gaze_3d.model import gaze_from_afar

    networks = {BUILDER: gaze_from_afar}
    made, where = recipe.read_plan(Recipe, source, changes, RECIPES, networks)
    _check(made, where)
    return made


def _check(made: Recipe, where: str) -> None:
    from typing import get_args

    from eyeline.systems.gaze_3d.data import Validation
    from eyeline.systems.gaze_3d.efficientnet import BACKBONES
    from eyeline.systems.gaze_3d.inputs import FRAMES
    from eyeline.systems.gaze_3d.loss import LIKELIHOODS
    from eyeline.systems.gaze_3d.model import Recurrence

    words: list[tuple[str, str, Iterable[str]]] = [
        ("model.backbone", made.arguments.get("backbone", "b0"), BACKBONES),
        ("data.validation", made.data.validation, get_args(Validation)),
        ("loss.concentration", made.loss.concentration, LIKELIHOODS),
        ("loss.recurrence", made.loss.recurrence, get_args(Recurrence)),
        ("training.select", made.training.select, SELECTIONS),
        ("training.statistics", made.training.statistics, STATISTICS),
    ]
    faults = recipe.unknown_words(words)
    if (frames := made.arguments.get("frames", FRAMES)) < 3 or frames % 2 == 0:
        faults.append(f"model.frames is {frames}; must be odd and at least 3, as 3, 5, 7 or 9")
    faults += recipe.below_one(_counts(made))
    if not 0 < made.data.validation_share < 1:
        faults.append(f"data.validation_share is {made.data.validation_share}, not within (0, 1)")
    recipe.refuse(faults, where, made.as_dict())


def _counts(made: Recipe) -> list[tuple[str, int | None]]:
    training = made.training
    return [
        ("data.validation_interval", made.data.validation_interval),
        ("training.epochs", training.epochs),
        ("training.batch_size", training.batch_size),
        ("training.concentration_every", training.concentration_every),
        ("training.keep_every", training.keep_every),
    ]
