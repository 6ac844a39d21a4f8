"""Slow: the commands that stand for the steps of GAFA's README, one after the other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from eyeline import sample
from tests import original_readmes
from tests.systems.gaze_3d.invented import their_tensors

SMALLER = {
    "synthesize": [
        "--set", "sessions=2", "--set", "test_sessions=1", "--set", "frames=16", "--set",
        "width_px=96",
    ],
    "train": [
        "--set", "model.backbone=small", "--set", "training.epochs=1", "--set",
        "training.batch_size=4",
    ],
    "analyze": ["--rate", "5"],
}  # fmt: skip


@pytest.mark.slow
def test_each_step_has_a_command_that_runs(tmp_path: Path) -> None:
    torch.save({"state_dict": their_tensors(), "epoch": 9}, tmp_path / "gazenet_GAFA.pth")
    shutil.copy(Path(sample.__file__).with_name("sample.mp4"), tmp_path / "street.mp4")
    printed = original_readmes.run(tmp_path, "gaze_3d", SMALLER)
    assert (tmp_path / "shown.png").is_file()
    assert (tmp_path / "analysis" / "street" / "analysis.json").is_file()
    created = json.loads(printed["scores"])
    names = [line.split(":")[0] for line in created["published_table"]]
    assert names == [f"MAE ({d} {s})" for s in ("front", "back", "all") for d in ("3D", "2D")]
    shared = json.loads(printed["shared"])
    assert shared["pooled"]["3d_all"] == pytest.approx(created["pooled"]["3d_all"], rel=1e-4)
