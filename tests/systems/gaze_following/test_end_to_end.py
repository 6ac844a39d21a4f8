"""From synthetic conversations to scores: both networks learn and are measured on unseen videos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from eyeline.systems.gaze_following import evaluate, formats, score, synthesize, train
from eyeline.systems.gaze_following.matching import data
from eyeline.training import checkpoint
from tests.systems.gaze_following.detector.invented import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SET: dict[str, Any] = {
    "videos": 16, "validation_videos": 4, "test_videos": 10, "seconds": 6.0, "width_px": 192,
    "image_every": 25,
}  # fmt: skip
DETECTOR: dict[str, Any] = {
    "model": {"builder": "mask_rcnn", **SMALL, "depths": list(SMALL["depths"])},
    "data": {"fusion": "hs", "short_px": 108, "workers": 0},
    "samples": {"anchors": 64, "regions": 32, "proposals_before": 200, "proposals": 100},
    "optimizer": {
        "learning_rate": 0.01, "warm_up_steps": 20, "drop_epochs": [3], "clip_norm": 5.0,
    },
    "training": {
        "epochs": 4, "batch_size": 4, "frozen_stages": 0, "validate_masks": False,
        "select": "box_AP",
    },
}  # fmt: skip
QUICK = ["training.epochs=20", "training.batch_size=128"]


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Cores that others use make several threads many times slower."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.fixture(scope="module")
def root(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "set"
    created = synthesize.run(out, **SET)
    assert 15 < created["direction_error_deg"] < 30
    return out


@pytest.fixture(scope="module")
def matcher(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("matcher")
    train.run("matcher", root, out, changes=QUICK)
    return out / "matcher.safetensors"


@pytest.fixture(scope="module")
def detector(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("detector")
    train.run(DETECTOR, root, out)
    return out / "mask_rcnn.safetensors"


def test_the_matcher_beats_what_needs_no_training(
    root: Path, matcher: Path, tmp_path: Path
) -> None:
    """Look by look on unseen videos; whole videos are drawn for the intervals."""
    created = evaluate.run(matcher, root, tmp_path, samples=500)
    assert created["pooled"]["videos"] == 10
    assert not _videos(root, "test") & {*checkpoint.read_card(matcher).data["videos"]}
    for name in ("nearest_object", "surest_object", "middle"):
        gained = created["gains"][name]
        for figure in ("right_target", "right_person", "auc", "l2_average", "angle_deg"):
            assert gained[figure]["better"] is True, (name, figure, gained[figure])
        assert gained["right_target"]["difference"] > 0.2
    again = score.run(
        tmp_path / "predictions.csv", root / data.TRUTH, size="192x108",
        split=str(root / "test.txt"), speakers=str(root / "speakers.csv"), samples=0,
    )  # fmt: skip
    for name in ("auc", "l2_average", "right_person", "in_out_ap"):
        assert again["pooled"][name] == pytest.approx(created["pooled"][name], abs=1e-9)


def test_who_speaks_helps(root: Path, matcher: Path, tmp_path: Path) -> None:
    """Against a matcher that never knew; each is the best that its training found."""
    train.run("matcher", root, tmp_path, changes=[*QUICK, "training.mute=1"])
    silent = tmp_path / "matcher.safetensors"
    compared = evaluate.run(matcher, root, samples=500, without=silent)["speakers"]
    assert compared["at_speaker"]["looks"] > 100
    for figure in ("right_person", "l2_average", "auc"):
        assert compared["at_speaker"][figure]["better"] is True, compared["at_speaker"][figure]
    assert compared["all"]["l2_average"]["difference"] < 0


def test_the_detector_finds_what_is_looked_at(
    root: Path, detector: Path, matcher: Path, tmp_path: Path
) -> None:
    """Far better than an untrained one; and the matcher goes on with what it finds."""
    created = evaluate.run(detector, root, tmp_path / "learned", split="test2017", masks=False)
    card = checkpoint.read_card(detector)
    torch.manual_seed(0)
    blank = tmp_path / "blank.safetensors"
    from eyeline.systems.gaze_following.detector.model import mask_rcnn

    checkpoint.save(blank, mask_rcnn(**card.arguments).state_dict(), card)
    before = evaluate.run(blank, root, split="test2017", masks=False)
    assert created["bbox"]["mAP_50"] > before["bbox"]["mAP_50"] + 0.1
    result = formats.read_candidates_csv(tmp_path / "learned" / "candidates.csv")
    assert len({one.name for one in result}) > 0.9 * created["pictures"]
    again = evaluate.run(matcher, _with(root, result, tmp_path / "data"), samples=300)
    for name in ("nearest_object", "middle"):
        assert again["gains"][name]["l2_average"]["better"] is True


def _with(root: Path, found: list[formats.Candidates], folder: Path) -> Path:
    """A data folder of the looks in the images that the detector saw, with what it found."""
    folder.mkdir()
    frames = {_frame(one.name) for one in found}
    formats.write_candidates_csv(folder / "candidates.csv", found)
    looks = [r for r in formats.read_truth(root / data.TRUTH) if _frame(r.name) in frames]
    formats.write_truth(folder / data.TRUTH, looks)
    for name in ("sizes.csv", "speakers.csv", "directions.csv", "test.txt"):
        (folder / name).write_bytes((root / name).read_bytes())
    return folder


def _frame(name: str) -> tuple[str, int]:
    parts = formats.parse_name(name)
    return parts.video, parts.frame


def _videos(root: Path, split: str) -> set[str]:
    return {*(root / f"{split}.txt").read_text(encoding="utf-8").split()}
