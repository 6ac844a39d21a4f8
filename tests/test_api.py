"""The Python face: analyze, load_analysis, load_model."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

import eyeline
from eyeline import sample
from eyeline.errors import CheckpointError, DataError, UsageError, VideoError
from eyeline.training import checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, analysed and written."""
    analysis = eyeline.analyze(sample.path(), out=tmp_path_factory.mktemp("api"), video=False)
    assert analysis.folder is not None
    return analysis.folder


def test_analyze_in_memory_writes_nothing_and_is_the_same(folder: Path) -> None:
    written, memory = eyeline.load_analysis(folder), eyeline.analyze(sample.path(), video=False)
    assert memory.folder is None
    assert [a.name for a in memory.answers] == [a.name for a in written.answers]
    for ours, theirs in zip(memory.answers, written.answers, strict=True):
        for name, value in vars(ours).items():
            if isinstance(value, np.ndarray):
                kind = value.dtype.kind == "f"
                assert np.array_equal(value, getattr(theirs, name), equal_nan=kind), name


def test_no_number_has_more_than_nine_digits(folder: Path) -> None:
    analysis = eyeline.load_analysis(folder)
    for result in (analysis.people, *analysis.answers):
        for name, value in vars(result).items():
            if isinstance(value, np.ndarray) and value.dtype == np.float64 and name[-2:] != "_s":
                nine = [float(f"{v:.9g}") for v in value.ravel().tolist()]
                np.testing.assert_array_equal(value.ravel(), nine, err_msg=name)


def test_answers_are_found_by_name(folder: Path) -> None:
    analysis = eyeline.load_analysis(folder)
    assert len(analysis.persons) == 2
    assert analysis.directions("gaze").direction.shape == (len(analysis.people), 3)
    assert set(analysis.scores("eye_contact").person) == {1, 2}
    assert analysis.points().target.max() <= 2
    with pytest.raises(DataError, match="no scores called 'love'"):
        analysis.scores("love")


def test_a_rate_analyses_fewer_frames() -> None:
    slow = eyeline.analyze(sample.path(), rate_hz=5, systems=("gaze_3d",), video=False)
    frames = np.unique(slow.people.frame)
    assert len(frames) == pytest.approx(52, abs=2)
    assert set(np.diff(frames)) == {5}


@pytest.mark.parametrize("name", ["landmarks_tcn", "eye_contact/landmarks_tcn"])
def test_shipped_networks_load_by_name(name: str) -> None:
    import torch

    network = eyeline.load_model(name)
    assert not network.training
    with torch.inference_mode():
        assert network(torch.zeros(1, 81, 50)).shape == (1, 50)


def test_a_file_knows_its_builder(tmp_path: Path) -> None:
    from eyeline.models import shipped

    card, state = checkpoint.load(shipped()["eye_contact/landmarks_tcn"])
    checkpoint.save(tmp_path / "mine.safetensors", state, card)
    ours, theirs = (
        eyeline.load_model(tmp_path / "mine.safetensors"),
        eyeline.load_model("landmarks_tcn"),
    )
    assert all(
        bool((a == b).all())
        for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    )


def test_what_is_no_model_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="landmarks_tcn"):
        eyeline.load_model("resnet")
    with pytest.raises(CheckpointError, match="no such file"):
        eyeline.load_model(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        eyeline.load_model(tmp_path / "text.safetensors")


def test_what_is_no_video_or_analysis_is_reported(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"none\.mp4"):
        eyeline.analyze(tmp_path / "none.mp4")
    with pytest.raises(DataError, match=r"analysis\.json"):
        eyeline.load_analysis(tmp_path)


def test_analyze_stays_a_function_once_it_has_run(folder: Path) -> None:
    assert inspect.isfunction(eyeline.analyze)
