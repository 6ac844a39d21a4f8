"""The steps of the authors' README by our commands, as `docs/original_readmes.md` has them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from eyeline import sample
from eyeline.systems.eye_contact import synthesize
from eyeline.systems.eye_contact.discovery.faces import make_finder
from eyeline.systems.eye_contact.tracklets import TrackletFile
from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50
from eyeline.systems.eye_contact.xgaze.model import ms_tcn2
from eyeline.video.reader import VideoReader, probe
from eyeline.video.writer import VideoWriter
from tests.conftest import Command
from tests.original_readmes import commands
from tests.systems.eye_contact.published import TEXT, write_folder

SMALL = [
    part
    for change in (
        "training.epochs=2", "model.layers_prediction=6", "model.layers_refinement=4",
        "model.refinements=1", "model.maps=16",
    )
    for part in ("--set", change)
]  # fmt: skip
TEST_VIDEO = ("id99999", "ttttttttttt")
SHORT_VIDEOS = ["--set", "seconds=[5, 720]", "--set", "points=[50, 30000]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder in which the README's commands are given, with `ROOT` and the authors' weights."""
    synthesize.run(tmp_path / "synthetic", clips=2)
    root = tmp_path / "ROOT"
    root.mkdir()
    clips = sorted((tmp_path / "synthetic" / "clips").glob("*/*.mp4"))
    _write_videos(root, clips)
    write_folder(root, {TEST_VIDEO: TEXT}, {TEST_VIDEO: [_tracklet(clips[0])]})
    torch.manual_seed(0)
    gaze = {"model_state": xgaze_resnet50().state_dict(), "epoch": 24}
    torch.save(gaze, tmp_path / "epoch_24_ckpt.pth.tar")
    torch.save(ms_tcn2().state_dict(), tmp_path / "weights.pth")
    _write_example(tmp_path / "example.mp4")
    return tmp_path


def _tracklet(clip: Path) -> TrackletFile:
    """The face of a clip's first frame for four seconds; it hardly moves."""
    (face, *_) = make_finder("centerface").find(next(iter(VideoReader(clip))))
    video = probe(clip)
    size = (video.width_px, video.height_px)
    six, box = np.rint(face.six_px) / size, np.rint(face.box_xyxy) / (*size, *size)
    return TrackletFile(10, np.tile(box, (100, 1)), np.tile(six, (100, 1, 1)))


def _write_videos(root: Path, clips: list[Path]) -> None:
    """Videos as the README calls them, one of the test, and VGGFace2's images of one celebrity."""
    rows = ["VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set "]
    for number, clip in enumerate(clips):
        celebrity, name = clip.parent.name, clip.stem.removesuffix("_fps25")
        place = root / "randomVox" / celebrity / f"{name}_25fps.mkv"
        place.parent.mkdir(parents=True)
        shutil.copy(clip, place)
        rows.append(f"{celebrity} ,n{number:06d} ,m ,dev ")
        faces = root / "VGG-Face2" / "data" / "train" / f"n{number:06d}"
        faces.mkdir(parents=True)
        for k, frame in enumerate(VideoReader(clip, rate_hz=0.3)):
            cv2.imwrite(str(faces / f"{k:04d}_01.jpg"), frame.rgb()[..., ::-1])
    celebrity, name = TEST_VIDEO
    (root / "randomVox" / celebrity).mkdir()
    shutil.copy(clips[0], root / "randomVox" / celebrity / f"{name}_25fps.mkv")
    (root / "vox_face_conversion.csv").write_text("\n".join(rows) + "\n")


def _write_example(path: Path) -> None:
    """One face for long enough to be segmented."""
    video = probe(sample.path())
    info = replace(video, width_px=400, height_px=480, rate_hz=Fraction(25))
    frames = [frame.rgb()[:, 14:414] for frame in VideoReader(sample.path())][:105]
    with VideoWriter(path, info, encode_threads=1) as writer:
        for k, pixels in enumerate(frames):
            writer.write(np.ascontiguousarray(pixels), k / 25, (k + 1) / 25)


@pytest.mark.slow
def test_every_command_of_the_table_runs(
    eyeline: Command, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    more = {"prepare eye_contact/voxceleb2": SHORT_VIDEOS, "train eye_contact/voxceleb2": SMALL}
    for arguments in commands("eye_contact"):
        done = eyeline(*arguments, *more.get(" ".join(arguments[:2]), ()))
        assert done.code == 0, (arguments, done.err)
        if arguments[1] == "eye_contact/test":
            assert json.loads(done.out)["tracklets"] == 1
            shutil.move("test_set", "test_set_from_videos")
            shutil.move("synthetic", "test_set")
        elif arguments[0] == "prepare":
            _check_prepared(root, json.loads(done.out))
            shutil.move("prepared", "from_videos")
            shutil.move("synthetic/training", "prepared")
    rounds = sorted(path.name for path in (root / "trained").glob("round_*"))
    assert rounds == [f"round_{number}" for number in range(6)]
    assert len([*(root / "iteration0" / "round_0").glob("epoch_*.safetensors")]) == 2
    for scores in ("scores", "scores0"):
        report = json.loads((root / scores / "report.json").read_text())
        assert report["seen_in_training"] == 0 and report["videos"] == 5
    for result in ("result", "tracked"):
        (analysis,) = (root / result).glob("**/analysis.json")
        assert "eye_contact" in analysis.read_text()


def _check_prepared(root: Path, summary: dict[str, object]) -> None:
    assert summary["videos"] == {"done": 2}
    assert summary["left_out"] == {"of the test set, or named to be left out": 1}
    for record in (root / "prepared").glob("*/tracklets/*/prepared.json"):
        assert json.loads(record.read_text())["identity"] == "images"
