"""Reading a recipe: sections are keyword arguments, checked before any data is touched."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eyeline.errors import RecipeError

RECIPES = Path(__file__).parent / "recipes"
"""Where the recipes of this room lie."""


@dataclass(frozen=True)
class Optimizer:
    """AdamW with a rate that rises, then falls along a cosine."""

    learning_rate: float = 0.01
    """Highest rate."""
    weight_decay: float = 0.01
    warm_up: float = 0.2
    """Share of the steps in which the rate rises."""
    clip_norm: float = 5.0
    """Longest gradient."""


@dataclass(frozen=True)
class Training:
    """What one member sees in training."""

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
class Choices:
    """Settings of the decoder among which the other folds choose."""

    balance: tuple[float, ...] = (0.0, 0.25, 0.5)
    """Up to one half: beyond, the rhythm of ten seconds would outweigh what the frames say."""
    switch_cost: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    window_s: tuple[float, ...] = (10.0,)


@dataclass(frozen=True)
class Recipe:
    """All that a training run is told."""

    model: Mapping[str, Any] = field(default_factory=lambda: {"builder": "landmarks_tcn"})
    """`builder` and its keyword arguments."""
    loss: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of `loss.segmentation_loss`."""
    optimizer: Optimizer = field(default_factory=Optimizer)
    training: Training = field(default_factory=Training)
    decoding: Choices = field(default_factory=Choices)

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the builder."""
        return {name: value for name, value in self.model.items() if name != "builder"}

    def as_dict(self) -> dict[str, Any]:
        """The recipe as its file has it."""
        return asdict(self)


def read_recipe(source: Path | str | Mapping[str, Any]) -> Recipe:
    """A recipe from a YAML file, the name of one of this room's, or a mapping.

    Raises:
        RecipeError: no such file, no YAML, or all keys that nothing takes, at once.
    """
    if isinstance(source, Mapping):
        return _bind(source, "the recipe")
    path = Path(source)
    if not path.suffix:
        path = RECIPES / f"{source}.yaml"
    return _bind(_read_yaml(path), str(path))


def _read_yaml(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.yaml")))
        raise RecipeError(f"no recipe at {path}. Recipes of eye_contact: {known}") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path} should hold sections, it holds a {type(content).__name__}")
    return content


def _bind(sections: Mapping[str, Any], where: str) -> Recipe:
    from eyeline.systems.eye_contact.landmarks.model import landmarks_tcn
    from eyeline.systems.eye_contact.loss import segmentation_loss

    targets: dict[str, Callable[..., Any]] = {
        "model": landmarks_tcn,
        "loss": segmentation_loss,
        "optimizer": Optimizer,
        "training": Training,
        "decoding": Choices,
    }
    faults = [f"no section '{name}'" for name in sections if name not in targets]
    for name, target in targets.items():
        faults += _misfits(name, sections.get(name, {}), target)
    if faults:
        raise RecipeError(f"{where}: {'; '.join(faults)}. Sections: {', '.join(targets)}")
    decoding = {k: tuple(v) for k, v in sections.get("decoding", {}).items()}
    return Recipe(
        dict(sections.get("model", {"builder": "landmarks_tcn"})),
        dict(sections.get("loss", {})),
        Optimizer(**sections.get("optimizer", {})),
        Training(**sections.get("training", {})),
        Choices(**decoding),
    )


def _misfits(name: str, section: Any, target: Callable[..., Any]) -> list[str]:
    if not isinstance(section, Mapping):
        return [f"section '{name}' should hold keys, it holds {section!r}"]
    faults = []
    builder = section.get("builder", "landmarks_tcn")
    if name == "model" and builder != "landmarks_tcn":
        faults.append(f"model.builder '{builder}' is not known; builders that train: landmarks_tcn")
    keys = {"builder"} if name == "model" else set()
    known = {p.name: p.default for p in _settable(target)}
    for key, value in section.items():
        if key not in known and key not in keys:
            faults.append(f"{name}.{key} is not known; keys: {', '.join(known)}")
        elif key in known and not _alike(value, known[key]):
            faults.append(f"{name}.{key} is {value!r}; expected the like of {known[key]!r}")
    return faults


def _settable(target: Callable[..., Any]) -> list[inspect.Parameter]:
    """Parameters with a default that is a plain value."""
    return [
        p
        for p in inspect.signature(target).parameters.values()
        if isinstance(p.default, (bool, int, float, str, tuple))
    ]


def _alike(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) > 0
            and all(_alike(v, default[0]) for v in value)
        )
    if isinstance(default, bool) or isinstance(value, bool):
        return type(value) is type(default)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))
