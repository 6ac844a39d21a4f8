"""Evaluation from weights and a prepared data set to report, tables and maps."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.datasets import listed
from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.system import load_system
from eyeline.systems.gaze_anticipation import evaluate, predictions, score
from eyeline.systems.gaze_anticipation.scoring import levels
from tests.systems.gaze_anticipation import judged
from tests.systems.gaze_anticipation.invented import golden

KINDS = {"anticipation": "Forecast", "estimation": "Estimation"}
SMALLER = {"frames": 2, "width": 8, "layers": (1, 1, 1, 1)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    return judged.weights(path, arguments=SMALLER)


@pytest.fixture(scope="module")
def made(weights: Path, judged_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("out")
    known: list[str] = []
    result = evaluate.run(weights, judged_data, out, known.append, samples=50, fov_deg=82)
    return result, out, known


def test_the_report(made: Any) -> None:
    result, out, known = made
    assert json.loads((out / "report.json").read_text()) == result
    assert result["task"] == "anticipation" and result["builder"] == "csts"
    assert {*result["pooled"]} == {"csts", "centre_prior", "last_gaze", "training_prior"}
    for row in result["pooled"].values():
        assert None not in row.values() and 0 <= row["f1"] <= 1 and row["angle_deg"] > 0
    assert result["counts"]["frames"] == 4 * 2 and result["counts"]["videos"] == 2
    assert len(result["by_horizon"]) == 2 and result["seen_in_training"] == 0
    assert result["json_stats"] in known
    assert known[:2] == ["4 of 4 clips", "held out: 2 of 2 clips"]
    assert "without audio, heard as silence: bb" in result["notes"] and result["notes"][-1] in known
    assert result["thresholds"]["clips"] == 2
    assert result["thresholds"]["csts"] == result["pooled"]["csts"]["threshold"]
    assert "learned from them, too" in result["thresholds"]["chosen_on"]


def test_files_score_the_same(made: Any, judged_data: Path) -> None:
    result, out, _ = made
    for truth in (out / "truth.csv", judged_data):
        threshold = result["thresholds"]["csts"]
        again = score.run(
            out / "predictions.csv", truth, samples=50, fov_deg=82, threshold=threshold
        )
        assert again["published"] == result["published"]
        assert again["pooled"]["predictions"] == result["pooled"]["csts"]
        assert again["interval"]["predictions"] == result["interval"]["csts"]
        assert again["json_stats"] == result["json_stats"]


def test_points_are_where_maps_are_largest(made: Any) -> None:
    _, out, _ = made
    table = predictions.read_predictions(out / "predictions.csv")
    assert ((table.probability > 0) & (table.probability < 1)).all()
    from eyeline.systems.gaze_anticipation.scoring import map_files
    from eyeline.systems.gaze_anticipation.windows.spatial import central_view

    ((_, maps),) = map_files.read(out / "predictions.parquet", table)
    square = central_view(60, 64, 64)
    for xy, one in zip(table.xy, maps, strict=True):
        column, row = np.rint(square.into(xy[None])[0] * 16).astype(int)
        assert one[row, column] == one.max()


def test_estimation_of_all_frames(weights: Path, judged_data: Path, tmp_path: Path) -> None:
    clip = tmp_path / "one.list"
    clip.write_text("ba/ba_t5_t10.mp4\n")
    result = evaluate.run(
        weights, judged_data, split=str(clip), task="estimation", full_frames=True, samples=0,
        validation_clips=0,
    )  # fmt: skip
    assert result["task"] == "estimation" and result["full_frames"]
    # of 24 windows a clip the small network answers for the first and the last frame
    again = next(note for note in result["notes"] if "met again" in note)
    assert result["counts"]["frames"] + int(again.split()[0]) == 24 * 2
    assert result["thresholds"]["chosen_on"].startswith("none") and result["interval"] is None
    assert result["pooled"]["csts"]["f1"] is None and "training_prior" not in result["pooled"]
    thresholds = levels.sweep("ego4d", "estimation")
    assert min(abs(thresholds - result["published"]["threshold"])) < 1e-12


def test_as_the_weights_were_trained(judged_data: Path, tmp_path: Path) -> None:
    """Task, audio, threshold and videos of their card; told where something differs."""
    given = judged.weights(
        tmp_path / "w.safetensors", arguments=SMALLER,
        recipe={"data": {"task": "estimation", "with_audio": False, "dataset": "aria",
                         "validation_fraction": 0.3}},
        data={"videos": ["aa", "ba"], "held_out_videos": ["bb", "ab"]},
        settings={"threshold": 0.0421},
    )  # fmt: skip
    result = evaluate.run(given, judged_data, samples=0)
    assert result["task"] == "estimation" and not result["audio"]
    assert result["seen_in_training"] == 1
    assert result["thresholds"]["csts"] == levels.threshold_of(levels.nearest(0.0421))
    assert result["thresholds"]["csts_by"] == "the weights"
    assert "the weights were trained for aria, these clips are of ego4d" in result["notes"]
    assert "the epoch of these weights was chosen by 1 of these videos" in result["notes"]
    other = evaluate.run(given, judged_data, samples=0, task="anticipation")
    assert "csts_by" not in other["thresholds"] and other["thresholds"]["clips"] == 2
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / evaluate.MAPS).write_bytes(b"of another run")
    heard = evaluate.run(
        given, judged_data, samples=0, task="anticipation", audio=True, threshold=0.02,
        validation_clips=0, maps=False, out_dir=tmp_path / "out",
    )  # fmt: skip
    assert heard["task"] == "anticipation" and heard["audio"]
    assert heard["thresholds"]["csts"] == pytest.approx(0.02)
    assert heard["thresholds"]["csts_by"] == "given"
    assert any("trained for estimation, these clips are of anticip" in n for n in heard["notes"])
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"truth.csv", "predictions.csv", "report.json"}


@pytest.mark.parametrize("task", ["anticipation", "estimation"])
def test_aria(weights: Path, task: str, tmp_path: Path) -> None:
    """Its thresholds, and the steps of its frames."""
    data = judged.recorded(tmp_path / "data", "aria")
    result = evaluate.run(weights, data, tmp_path / "out", task=task, samples=0)
    assert result["dataset"] == "aria" and result["thresholds"]["chosen_on"].startswith(
        "none: there"
    )
    thresholds = levels.sweep("aria", task)
    assert min(abs(thresholds - result["published"]["threshold"])) < 1e-12
    table = predictions.read_truth(tmp_path / "out" / "truth.csv")
    labels = golden("loader")[f"CSTS_Aria_Gaze_{KINDS[task]}/test/0/labels"].reshape(-1, 3)[[0, 7]]
    np.testing.assert_array_equal(table.kind, labels[:, 2])
    ahead = [0.25, 2.0] if task == "anticipation" else [0, 0]
    np.testing.assert_allclose(table.ahead_s, ahead, atol=1e-9)
    again = score.run(tmp_path / "out" / "predictions.csv", data, samples=0)
    assert again["published"] == result["published"] and again["dataset"] == "aria"


def test_silence_changes_answers(weights: Path, made: Any, judged_data: Path) -> None:
    silent = evaluate.run(weights, judged_data, audio=False, samples=0, validation_clips=0)
    assert not silent["audio"] and not any("silence" in note for note in silent["notes"])
    assert silent["pooled"]["csts"]["auc"] != made[0]["pooled"]["csts"]["auc"]
    assert silent["pooled"]["last_gaze"]["auc"] == made[0]["pooled"]["last_gaze"]["auc"]


def test_what_the_list_lacks_is_in_the_report(
    weights: Path, judged_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(judged_data, data)
    listed.write(data, {"test": "1 of 3 listed videos is not here: x; test has 4 of 6 clips"})
    known: list[str] = []
    created = evaluate.run(weights, data, log=known.append, samples=0, threshold=0.5)
    assert created["notes"].count("1 of 3 listed videos is not here: x; test has 4 of 6 clips") == 1
    assert {*created["notes"]} <= {*known}


def test_what_cannot_be_evaluated(weights: Path, judged_data: Path, tmp_path: Path) -> None:
    for options, error, said in (
        ({"split": "nowhere"}, DataError, r"nowhere\.list"),
        ({"task": "guessing"}, UsageError, "no task 'guessing'"),
        ({"full_frames": True}, UsageError, "tests of estimation only"),
        ({"precision": "int8"}, UsageError, "no precision 'int8'"),
        ({"batch": 0}, UsageError, "at_once is 0"),
        ({"validation_clips": -1}, UsageError, "validation_clips is -1; must be at least 0"),
        ({"fov_deg": 200.0}, UsageError, "field of view"),
        ({"device": "tpu"}, UsageError, "no device 'tpu'"),
    ):
        with pytest.raises(error, match=said):
            evaluate.run(weights, judged_data, **options)
    with pytest.raises(CheckpointError):
        evaluate.run(tmp_path / "none.safetensors", judged_data)
    with pytest.raises(DataError):
        evaluate.run(weights, tmp_path)


def test_the_card_has_both() -> None:
    card = load_system("csts")
    assert card.evaluate is not None and card.evaluate.__wrapped__ is evaluate.run  # type: ignore[attr-defined]
    assert card.score is not None and card.score.__wrapped__ is score.run  # type: ignore[attr-defined]


SCRIPT = """
import os, sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
torch.set_num_threads(1)
from eyeline.systems.gaze_anticipation import evaluate
from eyeline.training.devices import Devices
made = evaluate.run({weights!r}, {data!r}, {out!r}, batch=3, samples=20, fov_deg=82,
                    devices=Devices(count=2))
Path({out!r} + f".ended.{{os.getpid()}}").write_text(str(len(made)))
"""


@pytest.mark.slow
def test_two_processes_evaluate_as_one(weights: Path, judged_data: Path, tmp_path: Path) -> None:
    """The same files, although the last turn has no clips for the second process."""
    evaluate.run(weights, judged_data, tmp_path / "one", batch=3, samples=20, fov_deg=82)
    script, out = tmp_path / "two.py", tmp_path / "two"
    root = str(Path(__file__).parents[3])
    text = SCRIPT.format(root=root, weights=str(weights), data=str(judged_data), out=str(out))
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=400
    )
    ended = [int(path.read_text()) for path in tmp_path.glob("two.ended.*")]
    assert len(ended) == 2 and min(ended) == 0 < max(ended), done.stderr
    for name in ("report.json", "truth.csv", "predictions.csv", "predictions.parquet"):
        one, two = ((tmp_path / n / name).read_bytes() for n in ("one", "two"))
        assert one == two, name
