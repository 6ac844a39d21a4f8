"""Frames to candidates: as the published way finds them, whatever the frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.systems.gaze_following.detector import inputs
from eyeline.systems.gaze_following.detector.detections import Finding, find
from eyeline.systems.gaze_following.detector.infer import CandidateDetector
from tests.systems.gaze_following.conftest import Array
from tests.systems.gaze_following.detector.invented import saved, small, squares


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("weights") / "mask_rcnn.safetensors", fusion="hs")


@pytest.fixture(scope="module")
def frames() -> list[Array]:
    return [squares(i, size)[0] for i, size in enumerate([(96, 64), (96, 64), (64, 96)])]


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_as_published(weights: Path, frames: list[Array], at_once: int) -> None:
    detector = CandidateDetector(weights, short_px=64, at_once=at_once, threads=1)
    assert detector.fusion == "hs"
    given = detector.find(frames)
    assert len(given) == 3 and sum(len(g.score) for g in given) > 3
    for frame, candidates in zip(frames, given, strict=True):
        shown = inputs.show(frame, short_px=64)
        with torch.inference_mode():
            wanted = find(small(), shown.pixels[None], [shown], Finding())[0]
        np.testing.assert_allclose(candidates.box_xyxy, wanted.box_xyxy, atol=1e-2)
        np.testing.assert_allclose(candidates.score, wanted.score, atol=1e-4)
        assert candidates.box_xyxy.dtype == np.float64
        assert bool((np.diff(candidates.score) <= 0).all())
        h, w = frame.shape[:2]
        assert bool(
            (candidates.box_xyxy <= [w, h, w, h]).all() and (candidates.box_xyxy >= 0).all()
        )


def test_switches_and_torch_is_left_as_it_was(weights: Path, frames: list[Array]) -> None:
    few = CandidateDetector(weights, short_px=64, proposals=3, threads=1)
    assert all(len(c.score) <= 3 for c in few.find(frames))
    sure = CandidateDetector(weights, short_px=64, score=1.0, threads=1)
    assert [c.box_xyxy.shape for c in sure.find(frames)] == [(0, 4)] * 3
    most = CandidateDetector(weights, short_px=64, score=0.0, most=2, threads=1)
    assert [len(c.score) for c in most.find(frames)] == [2] * 3
    assert most.find([]) == []
    detector = CandidateDetector(weights, short_px=64, threads=2)
    detector.find(frames[:1])
    assert torch.get_num_threads() == 1 and torch.is_grad_enabled()


def test_odd_frames_and_numbers(weights: Path, tmp_path: Path) -> None:
    detector = CandidateDetector(weights, short_px=64, threads=1)
    assert len(detector.find([np.zeros((7, 5, 3), np.uint8)])) == 1
    with pytest.raises(DataError, match="h w 3"):
        detector.find([np.zeros((7, 5), np.uint8)])
    for odd in ({"proposals": 0}, {"short_px": 16}, {"most": 0}, {"at_once": 0}):
        with pytest.raises(UsageError, match="at least 1, 1, 1 and 32"):
            CandidateDetector(weights, **odd)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        CandidateDetector(weights, "cuda:99")
    with pytest.raises(CheckpointError):
        CandidateDetector(tmp_path / "absent.safetensors")
