"""Evaluation: the original's whole chain in `golden/e2e.npz`, options, challenges, bad input."""

from __future__ import annotations

import csv
import json
import wave as wave_files
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eyeline.datasets import listed
from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.systems.ego_social import evaluate, predictions, score, train
from eyeline.systems.ego_social.model import gaze360_lstm, lam_lstm
from eyeline.systems.ego_social.recordings.store import open_clip
from eyeline.systems.ego_social.scoring import postprocess
from eyeline.systems.ego_social.ttm_model import ttm
from tests.refusals import refuses
from tests.systems.ego_social.invented import LAM, TTM, filled, golden
from tests.systems.ego_social.recorded import annotated
from tests.systems.ego_social.stored import prepared, store_clip, write_list
from tests.systems.ego_social.taught import SMALL, saved, small, taught

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught(tmp_path_factory.mktemp("taught"), 2, 2, silent="val1")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    return {task: small(task, folder / f"{task}.safetensors") for task in ("lam", "ttm")}


def table(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def assert_same_table(found: list[list[str]], wanted: list[list[str]]) -> None:
    """Words and whole numbers alike, boxes but for their last digits, scores within 2e-5."""
    assert len(found) == len(wanted)
    for row, other in zip(found, wanted, strict=True):
        assert len(row) == len(other)
        for place, (cell, known) in enumerate(zip(row, other, strict=True)):
            last = place == len(row) - 1
            if "." in known:
                assert float(cell) == pytest.approx(float(known), abs=2e-5 if last else 1e-9)
            else:
                assert cell == known


def test_looking_at_me_as_the_original(recorded: Path, tmp_path: Path) -> None:
    """Random weights give scores so close that their order, and mAP, differ between processors;
    `test_score` compares the mAP of the original's own scores."""
    file = golden("e2e")
    given = saved(tmp_path / "lam.safetensors", filled(lam_lstm(), LAM), "lam_lstm")
    evaluate.run(given, recorded, tmp_path, split="train", stride=5)
    for name in ("gt", "pred"):
        result = table((tmp_path / f"{name}.csv").read_text())
        wanted = table(str(file[f"lam.{name}_csv"]))
        assert_same_table(result, wanted)
    black = Counter(row[-1] for row in wanted).most_common(1)[0]
    alike = [
        float(row[-1]) for row, other in zip(result, wanted, strict=True) if other[-1] == black[0]
    ]
    assert black[1] == 15 and np.ptp(alike) < 1e-6, "black windows are told alike"


def test_talking_to_me_as_the_original(recorded: Path, tmp_path: Path) -> None:
    """The golden file has four of the stretches; of the others it says nothing."""
    file = golden("e2e")
    given = saved(tmp_path / "ttm.safetensors", filled(ttm(), TTM), "ttm")
    write_list(recorded, "first", ["train-01-0"])
    evaluate.run(given, recorded, tmp_path, split="first", samples=0)
    wanted = table(str(file["ttm.pred_csv"]))[:-1]  # of the last only the first piece is there
    rows = {tuple(row[:2]): row for row in table((tmp_path / "pred.csv").read_text())}
    assert_same_table([rows[tuple(row[:2])] for row in wanted], wanted)
    truth = {tuple(row[:2]): row for row in table((tmp_path / "gt.csv").read_text())}
    for row in table(str(file["ttm.gt_csv"]))[:-1]:
        assert truth[tuple(row[:2])] == row


@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_the_report_and_the_score_of_its_files_agree(
    recorded: Path, weights: dict[str, Path], task: str, tmp_path: Path
) -> None:
    """`eyeline score` on what was written, against the tables and against the annotations."""
    options: dict[str, Any] = {"stride": 3} if task == "lam" else {}
    created = evaluate.run(weights[task], recorded, tmp_path, split="train", samples=20, **options)
    assert created["task"] == task and json.loads((tmp_path / "report.json").read_text()) == created
    raw = tmp_path / "raw"
    raw.mkdir()
    for truth, more in ((tmp_path / "gt.csv", {}), (annotated(raw), options)):
        again = score.run(tmp_path / "pred.csv", truth, samples=0, **more)
        assert again["published"] == created["published"] and again["rows"] == created["rows"]
    assert again["challenge"] == created["challenge"] is not None
    assert "plain" not in created and created["seen_in_training"] == 0


def test_options_of_looks(data: Path, weights: dict[str, Path], tmp_path: Path) -> None:
    known: list[str] = []
    plain = evaluate.run(weights["lam"], data, tmp_path / "plain", stride=2)
    created = evaluate.run(
        weights["lam"], data, tmp_path / "both", known.append, stride=2, smooth=9, flip=True
    )
    assert created["plain"] == plain["published"] and created["options"]["smooth"] == 9
    result, given = (predictions.read_predictions(tmp_path / n / "pred.csv") for n in
                    ("both", "plain"))  # fmt: skip
    assert not np.allclose(result.score, given.score, atol=1e-6)  # type: ignore[arg-type]
    flipped = evaluate.run(weights["lam"], data, tmp_path / "flip", stride=2, flip=True)
    once = predictions.read_predictions(tmp_path / "flip" / "pred.csv")
    again = postprocess.smoothed(once, 9)
    np.testing.assert_array_equal(result.score, again.score)
    assert flipped["rows"] == len(once) and any("windows" in text for text in known)


def test_options_of_talk(data: Path, weights: dict[str, Path], tmp_path: Path) -> None:
    plain = evaluate.run(weights["ttm"], data, tmp_path / "plain")
    for name, options in (("flip", {"flip": True}), ("fuse", {"fuse": True}),
                          ("both", {"flip": True, "fuse": True})):  # fmt: skip
        created = evaluate.run(weights["ttm"], data, tmp_path / name, **options)  # type: ignore[arg-type]
        assert created["plain"] == plain["published"]
        result = predictions.read_predictions(tmp_path / name / "pred.csv")
        given = predictions.read_predictions(tmp_path / "plain" / "pred.csv")
        assert not np.allclose(result.score, given.score, atol=1e-7), name  # type: ignore[arg-type]


def test_clips_without_audio_are_counted(data: Path, weights: dict[str, Path]) -> None:
    known: list[str] = []
    created = evaluate.run(weights["ttm"], data, log=known.append)
    assert created["counts"] == {"clips": 2, "items": 4, "without audio": 2}
    assert created["notes"] == ["2 stretches of talk without audio: heard as silence"]
    assert known[-1:] == created["notes"]


def test_one_class_alone_is_reported(weights: dict[str, Path], tmp_path: Path) -> None:
    data = taught(tmp_path / "data", 1, 1, only="val")
    for task, rows in (("lam", 61), ("ttm", 2)):
        created = evaluate.run(weights[task], data, tmp_path / task)
        assert created["published"]["mAP"] is None and 0 <= created["published"]["accuracy"] <= 1
        assert created["notes"][-1] == f"0 of {rows} rows are positive: mAP is not defined"
        assert (tmp_path / task / "pred.csv").is_file()


def test_the_other_policy(data: Path, weights: dict[str, Path]) -> None:
    created = evaluate.run(weights["lam"], data, policy="is_at_me", stride=20)
    assert created["published"]["mAP"] is None
    assert any("is_at_me" in note for note in created["notes"])


def test_what_the_list_lacks_is_in_the_report(weights: dict[str, Path], tmp_path: Path) -> None:
    data = taught(tmp_path / "data", 1, 1, only="val")
    listed.write(data, {"val": "1 of 2 listed clips is not here: x"})
    known: list[str] = []
    created = evaluate.run(weights["ttm"], data, log=known.append)
    assert (
        created["notes"][0] == "1 of 2 listed clips is not here: x" and created["notes"][0] in known
    )


def test_what_cannot_be_evaluated(data: Path, weights: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds weights of ego_social/lam_lstm; expected"):
        evaluate.run(weights["lam"], data, task="ttm")
    with pytest.raises(UsageError, match="no task 'x'; there are: lam, ttm"):
        evaluate.run(weights["lam"], data, task="x")
    with pytest.raises(UsageError, match="smooth is for looking at me"):
        evaluate.run(weights["ttm"], data, smooth=9)
    with pytest.raises(UsageError, match="fuse is for talking to me"):
        evaluate.run(weights["lam"], data, fuse=True)
    with pytest.raises(UsageError, match="smooth is -1 frames"):
        evaluate.run(weights["lam"], data, smooth=-1)
    with pytest.raises(DataError, match=r"nowhere\.list"):
        evaluate.run(weights["lam"], data, split="nowhere")
    with pytest.raises(UsageError, match="give a folder for the answers"):
        evaluate.run(weights["lam"], data, split="challenge")
    angles = saved(tmp_path / "a.safetensors", gaze360_lstm(width=4, memory=4, head="angles"),
                   "gaze360_lstm", width=4, memory=4, head="angles")  # fmt: skip
    refuses(CheckpointError, "tells where a person looks", lambda: evaluate.run(angles, data))


def face(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (14, 14, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    cv2.imwrite(str(path), image)


def test_the_challenge_of_looks(weights: dict[str, Path], tmp_path: Path) -> None:
    for frame in (1, 2, 4, 9):
        face(tmp_path / "crops" / "vid" / "t1" / f"{frame:05d}_u{frame}.jpg", frame)
    out = tmp_path / "plain"
    created = evaluate.run(weights["lam"], tmp_path / "crops", out, split="challenge")
    assert created["rows"] == 4 and "published" not in created
    rows = table((out / "pred.csv").read_text())
    assert [row[:4] for row in rows] == [["vid", f"u{i}", "t1", "1"] for i in (1, 2, 4, 9)]
    kind, scores = submitted(out)
    assert kind == "lam_challenge"
    np.testing.assert_allclose(scores, [float(row[-1]) for row in rows], rtol=0, atol=0)
    smooth = tmp_path / "smooth"
    evaluate.run(weights["lam"], tmp_path / "crops", smooth, split="challenge", smooth=3, flip=True)
    assert not np.allclose(submitted(smooth)[1], scores, atol=1e-7)


def test_the_challenge_of_talk(weights: dict[str, Path], tmp_path: Path) -> None:
    root, rng = tmp_path / "segments", np.random.default_rng(0)
    for number, name in enumerate(("a" * 32, "b" * 32)):
        for frame in (0, 3, 7):
            face(root / name / "face" / f"{frame}.jpg", 10 * number + frame)
        path = root / name / "audio" / "aud.wav"
        path.parent.mkdir()
        with wave_files.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(rng.integers(-9000, 9000, 8000, np.int16).tobytes())
    given = {}
    for name, options in (("plain", {}), ("both", {"flip": True, "fuse": True})):
        out = tmp_path / name
        created = evaluate.run(weights["ttm"], root, out, split="challenge", **options)  # type: ignore[arg-type]
        assert created["rows"] == 6 and created["submission"] == "submission.json"
        rows = table((out / "pred.csv").read_text())
        wanted = [[n * 32, str(f), "1"] for n in "ab" for f in (0, 3, 7)]
        assert [row[:3] for row in rows] == wanted
        kind, given[name] = submitted(out)
        assert kind == "ttm_challenge" and len(set(given[name])) == 2
    assert not np.allclose(given["plain"], given["both"], atol=1e-7)


def submitted(folder: Path) -> tuple[str, list[float]]:
    result = predictions.read_predictions(folder / evaluate.SUBMISSION)
    assert result.score is not None
    return result.kind.name, result.score.tolist()


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same clips without labels in the list `test`, one with them in `mixed`."""
    root = taught(tmp_path_factory.mktemp("unlabelled"), 1, 2)
    labelled = open_clip(root, "val0").annotation
    talking = tuple(replace(s, target=None, is_at_me=False) for s in labelled.talking)
    clip = replace(labelled, uid="test0", looking=(), talking=talking, labelled=False)
    images = ((number, lambda: np.full((64, 64, 3), 90, np.uint8)) for number in range(62))
    store_clip(root, clip, images, np.ones(40_000, np.int16))
    write_list(root, "test", ["test0"])
    write_list(root, "mixed", ["val0", "test0"])
    return root


@pytest.mark.parametrize("split", ["test", "mixed"])
@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_clips_without_labels_are_predicted_in_the_form_of_the_challenge(
    unlabelled: Path, weights: dict[str, Path], task: str, split: str, tmp_path: Path
) -> None:
    created = evaluate.run(weights[task], unlabelled, tmp_path, split=split)
    assert "published" not in created and not (tmp_path / "gt.csv").exists()
    assert any("not labelled: predictions, no scores" in note for note in created["notes"])
    table = predictions.read_predictions(tmp_path / "pred.csv")
    submission = predictions.read_predictions(tmp_path / "submission.json")
    assert created["rows"] == len(table) and submission.kind.name == f"{task}_challenge"
    if task == "lam":
        assert submission.columns["unique_id"][0] == f"{table.columns['frame'][0]:05d}"
        np.testing.assert_array_equal(submission.score, table.score)
    else:  # the face of each frame has its segment's score, counted from the segment's start
        assert submission.columns["video_id"][0].endswith("0_0")
        assert submission.columns["frame_id"][:3].tolist() == ["0", "1", "2"]
        spans = table.columns["end_frame"] - table.columns["start_frame"] + 1
        np.testing.assert_array_equal(submission.score, np.repeat(table.score, spans))


@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_clips_without_labels_are_neither_scored_nor_trained_on(
    unlabelled: Path, weights: dict[str, Path], task: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="1 of 1 clips are of av_test_unannotated"):
        evaluate.run(weights[task], unlabelled, split="test")
    changes = ["data.train_split=mixed", "data.validation_split=val"]
    with pytest.raises(DataError, match="1 of 2 clips"):
        train.run(SMALL[task], unlabelled, tmp_path, changes=changes)


def test_annotations_without_labels_are_no_truth(
    unlabelled: Path, weights: dict[str, Path], tmp_path: Path
) -> None:
    evaluate.run(weights["lam"], unlabelled, tmp_path, split="test")
    content = {"videos": [{"video_uid": "v", "clips": [{"clip_uid": "test0", "persons": []}]}]}
    path = tmp_path / "av_test_unannotated.json"
    path.write_text(json.dumps(content))
    refuses(DataError, "1 clips have no labels", lambda: score.run(tmp_path / "pred.csv", path))
