"""Slow: the commands that stand for the steps of VGS's README, one after the other."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline import sample
from eyeline.systems.gaze_following import formats, speaker_files, synthesize
from tests import original_readmes
from tests.speech.syncnet import conftest as syncnet
from tests.systems.gaze_following.detector import invented

SET = {
    "videos": 1, "validation_videos": 1, "test_videos": 1, "seconds": 2.0, "width_px": 160,
}  # fmt: skip
MODEL = {**invented.SMALL, "depths": "[1,1,1,1]"}
TRAIN = {
    **{f"model.{name}": value for name, value in MODEL.items()},
    "data.short_px": 90, "data.workers": 0, "samples.anchors": 32, "samples.regions": 16,
    "samples.proposals_before": 100, "samples.proposals": 50, "training.epochs": 1,
    "training.validate_masks": "false", "training.batch_size": 4, "training.frozen_stages": 0,
    "optimizer.drop_epochs": "[]",
}  # fmt: skip


def options(chosen: dict[str, object]) -> list[str]:
    return [part for name, value in chosen.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of weights under the authors' names, and a video."""
    joblib = pytest.importorskip("joblib")  # scikit-learn brings it
    from sklearn.neural_network import MLPRegressor

    blank = {name: torch.zeros(shape) for name, shape in invented.their_shapes().items()}
    torch.save({"state_dict": blank, "meta": {}}, tmp_path / "epoch_12.pth")
    torch.save(syncnet.their_tensors(), tmp_path / "syncnet_v2.model")
    points = np.random.default_rng(0).random((40, 2)) * 200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        regressor = MLPRegressor(max_iter=4, random_state=0).fit(points, points[:, 0])
    joblib.dump(regressor, tmp_path / "model_mlp.m")
    shutil.copy(Path(sample.__file__).with_name("sample.mp4"), tmp_path / "talk.mp4")
    synthesize.run(tmp_path / "made", **SET)  # type: ignore[arg-type]
    for name in ("faces.pckl", "scene.pckl"):
        (tmp_path / "faces").mkdir(exist_ok=True)
        shutil.copy(tmp_path / "made/pywork/001" / name, tmp_path / "faces")
    return tmp_path


@pytest.mark.slow
def test_each_step_has_a_command_that_runs(folder: Path) -> None:
    printed = original_readmes.run(folder, "gaze_following", {
        "synthesize": options(SET), "train": options(TRAIN),
        "evaluate": ["--set", "proposals=50"], "analyze": ["--rate", "5"],
    })  # fmt: skip
    for name in ("from_video", "by_syncnet", "from_files", "fused", "coco", "demo", "final"):
        assert json.loads(printed[name])["failed"] == {}, name
    work = folder / "by_syncnet/speaker_detect/pywork/001"
    speaks = speaker_files.read_array(work / "whospeaks.npy", 1)
    lips = speaker_files.read_array(work / "V_feats.npy", 3)
    assert lips.shape[1:] == (len(speaks), 1024) and np.isfinite(speaks).all()
    assert len(speaker_files.read_offsets(work / "offsets.txt")) == len(lips)
    created = {p.name for p in (folder / "fused").iterdir()}
    assert {"001", "002", "003"} <= created
    best = formats.read_best(folder / "demo/best_gaze/001.csv")
    assert best and all(np.isfinite(row.slope) for row in best)
    assert formats.read_best(folder / "final/best_gaze/001.csv") == best
    assert json.loads((folder / "scores.json").read_text())["pooled"]["rows"] > 0
    assert {"bbox", "segm"} <= json.loads((folder / "scores/report.json").read_text()).keys()
    assert (folder / "analysis/talk/analysis.json").is_file()
