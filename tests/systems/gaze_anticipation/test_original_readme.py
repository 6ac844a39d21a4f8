"""Slow: the commands that stand for the steps of CSTS' README, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from eyeline.video.audio import has_audio
from tests import original_readmes
from tests.systems.gaze_anticipation import test_prepare_aria as aria
from tests.systems.gaze_anticipation.test_weights import narrow_kinetics, theirs, trained

SMALLER = {
    "synthesize": [
        "--set", "videos=5", "--set", "test_videos=1", "--set", "seconds=15", "--set",
        "width_px=64",
    ],
    "train": [
        "--set", "model.width=8", "--set", "model.side=64", "--set", "model.frames=2", "--set",
        "data.smallest_side=64", "--set", "data.largest_side=72", "--set", "training.epochs=1",
        "--set", "training.batch_size=2",
    ],
    "evaluate": ["--set", "validation_clips=0", "--set", "threshold=0.03"],
}  # fmt: skip
OTHER = "loc2_script1_seq1_rec1"


@pytest.mark.slow
def test_each_step_has_a_command_that_runs(tmp_path: Path) -> None:
    torch.save({"model_state": narrow_kinetics()}, tmp_path / "K400_MVIT_B_16x4_CONV.pyth")
    torch.save(trained(theirs()), tmp_path / "csts_ego4d.pyth")
    aria.lists(aria.today(tmp_path / "AEA").parent)
    aria.today(tmp_path / "AEA", OTHER)
    lines = [f"{OTHER}/{OTHER}_t{s}_t{s + 4}.mp4\r\n" for s in (0, 2, 4, 6)]
    (tmp_path / "AEA" / "train_aria_gaze.csv").write_text("".join(lines))
    printed = original_readmes.run(tmp_path, "gaze_anticipation", SMALLER)
    clips = [*(tmp_path / "prepared" / "clips.gaze").glob("*/*.mp4")]
    assert len(clips) >= 10 and all(has_audio(path) for path in clips), "missing_audio/ too"
    for folder in ("clips.audio_24kHz", "clips.audio_24kHz_stft"):
        assert len([*(tmp_path / "prepared" / folder).glob("*/*")]) == len(clips), folder
    assert len([*(tmp_path / "prepared" / "gaze_frame_label").glob("*_frame_label.csv")]) == 6
    one, two = (json.loads(printed[name])["published"] for name in ("scores", "shared"))
    assert two == pytest.approx(one, abs=1e-3)
    report = json.loads((tmp_path / "trained" / "report.json").read_text("utf-8"))
    assert report["began_at"]["taken"] == 307
