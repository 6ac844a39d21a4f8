"""Training made small enough for tests: four blocks, small images, statistics that settle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset

from eyeline.systems.gaze_3d import prepare, synthesize
from eyeline.systems.gaze_3d.data import Windows
from eyeline.systems.gaze_3d.model import GazeFromAfar, gaze_from_afar
from eyeline.systems.gaze_3d.recipe import Recipe, read_recipe

TINY: dict[str, dict[str, Any]] = {
    "model": {"backbone": "small", "drop_connect": 0.1},
    "optimizer": {"learning_rate": 1e-3, "concentration_learning_rate": 1e-3},
    "training": {"epochs": 2, "batch_size": 2, "save_every": 1, "concentration_every": 2},
    "data": {"validation_interval": 2},
}
"""The recipe of a training that takes seconds."""


def plan(changes: Mapping[str, Mapping[str, Any]] | None = None) -> Recipe:
    """Of the shrunken network; sections of `changes` are added."""
    sections: dict[str, dict[str, Any]] = {
        "model": {"backbone": "small", "drop_connect": 0.0},
        "optimizer": {"learning_rate": 2e-3, "concentration_learning_rate": 2e-3},
        "training": {"batch_size": 8, "save_every": None},
        "data": {"validation_interval": 7},
    }
    for name, values in (changes or {}).items():
        sections[name] = {**sections.get(name, {}), **values}
    return read_recipe(sections)


def network(made: Recipe, seed: int = 0) -> GazeFromAfar:
    """With statistics that settle within tens of steps instead of hundreds."""
    torch.manual_seed(seed)
    net = gaze_from_afar(**made.arguments)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
    return net


class Reduced(Dataset[dict[str, Any]]):
    """Windows with images and masks of a fourth of the size, read once."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.items = [self._reduced(windows[i]) for i in range(len(windows))]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> dict[str, Any]:
        item = self.items[number]
        return {k: v.float() if torch.is_tensor(v) else v for k, v in item.items()}

    @staticmethod
    def _reduced(window: Any) -> dict[str, Any]:
        small = {k: F.avg_pool2d(window[k], 4).half() for k in ("clip", "head_mask")}
        return {**window, **small}

    def as_windows(self) -> Windows:
        """For functions that only take items of it."""
        return cast(Windows, self)


def made_data(folder: Path, **size: Any) -> Path:
    """A prepared synthetic set."""
    synthesize.run(folder / "raw", **size)
    summary = prepare.run(folder / "raw", folder / "data")
    assert not summary.failed
    return folder / "data"
