"""Slow: two processes train as one does with the joined batch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from eyeline.systems.gaze_anticipation import train
from eyeline.systems.gaze_anticipation.model import csts
from eyeline.training import checkpoint
from tests.systems.gaze_anticipation.made_up import SMALL, plan, prepared

pytestmark = pytest.mark.slow

SCRIPT = """
import json, os, sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
torch.set_num_threads(1)
from eyeline.systems.gaze_anticipation import train
from eyeline.training.devices import Devices
made = train.run(json.loads({recipe!r}), {data!r}, {out!r}, devices=Devices(count=2))
Path({out!r} + f".ended.{{os.getpid()}}").write_text(str(len(made)))
"""
RECIPE: dict[str, Any] = {
    **SMALL,
    # what goes past a block is drawn by each process for itself
    "model": {**SMALL["model"], "drop_path": 0.0},
    "loss": {"contrast": 0.5},
    "training": {**SMALL["training"], "batch_size": 4, "select": "last"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("made"))


def in_two(data: Path, out: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """Train in a script of two processes, of which one makes a report."""
    script = out.with_suffix(".py")
    root, told = str(Path(__file__).parents[3]), json.dumps(recipe)
    script.write_text(SCRIPT.format(root=root, recipe=told, data=str(data), out=str(out)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=500
    )
    ended = [int(path.read_text()) for path in out.parent.glob(f"{out.name}.ended.*")]
    assert len(ended) == 2 and min(ended) == 0 < max(ended), done.stderr
    made: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return made


def test_two_processes_learn_as_one(data: Path, tmp_path: Path) -> None:
    """The same curve and weights: each sees half of every batch, and contrasts it with all of it.

    With gradients of the contrast from each process's own half the curves part at once.
    """
    alone = train.run(RECIPE, data, tmp_path / "one")
    shared = in_two(data, tmp_path / "two", RECIPE)
    for ours, theirs in zip(alone["history"], shared["history"], strict=True):
        assert ours["steps"] == theirs["steps"] == 2
        for name in ("loss", "divergence", "contrast", "validation_loss"):
            assert theirs[name] == pytest.approx(ours[name], rel=1e-5), name
    one, two = (checkpoint.load(tmp_path / n / "csts.safetensors")[1] for n in ("one", "two"))
    torch.manual_seed(0)
    fresh = csts(**plan("model.drop_path=0.0").arguments).state_dict()
    moved = torch.cat([(one[k] - fresh[k]).flatten() for k in one])
    apart = torch.cat([(one[k] - two[k]).flatten() for k in one])
    assert float(moved.norm()) > 0.1, "they did learn"
    assert float(apart.norm()) < 0.01 * float(moved.norm())
