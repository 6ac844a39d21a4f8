"""The recipes of this room: their sections, and what each says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.training import recipe

if TYPE_CHECKING:
    from torch import nn

RECIPES = Path(__file__).parent / "recipes"
"""Where the recipes of this room lie."""

BUILDERS = ("lam_lstm", "gaze360_lstm", "ttm")
"""The networks that train."""

SELECTIONS = ("mAP", "loss", "last")
"""Which epoch's weights are kept: of the largest mean average precision on the validation clips, as
published; of the smallest loss there; or the last one's."""

STATISTICS = ("batch", "frozen")
"""What batch norms take: each process's own batch, as published, or what they hold already."""

HEADS = ("two_layers", "single")
"""Heads of `gaze360_lstm` that tell of looks."""


@dataclass(frozen=True)
class Data:
    """What is learned from."""

    train_split: str = "train"
    """List of clips in the data's own folder."""
    validation_split: str = "val"
    stride: int = 13
    """Of each face every so many frames are learned from. 13 is the published code's default;
    its authors trained with 3."""
    validation_stride: int = 13
    policy: str = "published"
    """What counts as positive, one of `annotations.POLICIES`."""
    balanced: bool = False
    """Ours: an epoch is all frames of the rarer label and as many of the other, drawn anew."""
    workers: int = 0
    """Processes that read crops."""


@dataclass(frozen=True)
class Loss:
    """How much the labels weigh."""

    class_weights: tuple[float, ...] = ()
    """Of labels 0 and 1; none: those published for the network's benchmark."""


@dataclass(frozen=True)
class Adam:
    """One for all parameters."""

    learning_rate: float = 5e-4
    clip_norm: float | None = None
    """Longest gradient."""


@dataclass(frozen=True)
class Training:
    """How long, and with how much memory."""

    epochs: int = 40
    batch_size: int = 64
    """Windows a step, of all processes together; of looking at me."""
    frame_budget: int = 400
    """Frames a step, for each process; of talking to me."""
    needs_weights: bool = False
    """Whether the network is to begin at given weights."""
    select: str = "mAP"
    """One of `SELECTIONS`."""
    statistics: str = "batch"
    """One of `STATISTICS`."""
    flip: bool = False
    """Ours: every other sample, by chance, is seen in a mirror."""
    keep_every: int | None = 200
    """Steps after which a stopped run can be taken up."""
    seed: int = 0


@dataclass(frozen=True)
class Recipe(recipe.Plan):
    """All that a training run is told."""

    model: Mapping[str, Any] = field(default_factory=lambda: {"builder": BUILDERS[0]})
    data: Data = field(default_factory=Data)
    loss: Loss = field(default_factory=Loss)
    optimizer: Adam = field(default_factory=Adam)
    training: Training = field(default_factory=Training)

    @property
    def talks(self) -> bool:
        """Whether it learns talking to me; otherwise looking at me."""
        return self.builder == "ttm"

    @property
    def class_weights(self) -> tuple[float, float]:
        """Of labels 0 and 1."""
        from eyeline.systems.ego_social.loss import LOOKING_WEIGHTS, TALKING_WEIGHTS

        given = self.loss.class_weights
        if given:
            return given[0], given[1]
        return TALKING_WEIGHTS if self.talks else LOOKING_WEIGHTS

    def network(self) -> nn.Module:
        """The network with random weights."""
        made: nn.Module = _builders()[self.builder](**self.arguments)
        return made

    def as_dict(self) -> dict[str, Any]:
        """The recipe as its file has it."""
        sections = super().as_dict()
        sections["loss"]["class_weights"] = list(self.loss.class_weights)
        return sections


def read_recipe(source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Recipe:
    """A recipe from a YAML file, the name of one of this room's, or a mapping.

    Args:
        source: which.
        changes: `section.key=value`, made before anything is checked.

    Raises:
        RecipeError: no such file, no YAML, or all keys and values that nothing takes, at once.
    """
    made, where = recipe.read_plan(Recipe, source, changes, RECIPES, _builders())
    recipe.refuse(
        [*_wrong_words(made), *_wrong_counts(made), *_wrong_together(made)], where, made.as_dict()
    )
    return made


def _builders() -> dict[str, Callable[..., Any]]:
    from eyeline.systems.ego_social.model import gaze360_lstm, lam_lstm
    from eyeline.systems.ego_social.ttm_model import ttm

    return {"lam_lstm": lam_lstm, "gaze360_lstm": gaze360_lstm, "ttm": ttm}


def _wrong_words(made: Recipe) -> list[str]:
    from eyeline.systems.ego_social.recordings.annotations import POLICIES

    words: list[tuple[str, str, Iterable[str]]] = [
        ("model.head", made.arguments.get("head", HEADS[0]), HEADS),
        ("data.policy", made.data.policy, POLICIES),
        ("training.select", made.training.select, SELECTIONS),
        ("training.statistics", made.training.statistics, STATISTICS),
    ]
    return recipe.unknown_words(words)


def _wrong_counts(made: Recipe) -> list[str]:
    data, training = made.data, made.training
    counts: list[tuple[str, int | None]] = [
        ("data.stride", data.stride), ("data.validation_stride", data.validation_stride),
        ("training.epochs", training.epochs), ("training.batch_size", training.batch_size),
        ("training.frame_budget", training.frame_budget),
        ("training.keep_every", training.keep_every),
    ]  # fmt: skip
    return recipe.below_one(counts)


def _wrong_together(made: Recipe) -> list[str]:
    from eyeline.systems.ego_social.inputs import FRAMES

    faults, weights = [], made.loss.class_weights
    if weights and (len(weights) != 2 or min(weights) <= 0):
        faults.append(f"loss.class_weights is {list(weights)}; two numbers above 0 can be")
    if made.arguments.get("frames", FRAMES) != FRAMES:
        faults.append(f"model.frames is {made.arguments['frames']}; the data has {FRAMES}")
    if made.talks and made.data.balanced:
        faults.append("data.balanced is for looking at me; batches of talk are made by length")
    return faults
