"""The recipes of this room: which sections there are for each network, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eyeline.training import recipe

RECIPES = Path(__file__).parent / "recipes"
"""Where the recipes of this room lie."""

LABELS = ("annotated", "clusters")
"""Whose labels are learned: the annotators', or those that gaze points give by clustering."""


@dataclass(frozen=True)
class Data:
    """What is learned from."""

    labels: str = "annotated"
    """One of `LABELS`."""
    least_frames: int = 0
    """Shorter tracklets are left out of learning from clusters."""
    validation_share: float = 0.2
    """Last part of the list of tracklets that learning from clusters only looks at, as published;
    annotated videos are cross-validated instead."""
    most_eps: float = 8.0
    """Neighbourhood in which OPTICS begins to look, millimetres on the cylinder."""


@dataclass(frozen=True)
class OneCycle:
    """AdamW with a rate that rises, then falls along a cosine."""

    learning_rate: float = 0.01
    """Highest rate."""
    weight_decay: float = 0.01
    warm_up: float = 0.2
    """Share of the steps in which the rate rises."""
    clip_norm: float = 5.0
    """Longest gradient."""


@dataclass(frozen=True)
class Crops:
    """What one member of `landmarks_tcn` sees in training."""

    epochs: int = 5
    """Times that the number of annotated frames is drawn."""
    batch_size: int = 16
    crop_frames: int = 400
    """Longest piece of a tracklet that is shown at once."""
    feature_gain: float = 0.1
    """Standard deviation of a random factor about 1, a feature and crop."""
    mirror: bool = True
    """Whether half of the crops are mirrored."""
    seed: int = 0


@dataclass(frozen=True)
class Adam:
    """Adam as published."""

    learning_rate: float = 5e-4


@dataclass(frozen=True)
class WholeTracklets:
    """`ms_tcn2` sees whole tracklets, one at a time, as published."""

    epochs: int = 50
    """A round."""
    rounds: int = 6
    """From clusters: the first round and those on labels of the round before."""
    seed: int = 42
    workers: int = 0
    """Processes that read features."""
    save_every: int = 0
    """Epochs after which `round_N/epoch_K.safetensors` is kept, beside the last one of each round;
    the published code keeps every one."""


@dataclass(frozen=True)
class Choices:
    """Settings of the decoder among which the other folds choose."""

    balance: tuple[float, ...] = (0.0, 0.25, 0.5)
    """Up to one half: beyond, the rhythm of ten seconds would outweigh what the frames say."""
    switch_cost: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    window_s: tuple[float, ...] = (10.0,)


@dataclass(frozen=True)
class Recipe(recipe.Plan):
    """All that a training run is told."""

    model: Mapping[str, Any] = field(default_factory=lambda: {"builder": "landmarks_tcn"})
    """`builder`, the network's, and its keyword arguments."""
    data: Data = field(default_factory=Data)
    loss: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of `loss.segmentation_loss`."""
    optimizer: Any = field(default_factory=OneCycle)
    """`OneCycle` for `landmarks_tcn`, `Adam` for `ms_tcn2`."""
    training: Any = field(default_factory=Crops)
    """`Crops` for `landmarks_tcn`, `WholeTracklets` for `ms_tcn2`."""
    decoding: Choices = field(default_factory=Choices)


def read_recipe(source: Path | str | Mapping[str, Any], changes: Iterable[str] = ()) -> Recipe:
    """A recipe from a YAML file, the name of one of this room's, or a mapping.

    Args:
        source: which.
        changes: `section.key=value`, made before anything is checked.

    Raises:
        RecipeError: no such file, no YAML, or all keys that nothing takes, at once.
    """
    sections, where = recipe.read(source, RECIPES)
    return _bind(recipe.change(sections, changes), where)


NETWORKS = ("landmarks_tcn", "ms_tcn2")
"""Those that train."""


def _layout(builder: str) -> dict[str, Callable[..., Any]]:
    from eyeline.systems.eye_contact.loss import segmentation_loss

    shared: dict[str, Callable[..., Any]] = {
        "data": Data,
        "loss": segmentation_loss,
        "decoding": Choices,
    }
    if builder == "ms_tcn2":
        from eyeline.systems.eye_contact.xgaze.model import ms_tcn2

        return {"model": ms_tcn2, "optimizer": Adam, "training": WholeTracklets, **shared}
    from eyeline.systems.eye_contact.landmarks.model import landmarks_tcn

    return {"model": landmarks_tcn, "optimizer": OneCycle, "training": Crops, **shared}


def _bind(sections: Mapping[str, Any], where: str) -> Recipe:
    builder, sections = recipe.network_of(sections, NETWORKS, where)
    layout = _layout(builder)
    bound = recipe.bind(sections, layout, where)
    made = Recipe(
        {"builder": builder, **bound["model"]}, Data(**bound["data"]), bound["loss"],
        layout["optimizer"](**bound["optimizer"]), layout["training"](**bound["training"]),
        Choices(**bound["decoding"]),
    )  # fmt: skip
    _check(made, where)
    return made


def _check(made: Recipe, where: str) -> None:
    faults = recipe.unknown_words([("data.labels", made.data.labels, LABELS)])
    if made.data.labels == "clusters" and made.builder != "ms_tcn2":
        faults.append("data.labels: clusters needs the network ms_tcn2")
    if not 0 < made.data.validation_share < 1:
        faults.append(f"data.validation_share is {made.data.validation_share}, not within (0, 1)")
    if getattr(made.training, "save_every", 0) < 0:
        faults.append(f"training.save_every is {made.training.save_every}; must be at least 0")
    for name in ("balance", "switch_cost", "window_s"):
        if not getattr(made.decoding, name):
            faults.append(f"decoding.{name} is empty")
    recipe.refuse(faults, where, made.as_dict())
