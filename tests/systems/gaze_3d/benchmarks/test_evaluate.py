"""Builders are measured on prepared stills: the packaged sample's people, whose looks are known."""

from __future__ import annotations

import json
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from eyeline import sample
from eyeline.errors import DataError, UsageError
from eyeline.evaluation.report import Report
from eyeline.geometry.camera import Camera
from eyeline.geometry.directions import angle, from_yaw_pitch, rotation_from_angles, to_yaw_pitch
from eyeline.systems.gaze_3d import answers
from eyeline.systems.gaze_3d.benchmarks import evaluate, prepare
from eyeline.systems.gaze_3d.model import GazeFromAfar
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.reader import VideoReader
from tests.conftest import Command
from tests.systems.gaze_3d.benchmarks import sets

PLACES = (0, 60, 100, 200)
"""Frames of the sample in which nobody blinks."""


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both people of the sample in frames that show both, and a still without anybody."""
    out = tmp_path_factory.mktemp("stills")
    frames = {f.index: f.rgb() for f in islice(VideoReader(sample.path()), max(PLACES) + 1)}
    truth = json.loads((sample.path().parent / "truth.json").read_text())
    camera = Camera.from_fov(854, 480)
    for person in truth["persons"]:
        rows = []
        for place in PLACES:
            yaw = person["yaw_deg"][place] + person["eye_yaw_deg"][place]
            aim = from_yaw_pitch(np.radians(yaw), np.radians(person["pitch_deg"][place]))
            eyes = np.array(person["eyes_px"][place])
            ray = to_yaw_pitch(-camera.rays(eyes))
            rows.append(
                (place, rotation_from_angles(*ray, np.zeros(())) @ aim, eyes, camera.matrix)
            )
        rows.append((250, rows[0][1], np.full(2, np.nan), camera.matrix))
        folder = out / f"{person['person']:04d}" / "0P"
        for place in PLACES:
            sets.write_image(folder / f"{place:06d}.jpg", frames[place])
        sets.write_image(folder / "000250.jpg", np.full((480, 854, 3), 90, np.uint8))
        prepare._write_labels(folder / prepare.LABELS, rows, {"version": prepare.VERSION})
    return out


@pytest.fixture(scope="module")
def report(stills: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    out = tmp_path_factory.mktemp("scores")
    return evaluate.run(None, stills, out), out


@pytest.mark.slow
def test_the_labelled_person_is_found_and_answered_for(report: tuple[Report, Path]) -> None:
    pooled = report[0]["pooled"]
    assert (pooled["frames"], pooled["persons"], pooled["missed"]) == (8, 2, 2)
    assert pooled["mean_deg"] < 30 < 40 < report[0]["camera"], "the wrong person or side"
    low, high = report[0]["interval"]["mean_deg"]
    assert low <= pooled["mean_deg"] <= high


@pytest.mark.slow
def test_figures_follow_from_the_tables(report: tuple[Report, Path]) -> None:
    figures, out = report
    result, truth = (answers.read(out / f"{name}.csv") for name in ("predictions", "truth"))
    assert len(truth) == 10 and json.loads((out / "report.json").read_text())["by_yaw"]
    place = {key: i for i, key in enumerate(truth.side("truth").keys)}
    label = truth.direction["gaze"][[place[key] for key in result.side("predictions").keys]]
    error = np.degrees(angle(result.direction["gaze"], label))
    assert (error[result.frame == 0] < 12).all(), "another frame's prediction, or no still alone"
    np.testing.assert_allclose(figures["pooled"]["mean_deg"], error.mean(), rtol=1e-3)
    np.testing.assert_allclose(figures["pooled"]["median_deg"], np.median(error), rtol=1e-3)
    assert sum(row["frames"] for row in figures["by_yaw"]) == 8
    assert sum(row["missed"] for row in figures["by_yaw"]) == 2


def test_bins_and_intervals_are_of_whole_persons() -> None:
    error = np.array([1.0, 3, 10, np.nan, 8, 8])
    rows = evaluate.by_yaw(
        error, np.array([0.0, 5, 14, 14, 180, 170]), np.array([0, 0, 1, 1, 0, 0])
    )
    near, back = rows
    assert (near["from_deg"], near["to_deg"]) == (0, 15)
    assert (near["frames"], near["persons"], near["missed"]) == (3, 2, 1)
    assert (near["mean_deg"], near["median_deg"]) == (14 / 3, 3)
    assert near["mean_deg_interval"] == [2, 10]  # the means of either person alone
    assert (back["from_deg"], back["frames"], back["mean_deg_interval"]) == (135, 2, None)


@pytest.mark.slow
def test_the_command_prints_degrees(eyeline: Command, stills: Path, tmp_path: Path) -> None:
    only = tmp_path / "one"
    shutil.copytree(stills / "0001", only / "0001")
    ended = eyeline("evaluate", "gaze_3d/columbia", "--data", only, "-o", tmp_path / "scores")
    assert ended.code == 0, ended.err
    printed = json.loads(ended.out)
    assert printed["pooled"]["frames"] == 4 and printed["by_yaw"][0]["missed"] == 1
    for several in (("--devices", "2"), ("--engine", "ray")):
        ended = eyeline("evaluate", "gaze_3d/columbia", "--data", only, *several)
        assert ended.code == 2 and "gaze_3d/columbia evaluates in one process" in ended.err


def test_a_builder_that_is_not_there_and_a_folder_without_labels(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    with pytest.raises(DataError, match="prepare it first"):
        evaluate.run(None, tmp_path)
    sets.columbia(tmp_path / "source")
    prepare.columbia(tmp_path / "source", tmp_path / "out")
    (tmp_path / "out" / "0007" / "0P").rename(tmp_path / "killed" / ".0P.1.partial")
    with pytest.raises(DataError, match="prepare it first"):
        evaluate.run(None, tmp_path / "killed")
    with pytest.raises(UsageError, match="builder is 'nobody'; accepted are rendered, head_pose"):
        evaluate.run(None, tmp_path / "out", builder="nobody")
    with pytest.raises(UsageError, match="needs weights of gaze_from_afar"):
        evaluate.run(None, tmp_path / "out", builder="gaze_from_afar")


@pytest.mark.slow
def test_images_without_a_face_are_no_benchmark(tmp_path: Path) -> None:
    sets.columbia(tmp_path / "source")
    prepare.columbia(tmp_path / "source", tmp_path / "out")
    with pytest.raises(DataError, match="no face was found in any of 3 images"):
        evaluate.run(None, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_network_is_measured_in_the_same_way(
    net: GazeFromAfar, stills: Path, tmp_path: Path
) -> None:
    shutil.copytree(stills / "0002", tmp_path / "one" / "0002")
    weights = tmp_path / "gaze_from_afar.safetensors"
    card = CheckpointCard("gaze_3d", "gaze_from_afar", {"frames": 7})
    checkpoint.save(weights, net.state_dict(), card)
    report = evaluate.run(weights, tmp_path / "one", builder="gaze_from_afar")
    assert (report["builder"], report["pooled"]["frames"]) == ("gaze_from_afar", 4)
    with pytest.raises(UsageError, match="none of the chosen builders takes"):
        evaluate.run(weights, tmp_path / "one", builder="head_pose")
