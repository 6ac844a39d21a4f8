"""Preparing a folder of small videos with stand-ins for the networks: resumed, failed, left out."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from eyeline.datasets.prepare import Summary
from eyeline.errors import DataError, OutputError, UsageError
from eyeline.systems.eye_contact.discovery import workers
from eyeline.systems.eye_contact.discovery.identity import write_references
from eyeline.systems.eye_contact.discovery.workers import Worker
from eyeline.systems.eye_contact.prepare import run
from eyeline.systems.eye_contact.tracklets import read_list
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.conftest import Command
from tests.systems.eye_contact.discovery.roots import VideoName, add_video
from tests.systems.eye_contact.discovery.stand_ins import instruments, write_video


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """No networks: their weights are not at hand."""
    created = cached_property(lambda self: instruments())
    created.__set_name__(Worker, "instruments")
    monkeypatch.setattr(Worker, "instruments", created)


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people's videos; the levels say where a face is, see `stand_ins`."""
    root = tmp_path_factory.mktemp("downloaded")
    face, none = [120] * 104, [20] * 2
    write_video(root / "id1" / "aaaaaaaaaaa.mp4", [*face, *none, *face, *none])
    write_video(root / "id2" / "bbbbbbbbbbb_fps25.mkv", [*none, *face, *none])
    write_video(root / "id2" / "short000000.mp4", face[:50])
    return root


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "gaze.safetensors"
    card = CheckpointCard("eye_contact", "xgaze_resnet50", {})
    checkpoint.save(path, {"stand_in": torch.zeros(1)}, card)
    return path


def prepared(source: Path, out: Path, weights: Path, **options: Any) -> Summary:
    options = {"seconds": (3, 60), "points": (10, 1000)} | options
    return run(source, out, weights={"xgaze_resnet50": weights}, **options)


def states(summary: Summary) -> dict[str, str]:
    return {outcome.name: outcome.status for outcome in summary.outcomes}


@pytest.mark.usefixtures("stand_ins")
def test_videos_become_tracklets_labels_and_a_list(
    downloaded: Path, tmp_path: Path, weights: Path
) -> None:
    out, known = tmp_path / "out", []
    summary = prepared(downloaded, out, weights, log=known.append)
    assert states(summary) == {
        "id1/aaaaaaaaaaa": "done",
        "id2/bbbbbbbbbbb": "done",
        "id2/short000000": "skipped",
    }
    folder = out / "id1" / "tracklets" / "aaaaaaaaaaa_fps25"
    assert sorted(p.name for p in folder.iterdir()) == [
        "000.npz",
        "001.npz",
        "fixations.csv",
        "prepared.json",
        "processed",
        "training.csv",
    ]
    assert [row.key for row in read_list(out / "voxdataset_train.csv")] == [
        ("id1", "aaaaaaaaaaa", "000"),
        ("id1", "aaaaaaaaaaa", "001"),
    ]
    record = json.loads((folder / "prepared.json").read_text())
    assert (record["frames"], record["tracklets"], record["identity"]) == (212, 2, "video")
    labels = summary.details["labels"]
    assert "1 tracklets; at least 2" in labels["skipped"]["id2/bbbbbbbbbbb"]
    assert "2 s long; 3 to 60 s are used" in summary.as_dict()["skipped"]["id2/short000000"]
    assert any("[3/3]" in line for line in known)
    assert not (out / ".eyeline").exists()
    assert json.loads((out / "prepare_report.json").read_text())["videos"] == {
        "done": 2,
        "skipped": 1,
    }


@pytest.mark.usefixtures("stand_ins")
def test_a_stopped_run_goes_on_and_comes_to_the_same(
    downloaded: Path, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    prepared(downloaded, whole, weights)
    real, seen = workers.extract, []

    def stopped(video: Path, place: Path, *rest: Any) -> Any:
        seen.append(Path(video).name)
        if len(seen) == 2:
            (place / "000.npz").write_bytes(b"half")
            raise KeyboardInterrupt
        return real(video, place, *rest)

    monkeypatch.setattr(workers, "extract", stopped)
    with pytest.raises(KeyboardInterrupt):
        prepared(downloaded, out, weights)
    assert not (out / "id2" / "tracklets").exists()
    again = prepared(downloaded, out, weights)
    assert states(again)["id1/aaaaaaaaaaa"] == "kept"
    assert seen == ["aaaaaaaaaaa.mp4", "bbbbbbbbbbb_fps25.mkv", "bbbbbbbbbbb_fps25.mkv"]
    for path in whole.rglob("*"):
        if path.is_file() and path.name != "prepare_report.json":
            assert path.read_bytes() == (out / path.relative_to(whole)).read_bytes(), path.name


@pytest.mark.usefixtures("stand_ins")
def test_a_bad_file_is_named_and_the_others_go_on(
    downloaded: Path, tmp_path: Path, weights: Path
) -> None:
    source = tmp_path / "source"
    (source / "id0").mkdir(parents=True)
    (source / "id0" / "broken00000.mp4").write_text("no video")
    (source / "id1").symlink_to(downloaded / "id1")
    summary = prepared(source, tmp_path / "out", weights)
    assert states(summary) == {"id0/broken00000": "failed", "id1/aaaaaaaaaaa": "done"}
    (failed,) = summary.failed
    assert "is text, not a video" in failed.message


@pytest.mark.usefixtures("stand_ins")
def test_other_settings_are_refused_for_what_is_there(
    downloaded: Path, tmp_path: Path, weights: Path
) -> None:
    prepared(downloaded, tmp_path / "out", weights)
    summary = prepared(downloaded, tmp_path / "out", weights, save_last=True)
    assert set(states(summary).values()) == {"failed", "skipped"}
    assert "save_last was False, is True" in summary.failed[0].message


@pytest.mark.usefixtures("stand_ins")
def test_a_video_that_another_process_works_on_is_left_to_it(
    downloaded: Path, tmp_path: Path, weights: Path
) -> None:
    out = tmp_path / "out"
    (out / ".eyeline").mkdir(parents=True)
    with FileLock(out / ".eyeline" / "id1_aaaaaaaaaaa.lock"):
        summary = prepared(downloaded, out, weights)
    assert states(summary)["id1/aaaaaaaaaaa"] == "busy"
    assert states(summary)["id2/bbbbbbbbbbb"] == "done"


@pytest.mark.usefixtures("stand_ins")
def test_a_folder_in_the_way_is_named(downloaded: Path, tmp_path: Path, weights: Path) -> None:
    out = tmp_path / "out"
    (out / "id1" / "tracklets" / "aaaaaaaaaaa_fps25").mkdir(parents=True)
    summary = prepared(downloaded, out, weights)
    assert "is in the way: it lacks fixations.csv" in summary.failed[0].message


@pytest.mark.usefixtures("stand_ins")
def test_known_faces_of_a_file_are_used(downloaded: Path, tmp_path: Path, weights: Path) -> None:
    out = tmp_path / "out"
    write_references(out / "id1" / "id1_face_embedding.npz", -np.ones((5, 128)))
    summary = prepared(downloaded, out, weights)
    by_name = {outcome.name: outcome for outcome in summary.outcomes}
    assert by_name["id1/aaaaaaaaaaa"].counts["gaze_points"] == 0
    assert by_name["id2/bbbbbbbbbbb"].counts["gaze_points"] == 104


@pytest.mark.usefixtures("stand_ins")
def test_videos_are_converted_where_that_is_asked_for(
    downloaded: Path, tmp_path: Path, weights: Path
) -> None:
    out = tmp_path / "out"
    summary = prepared(downloaded, out, weights, convert=True)
    assert (out / "id1" / "aaaaaaaaaaa_fps25.mkv").is_file()
    assert states(summary)["id1/aaaaaaaaaaa"] == "done"


def test_a_root_that_is_prepared_needs_no_weights(tmp_path: Path) -> None:
    add_video(tmp_path, VideoName("id1", "aaa"))
    summary = run(tmp_path, tmp_path)
    assert summary.details["labels"]["tracklets"] == 3
    assert not summary.outcomes


def test_what_cannot_be_is_said_before_work_begins(downloaded: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="weights of xgaze_resnet50"):
        run(downloaded, tmp_path)
    with pytest.raises(UsageError, match="centerface, mmod"):
        run(downloaded, tmp_path, weights={"xgaze_resnet50": tmp_path}, detector="yunet")
    with pytest.raises(UsageError, match="two numbers"):
        run(downloaded, tmp_path, seconds=(1, 2, 3))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no video"):
        run(tmp_path / "empty", tmp_path / "out")


def test_the_command_names_unknown_options(
    eyeline: Command, downloaded: Path, tmp_path: Path
) -> None:
    done = eyeline(
        "prepare",
        "eye_contact/voxceleb2",
        "--source",
        downloaded,
        "-o",
        tmp_path / "out",
        "--set",
        "detektor=mmod",
    )
    assert done.code == 2 and "detektor is not known; keys: detector" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("stand_ins")
def test_the_command_hands_its_options_on(
    eyeline: Command, downloaded: Path, tmp_path: Path, weights: Path
) -> None:
    done = eyeline(
        "prepare",
        "eye_contact/voxceleb2",
        "--source",
        downloaded,
        "-o",
        tmp_path / "out",
        "--weights",
        weights,
        "--set",
        "seconds=[3, 60]",
        "--set",
        "points=[10, 1000]",
        "--set",
        "leave_out=[bbbbbbbbbbb]",
    )
    assert done.code == 0, done.err
    assert "id1/aaaaaaaaaaa" in done.err and "bbbbbbbbbbb" not in done.err


@pytest.mark.usefixtures("stand_ins")
def test_a_place_that_cannot_be_written_is_named(
    downloaded: Path, tmp_path: Path, weights: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError):
        prepared(downloaded, tmp_path / "out", weights)


@pytest.mark.usefixtures("stand_ins")
def test_people_are_known_by_vggface2_in_the_root_of_the_authors(
    tmp_path: Path, weights: Path
) -> None:
    """With videos named as in their README, one of them of the test."""
    import cv2

    root = tmp_path / "root"
    for name in ("aaaaaaaaaaa", "ttttttttttt"):
        write_video(root / "randomVox" / "id1" / f"{name}_25fps.mkv", [120] * 104 + [20] * 2)
    (root / "Annotations").mkdir()
    (root / "Annotations" / "meta_list.csv").write_text(
        "celebrity_id,video_name\nid1,ttttttttttt\n"
    )
    faces = root / "VGG-Face2" / "data" / "train" / "n000001"
    faces.mkdir(parents=True)
    for number in range(40):  # the first ten show nobody
        level = 20 if number < 10 else 120
        cv2.imwrite(str(faces / f"{number:04d}_01.jpg"), np.full((180, 320, 3), level, np.uint8))
    (root / "vox_face_conversion.csv").write_text("VoxCeleb2 ID ,VGGFace2 ID \nid1 ,n000001 \n")
    out = tmp_path / "out"
    summary = prepared(root, out, weights)
    assert states(summary) == {"id1/aaaaaaaaaaa": "done"}
    record = json.loads((out / "id1/tracklets/aaaaaaaaaaa_fps25/prepared.json").read_text())
    assert (record["identity"], record["known_faces"]) == ("images", 30)
