"""Ego4D's files: as the original code converts them, and what is wrong in them told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.ego_social.recordings.annotations import (
    LAM_LEAVES_OUT,
    RATE_HZ,
    Annotations,
    looks_at_me,
    policy_note,
    read_annotations,
    read_list,
    read_manifest,
    talks_to_me,
)
from tests.refusals import refuses
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import annotated, document

LISTS = Path(__file__).parents[4] / ".." / "shared" / "reference" / "ego4d_social" / "data"


@pytest.fixture
def both(tmp_path: Path) -> Annotations:
    return read_annotations(annotated(tmp_path))


def test_tracks_are_the_originals(both: Annotations) -> None:
    expected = document(golden("annotations"), "json_original")
    result = {
        f"{uid}/{track.track_id}.json": [
            {
                "Person ID": track.person, "clip_uid": uid, "frameNumber": frame,
                "x": x, "y": y, "width": width, "height": height,
            }
            for frame, (x, y, width, height) in zip(
                track.frame.tolist(), track.box_xywh.tolist(), strict=True
            )
        ]
        for uid, clip in both.clips.items()
        for track in clip.tracks
    }  # fmt: skip
    assert result == expected


def test_segments_are_the_originals(both: Annotations) -> None:
    numbers = golden("annotations")
    looking = {
        f"{uid}.json": [
            {"label": s.person, "start_frame": s.start_frame, "end_frame": s.end_frame}
            for s in clip.looking
        ]
        for uid, clip in both.clips.items()
        if clip.looking
    }
    assert looking == document(numbers, "result_LAM")
    talking = {
        f"{uid}.json": [
            {"label": int(s.person), "start_frame": s.start_frame, "end_frame": s.end_frame}
            | ({} if s.target is None else {"tags": int(s.target)})
            for s in clip.talking
        ]
        for uid, clip in both.clips.items()
        if clip.talking
    }
    assert talking == document(numbers, "result_TTM")


def test_clips_know_their_video_and_what_was_skipped(both: Annotations) -> None:
    assert list(both.clips) == [
        "train-01-0", "train-01-1", "train-01-empty", "val-02-0", "val-02-empty",
    ]  # fmt: skip
    clip = both.clips["train-01-1"]
    assert (clip.video_uid, clip.span_s, clip.skipped) == ("video-01-1", (30.0, 50.0), 2)
    empty = both.clips["val-02-empty"]
    assert (empty.tracks, empty.looking, empty.talking, empty.span_s) == ((), (), (), None)
    assert both.notes == ("6 segments name no person: skipped, as published",)
    assert both.chosen(["val-02-0"]) == [both.clips["val-02-0"]]
    with pytest.raises(DataError, match="1 clips are not annotated, first: nobody"):
        both.chosen(["nobody", "val-02-0"])


def test_the_older_schema_tells_the_span_too(tmp_path: Path) -> None:
    def older(content: Any) -> None:
        for video in content["videos"]:
            for clip in video["clips"]:
                clip.pop("video_start_sec", None)

    clips = read_annotations(annotated(tmp_path, older)).clips
    assert clips["train-01-1"].span_s == (30.0, 50.0)


def test_policies(both: Annotations) -> None:
    clip = both.clips["train-01-0"]
    frames = np.array([21, 22, 29, 30, 31, 32, 34, 35])
    assert looks_at_me(clip, "1", frames).tolist() == [0, 1, 1, 0, 0, 1, 1, 0]
    assert not looks_at_me(clip, "1", frames, "is_at_me").any()
    assert [talks_to_me(s) for s in clip.talking] == [0, 1, 1, 0, 1, 0, 0]
    assert [talks_to_me(s, "is_at_me") for s in clip.talking] == [0, 1, 1, 0, 1, 0, 0]
    for wrong in (lambda: looks_at_me(clip, "1", frames, "all"),
                  lambda: talks_to_me(clip.talking[0], "all")):  # fmt: skip
        with pytest.raises(UsageError, match="there are: published, is_at_me"):
            wrong()


def test_flags_that_are_false_everywhere_are_reported(tmp_path: Path) -> None:
    def version_one(content: Any) -> None:
        for video in content["videos"]:
            for segment in video["clips"][0]["social_segments_talking"]:
                segment["is_at_me"] = False

    clips = list(read_annotations(annotated(tmp_path, version_one)).clips.values())
    assert policy_note(clips, "published") is None
    known = policy_note(clips, "is_at_me")
    assert known is not None and known.startswith("none of 30 segments is is_at_me")
    clips = list(read_annotations(annotated(tmp_path)).clips.values())
    assert policy_note(clips, "is_at_me") is None


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("clip_uid"), "a clip of video video-01-0: no 'clip_uid'"),
        (lambda c: c.pop("persons"), "clip train-01-0: no 'persons'"),
        (
            lambda c: c["persons"][1].pop("tracking_paths"),
            "clip train-01-0, person 1: no 'tracking_paths'",
        ),
        (
            lambda c: c["persons"][1]["tracking_paths"][0].pop("track"),
            "clip train-01-0, track train-01-0_t10: no 'track'",
        ),
        (
            lambda c: c["persons"][2]["tracking_paths"][1]["track"][3].pop("width"),
            r"clip train-01-0, track train-01-0_t21, frame \d+: no 'width'",
        ),
        (
            lambda c: c["persons"][1]["tracking_paths"][0]["track"][2].update(x=float("nan")),
            "clip train-01-0, track train-01-0_t10, frame 3: x is nan",
        ),
        (
            lambda c: c["persons"][1]["tracking_paths"][0]["track"][2].update(frame="3"),
            "clip train-01-0, track train-01-0_t10, entry 2: 'frame' is '3', expected int",
        ),
        (
            lambda c: c["persons"][2]["tracking_paths"][0].update(track_id="train-01-0_t10"),
            "clip train-01-0: track train-01-0_t10 comes twice",
        ),
        (
            lambda c: c["social_segments_looking"][1].update(end_frame=3),
            r"clip train-01-0, looking\[1\], person 1: frames 32 to 3 run backwards",
        ),
        (
            lambda c: c["social_segments_talking"][0].update(start_frame=None),
            r"clip train-01-0, talking\[0\]: 'start_frame' is None, expected int",
        ),
        (lambda c: c.update(video_end_sec=-1.0), r"clip train-01-0: 0.0 to -1.0 s is no span"),
    ],
)
def test_wrong_annotations_are_named(tmp_path: Path, change: Change, message: str) -> None:
    def spoilt(content: Any) -> None:
        if content["videos"][0]["video_uid"] == "video-01-0":
            change(content["videos"][0]["clips"][0])

    with pytest.raises(DataError, match=rf"av_train\.json, {message}"):
        read_annotations(annotated(tmp_path, spoilt))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds none of av_train\.json, av_val\.json and"):
        read_annotations(tmp_path)
    with pytest.raises(DataError, match=r"cannot read .*none\.json: No such file"):
        read_annotations(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"videos": [\n{"clips"', encoding="utf-8")
    with pytest.raises(DataError, match=r"half\.json, line 2: not JSON"):
        read_annotations(tmp_path / "half.json")
    annotated(tmp_path)
    with pytest.raises(DataError, match=r"av_val\.json: clip val-02-0 comes twice"):
        read_annotations(tmp_path, tmp_path / "av_val.json")


def test_lists_of_clips(tmp_path: Path) -> None:
    path = tmp_path / "val.list"
    path.write_text("a\nb", encoding="utf-8")
    assert read_list(path) == ("a", "b")
    path.write_text("a\n\nb\na", encoding="utf-8")
    refuses(DataError, r"val\.list, line 4: clip a stands in line 1 too", lambda: read_list(path))
    path.write_text("\n", encoding="utf-8")
    refuses(DataError, "names no clip", lambda: read_list(path))


def test_the_published_lists() -> None:
    if not LISTS.is_dir():
        pytest.skip("the published lists are not here")
    lam = {n: read_list(LISTS / f"split_lam/{n}.list") for n in ("train", "val", "test", "full")}
    assert [len(lam[n]) for n in ("train", "val", "test", "full")] == [385, 50, 133, 572]
    ttm = read_list(LISTS / "split_ttm/train.list")
    assert {*ttm} - {*lam["train"]} == LAM_LEAVES_OUT and {*lam["train"]} <= {*ttm}
    assert {*ttm, *lam["val"], *lam["test"]} == {*lam["full"]}


def test_the_manifest(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    head = "video_uid,duration_sec,canonical_s3_location\n"
    path.write_text(f"{head}u1,3,s3://a/u1\nu2,4,s3://a/u2\n", encoding="utf-8")
    assert read_manifest(path) == {"u1": "s3://a/u1", "u2": "s3://a/u2"}
    path.write_text(f"{head}u1,3,s3://a/u1\nu2,4,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest\.csv, line 3: no canonical_s3_location"):
        read_manifest(path)
    path.write_text(f"{head}u1,3,s3://a/u1\nu1,4,s3://b/u1\n", encoding="utf-8")
    refuses(DataError, "line 3: video u1 has two places", lambda: read_manifest(path))
    path.write_text("video_uid\nu1\n", encoding="utf-8")
    refuses(DataError, "lacks the column canonical_s3_location", lambda: read_manifest(path))


def test_frames_are_thirty_a_second(both: Annotations) -> None:
    """The synthetic segments carry both frames and seconds."""
    content = document(golden("annotations"), "av_train")
    for segment in content["videos"][0]["clips"][0]["social_segments_looking"]:
        assert segment["start_frame"] == pytest.approx(segment["start_time"] * RATE_HZ)
