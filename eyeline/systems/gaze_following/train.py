"""Training by a recipe: of a detector of what is looked at, of a matcher of looks, of Gaze-LLE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from eyeline.errors import RecipeError
from eyeline.log import Log
from eyeline.systems.gaze_following import detector, gaze_lle, matching
from eyeline.training import recipe as recipes
from eyeline.training.devices import Devices
from eyeline.training.task import Report

PACKAGES = {"mask_rcnn": detector, "matcher": matching, "gaze_lle": gaze_lle}
"""Of the networks that train here."""
BUILDERS = tuple(PACKAGES)
RECIPES = {
    package: Path(package.__file__ or "").parent / "recipes" for package in PACKAGES.values()
}
"""Folders of the recipes, by what they train."""


def run(
    recipe: Path | str | Mapping[str, Any],
    data_dir: Path | str,
    out_dir: Path | str,
    progress: Log | None = None,
    *,
    changes: Sequence[str] = (),
    devices: Devices | None = None,
    weights: Path | None = None,
) -> Report:
    """Train a recipe, as of `training.task.Task.run` and its `open_data` of the network's package.

    Raises:
        RecipeError: the recipe is not there or names another network; or as of `Task.run`.
    """
    result = resolved(recipe)
    chosen = import_module(f"{PACKAGES[builder_of(result, changes)].__name__}.train")
    report: Report = chosen.run(
        result, data_dir, out_dir, progress, changes=changes, devices=devices, weights=weights
    )
    return report


def resolved(recipe: Path | str | Mapping[str, Any]) -> Path | Mapping[str, Any]:
    """The file of a recipe's name; anything else as it is. RecipeError for an unknown name."""
    if isinstance(recipe, Mapping):
        return recipe
    if Path(recipe).suffix:
        return Path(recipe)
    for file in (folder / f"{recipe}.yaml" for folder in RECIPES.values()):
        if file.is_file():
            return file
    raise RecipeError(f"no recipe '{recipe}'; there are {', '.join(names())}")


def names() -> tuple[str, ...]:
    """All recipes of this system."""
    return tuple(name for folder in RECIPES.values() for name in recipes.names(folder))


def builder_of(recipe: Path | Mapping[str, Any], changes: Sequence[str] = ()) -> str:
    """The network that a recipe trains; RecipeError where it names none that trains here."""
    sections, where = recipes.read(recipe, Path())
    changed = recipes.change(sections, changes)
    model = changed.get("model")
    if not isinstance(model, Mapping) or "builder" not in model:
        raise RecipeError(
            f"{where} does not say what it trains: model.builder is {' or '.join(BUILDERS)}"
        )
    builder, faults = recipes.network_of(changed, BUILDERS)
    recipes.refuse(faults, where)
    return builder
