"""Synthetic recordings, prepared, and recipes for networks that are quick to train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyeline.systems.gaze_anticipation import prepare, synthesize
from eyeline.systems.gaze_anticipation.recipe import Recipe, read_recipe

SMALL: dict[str, Any] = {
    "data": {"smallest_side": 64, "largest_side": 72, "validation_fraction": 0.3},
    "model": {"frames": 2, "side": 64, "width": 8, "layers": [1, 1, 1, 1], "embedding": 8},
    "optimizer": {"learning_rate": 1e-3},
    "training": {"epochs": 2, "batch_size": 2, "save_every": 2, "seed": 0},
}


def plan(*changes: str) -> Recipe:
    """A recipe of a small network."""
    return read_recipe(SMALL, changes)


def prepared(root: Path, **options: Any) -> Path:
    """A data set of 64 pixels; by default 4 videos to train on with 11 clips, 1 to test with 3."""
    sizes = {"videos": 4, "test_videos": 1, "seconds": 15, "width_px": 64, **options}
    synthesize.run(root / "raw", **sizes)
    assert not prepare.run(root / "raw", root / "data").failed
    return root / "data"
