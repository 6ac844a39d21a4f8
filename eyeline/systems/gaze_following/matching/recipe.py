"""The matcher's recipe: its sections, and what each says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eyeline.training import recipe

RECIPES = Path(__file__).parent / "recipes"
"""Where the recipe lies."""
BUILDER = "matcher"
"""The network that trains."""


@dataclass(frozen=True)
class Data:
    """What is learned from."""

    train_split: str = "train.txt"
    """List of videos in the data's folder."""
    validation_split: str = "validation.txt"
    """Likewise; the epoch is chosen by it."""


@dataclass(frozen=True)
class OneCycle:
    """AdamW with a rate that rises, then falls along a cosine."""

    learning_rate: float = 3e-3
    """Highest rate."""
    weight_decay: float = 0.01
    warm_up: float = 0.2
    """Share of the steps in which the rate rises."""
    clip_norm: float = 5.0
    """Longest gradient."""


@dataclass(frozen=True)
class Training:
    """How long, and what is hidden."""

    epochs: int = 30
    batch_size: int = 256
    """Looks a step, of all processes together."""
    mirror: bool = True
    """Whether half of the looks are mirrored."""
    mute: float = 0.25
    """Share of the looks of which it is hidden who speaks, so that the same weights do without."""
    blind: float = 0.25
    """Share of the looks of which the direction of the gaze is hidden, likewise."""
    seed: int = 0


@dataclass(frozen=True)
class Recipe:
    """All that a training run is told."""

    data: Data = field(default_factory=Data)
    model: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the network."""
    loss: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of `loss.matching_loss`."""
    optimizer: OneCycle = field(default_factory=OneCycle)
    training: Training = field(default_factory=Training)

    def as_dict(self) -> dict[str, Any]:
        """The recipe as its file has it."""
        told = asdict(self)
        return {**told, "model": {"builder": BUILDER, **told["model"]}}


def read_recipe(source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Recipe:
    """A recipe from a YAML file, the name of this folder's, or a mapping.

    Args:
        source: which.
        changes: `section.key=value`, made before anything is checked.

    Raises:
        RecipeError: no such file, no YAML, or all keys that nothing takes, at once.
    """
    sections, where = recipe.read(source, RECIPES)
    _, told = recipe.network_of(recipe.change(sections, changes), (BUILDER,), where)
    bound = recipe.bind(told, layout(), where)
    made = Recipe(
        Data(**bound["data"]), bound["model"], bound["loss"], OneCycle(**bound["optimizer"]),
        Training(**bound["training"]),
    )  # fmt: skip
    _check(made, where)
    return made


def layout() -> dict[str, Callable[..., Any]]:
    """Each section and what takes its keys."""
    from eyeline.systems.gaze_following.matching.loss import matching_loss
    from eyeline.systems.gaze_following.matching.model import matcher

    return {
        "data": Data, "model": matcher, "loss": matching_loss, "optimizer": OneCycle,
        "training": Training,
    }  # fmt: skip


def _check(plan: Recipe, where: str) -> None:
    how = plan.training
    hidden = {"training.mute": how.mute, "training.blind": how.blind}
    shares = {
        "optimizer.warm_up": plan.optimizer.warm_up,
        "loss.smoothing": plan.loss.get("smoothing", 0.0),
        "model.dropout": plan.model.get("dropout", 0.0),
    }  # fmt: skip
    faults = [
        f"{name} {value} is no share" for name, value in hidden.items() if not 0 <= value <= 1
    ]
    faults += [
        f"{name} {value} is no share" for name, value in shares.items() if not 0 <= value < 1
    ]
    recipe.refuse(faults, where, plan.as_dict())
