"""Training of a system whose networks have tasks of their own: a table, by the recipe's network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from eyeline.errors import RecipeError
from eyeline.evaluation.report import Report
from eyeline.log import Log
from eyeline.training import recipe as recipes
from eyeline.training.devices import Devices


@dataclass(frozen=True)
class ByBuilder:
    """Trains a recipe as of `task.Task.run`, by the task of the network that it names."""

    modules: Mapping[str, str]
    """Network -> the module that trains it, with a `TASK`, or with `TASKS` by network."""
    folders: tuple[Path, ...]
    """Of the system's recipes."""
    default: str | None = None
    """What a recipe trains that names no network; None refuses it."""

    @property
    def names(self) -> tuple[str, ...]:
        """All recipes of the system."""
        return tuple(name for folder in self.folders for name in recipes.names(folder))

    def resolved(self, recipe: Path | str | Mapping[str, Any]) -> Path | Mapping[str, Any]:
        """The file of a recipe's name; anything else as it is. RecipeError for an unknown name."""
        if isinstance(recipe, Mapping):
            return recipe
        files = [Path(recipe)] if Path(recipe).suffix else []
        files += [p for folder in self.folders if (p := folder / f"{recipe}.yaml").is_file()]
        if not files:
            raise RecipeError(f"no recipe '{recipe}'; there are {', '.join(self.names)}")
        return files[0]

    def builder_of(self, recipe: Path | Mapping[str, Any], changes: Sequence[str] = ()) -> str:
        """The network that a recipe trains; RecipeError where it names none that trains here."""
        sections, where = recipes.read(recipe, Path())
        changed = recipes.change(sections, changes)
        model = changed.get("model")
        if self.default is None and not (isinstance(model, Mapping) and "builder" in model):
            known = " or ".join(self.modules)
            raise RecipeError(f"{where} does not say what it trains: model.builder is {known}")
        order = sorted(self.modules, key=lambda name: name != self.default)
        builder, faults = recipes.network_of(changed, order)
        recipes.refuse(faults, where)
        return builder

    def __call__(
        self,
        recipe: Path | str | Mapping[str, Any],
        data: Path | str,
        out: Path | str,
        log: Log | None = None,
        /,
        *,
        changes: Sequence[str] = (),
        devices: Devices | None = None,
        weights: Path | None = None,
    ) -> Report:
        """Train; RecipeError where the recipe is not there or names another network."""
        given = self.resolved(recipe)
        builder = self.builder_of(given, changes)
        module = import_module(self.modules[builder])
        task = module.TASKS[builder] if hasattr(module, "TASKS") else module.TASK
        report: Report = task.run(
            given, data, out, log, changes=changes, devices=devices, weights=weights
        )
        return report
