"""The steps of the authors' READMEs by our commands, as `docs/original_readmes.md` has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from eyeline.systems.ego_social import synthesize
from eyeline.video.audio import write_wav
from tests.conftest import Command, Ended
from tests.original_readmes import commands
from tests.systems.ego_social.invented import GAZE360, LAM, SINGLE, TTM, their_tensors

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SHRUNKEN = ["model.width=4", "model.memory=8", "training.epochs=1"]
SMALLER = {
    "ego_social/lam": [*SHRUNKEN, "training.batch_size=8"],
    "ego_social/lam_gaze360": ["training.epochs=1", "training.batch_size=2", "data.stride=60"],
    "ego_social/ttm": [*SHRUNKEN, "model.voice_width=4"],
}
"""Changes to recipes; what begins at Gaze360 has its size."""
PUBLISHED = {
    "lam-best.pth": LAM, "lam-gaze360-best.pth": SINGLE, "ttm-best.pth": TTM,
    "gaze360_model.pth.tar": GAZE360,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder in which the README's commands are given."""
    synthesize.run(
        tmp_path / "data", clips=3, val_clips=1, test_clips=1, seconds=4, width_px=320,
        full_length=True,
    )  # fmt: skip
    for file, network in PUBLISHED.items():
        state = their_tensors(network)
        torch.save({"epoch": 0, "state_dict": state, "mAP": np.float64(0.5)}, tmp_path / file)
    crops = [tmp_path / "videos_challenge" / "video" / "track" / f"{k}_id{k}.jpg" for k in range(8)]
    crops += [tmp_path / "final_test_data" / "segment" / "face" / f"{k}.jpg" for k in range(6)]
    for k, path in enumerate(crops):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.random.default_rng(k).integers(0, 255, (224, 224, 3)))
    audio = tmp_path / "final_test_data" / "segment" / "audio" / "aud.wav"
    audio.parent.mkdir()
    write_wav(audio, np.random.default_rng(0).integers(-9000, 9000, 6400), 16_000)
    return tmp_path


def test_every_command_of_the_tables_runs(
    eyeline: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for arguments in commands("ego_social"):
        changes = SMALLER[arguments[1]] if arguments[0] == "train" else []
        command = [*arguments, *(part for change in changes for part in ("--set", change))]
        done = on_processes(command) if "--devices" in command else eyeline(*command)
        assert done.code == 0, (arguments, done.err)
    cut = [path.stem for path in (folder / "clips" / "videos").glob("*.mp4")]
    there = [path.parent.name for path in (folder / "prepared").glob("clips/*/index.npz")]
    assert sorted(cut) == sorted(there) and len(cut) == 5
    for name in ("scores_lam", "scores_gaze360", "scores_ttm"):
        report = read(folder / name / "report.json")
        assert report["rows"] and (folder / name / "gt.csv").is_file()
    for task, name in (("lam", "ego4d_looking_at_me"), ("ttm", "ego4d_talking_to_me")):
        for kind in ("test", "challenge"):
            submission = read(folder / f"{kind}_{task}" / "submission.json")
            assert submission["challenge"] == name and submission["results"]
    assert json.loads(done.out)["published"] == read(folder / "scores_lam/report.json")["published"]


def on_processes(command: list[str]) -> Ended:
    """Each process runs the same command, which needs a program of its own."""
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-m", "eyeline", *command], capture_output=True, text=True,
        timeout=600, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
