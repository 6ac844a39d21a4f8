"""Tables of directions: written, read, and scored without a network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eyeline.cli import research
from eyeline.errors import DataError
from eyeline.evaluation.report import Report
from eyeline.systems.gaze_3d import answers, score
from eyeline.systems.gaze_3d.answers import Answers
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_3d.conftest import Golden
from tests.systems.gaze_3d.prepared import write_golden
from tests.systems.gaze_3d.test_report import looking, rows


def table(path: Path, found: Answers) -> Path:
    answers.write(path, found)
    return path


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    gaze = looking(np.linspace(-170, 170, 14), 20)
    wanted = Answers(
        ("a/s/c",) * 14, np.arange(14), np.repeat([0, 7], 7), {"gaze": gaze, "head": -gaze},
        {"gaze": np.linspace(1, 1000, 14)},
    )  # fmt: skip
    predictions = answers.read(table(tmp_path / "p.csv", wanted))
    assert predictions.side("").keys == wanted.side("").keys
    assert predictions.direction.keys() == {"gaze", "head"}
    assert (
        predictions.first_frame is not None
        and predictions.first_frame.tolist() == [0] * 7 + [7] * 7
    )
    np.testing.assert_allclose(predictions.direction["head"], -gaze, atol=1e-5)
    assert_close_to_scale(predictions.concentration["gaze"], wanted.concentration["gaze"], 1e-4)
    assert predictions.concentration.keys() == {"gaze"}


def test_files_alone_are_scored(tmp_path: Path) -> None:
    yaw = np.linspace(-60, 60, 14)
    truth = table(tmp_path / "t.csv", rows(["a/s/1", "a/s/2"], looking(yaw)))
    predictions = table(tmp_path / "p.csv", rows(["a/s/1", "a/s/2"], looking(yaw + 5)))
    created = score.run(predictions, truth)
    assert created["pooled"]["3d_all"] == pytest.approx(5, abs=1e-3)
    assert created["published"]["3d_front"] == pytest.approx(5, abs=1e-3)
    assert created["reliability"] is None and created["notes"] == []


def test_the_command_writes_the_whole_report(tmp_path: Path) -> None:
    whole = table(tmp_path / "p.csv", rows(["a/s/1", "a/s/2"], looking(np.arange(14.0))))
    research.score("gaze_3d", predictions=whole, truth=whole, out=tmp_path / "report.json")
    assert Report.read(tmp_path / "report.json") == json.loads(
        json.dumps(dict(score.run(whole, whole)))
    )


def test_rows_may_come_in_any_order_but_then_are_no_windows(tmp_path: Path) -> None:
    whole = rows(["a/s/1", "a/s/2"], looking(np.arange(14.0)))
    truth = table(tmp_path / "t.csv", whole)
    mixed = whole.rows(np.random.default_rng(0).permutation(14))
    created = score.run(table(tmp_path / "p.csv", mixed), truth)
    assert (
        created["pooled"]["3d_all"] == pytest.approx(0, abs=1e-3) and created["published"] is None
    )


def test_frames_that_are_missing_or_too_many(tmp_path: Path) -> None:
    whole = rows(["a/s/1", "a/s/2"], looking(np.arange(14.0)))
    part = whole.rows(np.arange(9))
    truth, few = table(tmp_path / "t.csv", whole), table(tmp_path / "p.csv", part)
    with pytest.raises(DataError, match=r"lacks 5 of 14 frames: frame 2 of a/s/2.* and 2 more"):
        score.run(few, truth)
    known: list[str] = []
    created = score.run(few, truth, subset=True, log=known.append)
    assert created["frames"] == 9 and known == ["5 of 14 frames were not predicted: left out"]
    with pytest.raises(DataError, match=r"has frame 2 of a/s/2.*does not have"):
        score.run(truth, few)


def test_a_prepared_folder_is_the_truth_of_its_test_sessions(
    tmp_path: Path, golden: Golden
) -> None:
    file = golden("loader")
    write_golden(tmp_path, file)
    sessions = sorted({key.split("|")[0].rpartition("__")[0].replace("__", "/")
                       for key in file if key.endswith("|index")})  # fmt: skip
    (tmp_path / "gafa_test.txt").write_text("\n".join(sessions), encoding="utf-8")
    known = score._truth(tmp_path, "gafa_test.txt", 7)
    created = score.run(table(tmp_path / "p.csv", known), tmp_path)
    assert created["pooled"]["3d_all"] < 1e-2 and created["frames"] == len(known) >= 14
    assert created["published"] is not None and created["parts"].keys() == {"head", "body"}


def test_no_predictions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        score.run(tmp_path / "none.csv", tmp_path / "t.csv")
