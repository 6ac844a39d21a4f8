"""Scoring files: tables against tables, and against Ego4D's annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.ego_social import report
from eyeline.systems.ego_social.predictions import read_predictions, rows, write
from eyeline.systems.ego_social.recordings.annotations import read_annotations
from eyeline.systems.ego_social.recordings.tracklets import face_counts, faces_by_person, talks
from eyeline.systems.ego_social.score import run
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import annotated, document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "json").mkdir()
    return annotated(tmp_path / "json")


def stored(tmp_path: Path, file: str, key: str, change: tuple[str, str] = ("", "")) -> Path:
    text = str(golden(file)[key])
    assert change[0] in text
    path = tmp_path / f"{key.split('.')[-1]}.csv"
    path.write_text(text.replace(*change, 1) if change[0] else text, encoding="utf-8")
    return path


def test_the_whole_way_of_looking_at_me(tmp_path: Path, folder: Path) -> None:
    """The original's own scores of its synthetic clips, from its tables and from annotations."""
    predicted = stored(tmp_path, "e2e", "lam.pred_csv")
    table = run(predicted, stored(tmp_path, "e2e", "lam.gt_csv"))
    expected = float(golden("e2e")["lam.mAP_stable"])
    assert abs(table["published"]["mAP"] - expected) < 1e-12
    assert round(100 * table["published"]["accuracy"], 3) == 16.667
    assert table["rows"] == 42 and table["task"] == "lam" and not table["notes"]
    (tmp_path / "train.list").write_text("train-01-0\ntrain-01-1", encoding="utf-8")
    whole = run(predicted, folder, split=str(tmp_path / "train.list"), stride=5)
    assert whole["published"]["accuracy"] == table["published"]["accuracy"]
    assert whole["published"] == table["published"] == run(predicted, folder)["published"]
    assert table["challenge"]["test_split"]["mAP"] == table["published"]["mAP"]
    assert set(table["interval"]) == {"mAP", "accuracy"}


def test_the_whole_way_of_talking_to_me(tmp_path: Path) -> None:
    numbers = golden("postprocess")
    predicted = stored(tmp_path, "postprocess", "ttm.pred_csv")
    predictions = run(predicted, stored(tmp_path, "postprocess", "ttm.gt_csv"), samples=0)
    assert (predictions["rows"], predictions["challenge"], predictions["interval"]) == (
        4,
        None,
        None,
    )
    assert str(numbers["ttm.gt_csv"]).count("\n") == 4
    truth, value = np.array([0, 1, 1, 1]), read_predictions(predicted).score
    assert value is not None
    assert predictions["published"]["mAP"] == report.published(truth, value)["mAP"]


def test_talk_against_annotations_counts_frames_too(tmp_path: Path, folder: Path) -> None:
    clips = [c for c in read_annotations(folder).clips.values() if c.uid.startswith("train-01")]
    segments = [s for clip in clips for s in talks(clip, whole=True)]
    names = ("clip", "segment", "start_frame", "end_frame")
    columns = {name: [getattr(s, name) for s in segments] for name in names}
    value = np.random.default_rng(3).random(len(segments))
    write(tmp_path / "pred.csv", rows("ttm", columns, score=value))
    predictions = run(tmp_path / "pred.csv", folder)
    truth = np.array([s.label for s in segments])
    assert predictions["published"]["mAP"] == report.published(truth, value)["mAP"]
    faces = np.concatenate([face_counts(clip, talks(clip, whole=True)) for clip in clips])
    long = report.published(np.repeat(truth, faces), np.repeat(value, faces))
    assert predictions["challenge"]["test_split"]["mAP"] == pytest.approx(long["mAP"], abs=1e-12)
    assert predictions["challenge"]["test_split"]["mAP"] != predictions["published"]["mAP"]
    assert faces.sum() > 0 and any(faces_by_person(clip) for clip in clips)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("train-01-0,6,", "train-01-0,7,"), r"has line 2: .* frame 7, .* does not have"),
        (("train-01-0,6,62.6,", "train-01-0,6,62.7,"), r"line 2: .* x1 is 62\.7, in .* 62\.6"),
        (
            ("train-01-0,1,", "val-02-0,1,"),
            r"has line 1: clip val-02-0, frame 1, track train-01-0_t10, .* does not have",
        ),
    ],
)
def test_rows_that_the_truth_has_not(
    tmp_path: Path, folder: Path, change: tuple[str, str], message: str
) -> None:
    predicted = stored(tmp_path, "e2e", "lam.pred_csv", change)
    for truth in (stored(tmp_path, "e2e", "lam.gt_csv"), folder):
        if truth == folder and "frame 7" in message:
            continue  # frame 7 is annotated
        with pytest.raises(DataError, match=rf"pred_csv\.csv,? {message}"):
            run(predicted, truth)


def test_rows_that_are_missing(tmp_path: Path, folder: Path) -> None:
    text = str(golden("e2e")["lam.pred_csv"]).splitlines(keepends=True)
    predicted = tmp_path / "pred.csv"
    predicted.write_text("".join(text[2:]), encoding="utf-8")
    truth = stored(tmp_path, "e2e", "lam.gt_csv")
    with pytest.raises(DataError, match=r"lacks 2 of 42 rows: line 1: clip train-01-0, .*; line 2"):
        run(predicted, truth)
    with pytest.raises(
        DataError, match=r"lacks .* rows: clip train-01-0, frame 1, track train-01-0_t10"
    ):
        run(predicted, folder, stride=5)
    predictions = run(predicted, truth, subset=True)
    assert predictions["rows"] == 40
    assert predictions["notes"] == ["2 of 42 rows were not predicted: left out"]
    only = "".join(line for line in text if "_t10" not in line)
    predicted.write_text(only, encoding="utf-8")
    notes: list[str] = []
    run(predicted, folder, log=notes.append)
    assert any(
        "2 tracks were not predicted at all: train-01-0_t10 of train-01-0" in n for n in notes
    )


def test_repeated_rows_count_once_and_are_reported(tmp_path: Path) -> None:
    truth = stored(tmp_path, "e2e", "lam.gt_csv")
    text = str(golden("e2e")["lam.pred_csv"])
    first = text.splitlines()[0]
    predicted = tmp_path / "pred.csv"
    predicted.write_text(f"{text}{first.rpartition(',')[0]},0.001\n", encoding="utf-8")
    predictions = run(predicted, truth)
    assert abs(predictions["published"]["mAP"] - float(golden("e2e")["lam.mAP_stable"])) < 1e-12
    (note,) = predictions["notes"]
    assert note == (
        f"1 rows come again and are dropped, as published: {predicted}, line 43: "
        "clip train-01-0, frame 1, track train-01-0_t10"
    )


def test_the_policy_changes_the_truth(tmp_path: Path, folder: Path) -> None:
    predicted = stored(tmp_path, "e2e", "lam.pred_csv")
    with pytest.raises(DataError, match="0 of 42 rows are positive"):
        run(predicted, folder, policy="is_at_me")
    with pytest.raises(UsageError, match="there are: published, is_at_me"):
        run(predicted, folder, policy="mine")
    with pytest.raises(UsageError, match="are for annotations"):
        run(predicted, stored(tmp_path, "e2e", "lam.gt_csv"), policy="is_at_me")


def test_smoothing_helps_noisy_scores(tmp_path: Path, folder: Path) -> None:
    """Scores of every frame that are right but for noise and lone outliers."""
    samples = document(golden("tracklets"), "train.samples")
    rng = np.random.default_rng(4)
    label = np.array([row[4] for row in samples])
    value = 0.3 + 0.4 * label + 0.25 * rng.standard_normal(len(label))
    box = np.array([row[3] for row in samples])
    columns = {
        "clip": [row[0] for row in samples], "track": [row[1] for row in samples],
        "frame": [row[2] for row in samples],
        **{name: box[:, k] for k, name in enumerate(("x1", "y1", "x2", "y2"))},
    }  # fmt: skip
    write(tmp_path / "pred.csv", rows("lam", columns, score=np.clip(value, 0, 1)))
    plain = run(tmp_path / "pred.csv", folder, samples=0)
    smooth = run(tmp_path / "pred.csv", folder, samples=0, smooth_frames=5)
    assert smooth["published"]["mAP"] > plain["published"]["mAP"] + 0.03
    assert smooth["published"]["accuracy"] > plain["published"]["accuracy"] + 0.03


def test_tables_that_do_not_belong_together(tmp_path: Path, folder: Path) -> None:
    predicted = stored(tmp_path, "postprocess", "ttm.pred_csv")
    with pytest.raises(DataError, match=r"holds ttm rows, .* lam rows"):
        run(predicted, stored(tmp_path, "e2e", "lam.gt_csv"))
    with pytest.raises(DataError, match=r"line 1: clip u0, segment 0: .* has no such clip"):
        run(predicted, folder)
    challenge = stored(tmp_path, "postprocess", "lamtest.pred_csv")
    with pytest.raises(DataError, match="whose annotations are not published"):
        run(challenge, folder)
    predicted = stored(tmp_path, "postprocess", "ttm.pred_csv")
    (tmp_path / "list").write_text("nobody", encoding="utf-8")
    with pytest.raises(DataError, match="1 clips are not annotated, first: nobody"):
        run(predicted, folder, split=str(tmp_path / "list"))


def test_a_submission_against_its_truth(tmp_path: Path) -> None:
    numbers = golden("metrics")
    (tmp_path / "pred.csv").write_text(str(numbers["ttm_frame_a.pred"]), encoding="utf-8")
    (tmp_path / "gt.csv").write_text(str(numbers["ttm_frame_a.gt"]), encoding="utf-8")
    write(tmp_path / "sent.json", read_predictions(tmp_path / "pred.csv"))
    predictions = run(tmp_path / "sent.json", tmp_path / "gt.csv", samples=0)
    expected = document(numbers, "ttm_frame_a.result")["mAP"]
    assert abs(predictions["challenge"]["test_split"]["mAP"] - expected) < 1e-12
    assert predictions["predictions"] == str(tmp_path / "sent.json")
