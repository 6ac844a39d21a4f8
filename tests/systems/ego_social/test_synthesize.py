from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import OutputError, UsageError
from eyeline.systems.ego_social import synthesize
from eyeline.systems.ego_social.recordings import tracklets
from eyeline.systems.ego_social.recordings.annotations import (
    Annotations,
    looks_at_me,
    read_annotations,
    read_list,
    read_manifest,
)
from eyeline.video.audio import has_audio, read_audio
from eyeline.video.reader import VideoReader
from tests.refusals import refuses

SMALL: dict[str, Any] = {"clips": 5, "val_clips": 2, "seconds": 5.0, "width_px": 160}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "set"
    synthesize.run(root, **SMALL)
    return root


@pytest.fixture(scope="module")
def noted(made: Path) -> Annotations:
    return read_annotations(made / "json")


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_files(made: Path, tmp_path: Path) -> None:
    synthesize.run(tmp_path / "again", jobs=2, **SMALL)
    assert digests(tmp_path / "again") == digests(made)
    one = {**SMALL, "clips": 1, "val_clips": 1, "seconds": 4.0}
    synthesize.run(tmp_path / "other", seed=1, **one)
    assert not set(digests(tmp_path / "other").values()) & set(digests(made).values())


def test_it_has_the_published_layout(made: Path, noted: Annotations) -> None:
    lists = {path.stem: read_list(path) for path in (made / "split").iterdir()}
    assert {name: len(uids) for name, uids in lists.items()} == {"train": 5, "val": 2, "full": 7}
    assert lists["full"] == (*lists["train"], *lists["val"])
    assert all(len(uid) == 36 for uid in lists["full"])
    assert set(noted.clips) == set(lists["full"])
    assert {path.stem for path in (made / "videos").iterdir()} == set(lists["full"])
    manifest = read_manifest(made / "csv" / "manifest.csv")
    assert set(manifest) == {clip.video_uid for clip in noted.clips.values()}
    train = json.loads((made / "json" / "av_train.json").read_text("utf-8"))
    assert [len(video["clips"]) for video in train["videos"]] == [2, 2, 1]
    first = train["videos"][0]["clips"][1]
    assert (first["video_start_sec"], first["video_end_sec"]) == (5.0, 10.0)
    assert first["persons"][0]["camera_wearer"] is True


def test_clips_have_30_images_a_second_and_audio(made: Path) -> None:
    uids = read_list(made / "split" / "full.list")
    for number, uid in enumerate(uids):
        path = made / "videos" / f"{uid}.mp4"
        reader = VideoReader(path)
        times = np.array([frame.time_s for frame in reader])
        assert (reader.info.width_px, reader.info.height_px) == (160, 90)
        np.testing.assert_allclose(times, np.arange(150) / 30, atol=1e-6)
        assert has_audio(path) == (number != 3)
        if number != 3:
            blocks = [b.samples for b in read_audio(path, 16_000, start_s=reader.info.start_s)]
            assert abs(sum(map(len, blocks)) - 5 * 16_000) < 1100


def test_faces_and_voices_are_where_the_annotations_say(made: Path, noted: Annotations) -> None:
    """Tracks lie on drawn heads; talk is louder than what lies between."""
    for number, uid in enumerate(read_list(made / "split" / "full.list")):
        scene = synthesize.scene_of(0, number, 150, 160, silent=number == 3)
        clip = noted.clips[uid]
        heads = {head.person: head for head in scene.heads}
        assert {track.person for track in clip.tracks} <= set(heads)
        for track in clip.tracks:
            boxes = tracklets.filled(track)
            head = heads[track.person]
            inside = (boxes.box_xyxy[:, :2] > 0.5).all(axis=1)  # others are shifted, as published
            centre = (boxes.box_xyxy[:, :2] + boxes.box_xyxy[:, 2:])[inside] / 2
            off = np.abs(centre - head.centre_px[boxes.frame[inside]])
            assert (off < 60 * head.px_per_mm[boxes.frame[inside], None] + 1.5).mean() > 0.95
            labels = looks_at_me(clip, track.person, boxes.frame)
            meant = head.at_me[boxes.frame]
            assert (labels <= meant).all()
            assert meant.sum() - labels.sum() <= 4 * 10
        assert [s.start_frame for s in clip.talking] == [t.start for t in scene.turns]
        assert [s.target is not None for s in clip.talking] == [t.to_me for t in scene.turns]
        if number == 3:
            assert not clip.talking
            continue
        path = made / "videos" / f"{uid}.mp4"
        audio = np.concatenate([b.samples for b in read_audio(path, 16_000, start_s=0.0)])
        talk = np.zeros(150, bool)
        for turn in scene.turns:
            talk[turn.start : turn.end + 1] = True
        frames = audio[: 150 * 533].reshape(-1, 533)[: len(audio) // 533]
        loud = np.square(frames).mean(axis=1)[:148]
        assert np.median(loud[talk[: len(loud)]]) > 4 * np.quantile(loud[~talk[: len(loud)]], 0.25)


def test_the_oddities_of_the_real_files_are_there(tmp_path: Path) -> None:
    """Over a larger set: gaps, disorder, boxes without size or over the edge, quotes, nulls."""
    from eyeline.systems.ego_social.synthetic.annotators import annotation

    result = dict.fromkeys(("gap", "disorder", "empty", "left", "right", "quoted", "null", "0"), 0)
    for place in range(40):
        scene = synthesize.scene_of(7, place, 360, 640)
        document = annotation("x" * 36, scene, 0, np.random.default_rng(place))
        for person in document["persons"][1:]:
            for path in person["tracking_paths"]:
                frame = np.array([entry["frame"] for entry in path["track"]])
                box = np.array([[e["x"], e["y"], e["width"], e["height"]] for e in path["track"]])
                result["gap"] += int(np.ptp(frame) + 1 > len(frame))
                result["disorder"] += int((np.diff(frame) < 0).any())
                result["empty"] += int((box[:, 2] == 0).any())
                result["left"] += int((box[:, 0] < 0).any())
                result["right"] += int((box[:, 0] + box[:, 2] > 640).any())
                result["0"] += int(0 in frame)
        for segment in document["social_segments_talking"]:
            result["null"] += segment["person"] is None
            result["quoted"] += str(segment["person"]).startswith("'")
    assert min(result.values()) >= 5, result


def test_both_policies_of_labels_agree(noted: Annotations) -> None:
    for clip in noted.clips.values():
        for policy in ("published", "is_at_me"):
            assert [t.label for t in tracklets.talks(clip, policy=policy)] == [
                t.label for t in tracklets.talks(clip)
            ]
        assert all(segment.is_at_me for segment in clip.looking)


@pytest.mark.parametrize(
    "wrong",
    [
        {"clips": 0},
        {"val_clips": 0},
        {"test_clips": -1},
        {"seconds": 2},
        {"width_px": 161},
        {"jobs": 0},
    ],
)
def test_numbers_that_cannot_be_are_reported(tmp_path: Path, wrong: dict[str, Any]) -> None:
    refuses(UsageError, "must be", lambda: synthesize.run(tmp_path / "a", **{**SMALL, **wrong}))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    refuses(OutputError, "holds something", lambda: synthesize.run(tmp_path, **SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_full_length_videos_hold_their_clips_one_after_the_other(tmp_path: Path) -> None:
    synthesize.run(tmp_path / "set", full_length=True, **SMALL)
    noted = read_annotations(tmp_path / "set" / "json")
    assert not (tmp_path / "set" / "videos").exists()
    films = {path.stem: path for path in (tmp_path / "set" / "full_scale").iterdir()}
    assert set(films) == {clip.video_uid for clip in noted.clips.values()}
    first, second, *_ = noted.clips.values()
    reader = VideoReader(films[first.video_uid])
    assert sum(1 for _ in reader) == 300 and second.span_s == (5.0, 10.0)


def test_clips_of_the_test_tell_neither_looks_nor_whom_talk_is_for(tmp_path: Path) -> None:
    synthesize.run(tmp_path / "set", test_clips=2, **SMALL)
    content = json.loads((tmp_path / "set" / "json" / "av_test_unannotated.json").read_text())
    (clips,) = (video["clips"] for video in content["videos"])
    assert len(clips) == 2 == len(read_list(tmp_path / "set" / "split" / "test.list"))
    for clip in clips:
        assert clip["persons"][1]["tracking_paths"] and not clip["social_segments_looking"]
        assert all({"target", "is_at_me"}.isdisjoint(s) for s in clip["social_segments_talking"])
    noted = read_annotations(tmp_path / "set" / "json")
    assert [clip.labelled for clip in noted.clips.values()] == [True] * 7 + [False] * 2
