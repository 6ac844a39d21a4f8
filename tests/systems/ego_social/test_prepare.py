"""From Ego4D's layout to a store: numbers of images, resuming, and clips that cost themselves."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.datasets import listed
from eyeline.datasets.prepare import LOCKS
from eyeline.errors import DataError, UsageError
from eyeline.results import Image
from eyeline.systems.ego_social import prepare
from eyeline.systems.ego_social.data import open_looks, open_talks
from eyeline.systems.ego_social.inputs import crop_face
from eyeline.systems.ego_social.recordings import sources
from eyeline.systems.ego_social.recordings.annotations import LAM_LEAVES_OUT, read_list
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.systems.ego_social.recordings.store import open_clip, prepared_clips
from tests.systems.ego_social.stored import film, numbered

FRAMES = 40


def coloured(number: int) -> Image:
    """An image `(120, 160, 3)` that says its number and has colours to lose."""
    image = np.random.default_rng(number).integers(0, 256, (15, 20, 3)).repeat(8, 0).repeat(8, 1)
    return image.astype(np.uint8)


def entry(uid: str, frames: int = FRAMES, **more: Any) -> dict[str, Any]:
    track = [
        {"frame": f, "x": 10.4 + f, "y": 20.7, "width": 50.2, "height": 60.0}
        for f in range(frames + 1)
    ]
    return {
        "clip_uid": uid,
        "persons": [
            {"person_id": "0", "tracking_paths": []},
            {"person_id": "1", "tracking_paths": [{"track_id": "t", "track": track}]},
        ],
        "social_segments_looking": [{"person": "1", "start_frame": 5, "end_frame": 9}],
        "social_segments_talking": [
            {"person": "1", "target": "0", "start_frame": 3, "end_frame": 33}
        ],
        **more,
    }


def layout(root: Path, **clips: Any) -> Path:
    """A data set in Ego4D's layout; its films come from the tests."""
    content = {"videos": [{"video_uid": "film", "clips": [clips[uid] for uid in clips]}]}
    (root / "json").mkdir(parents=True)
    (root / "json" / "av_val.json").write_text(json.dumps(content), encoding="utf-8")
    (root / "split").mkdir()
    (root / "split" / "val.list").write_text("\n".join(clips), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "a.mp4", FRAMES, make=coloured, audio_hz=48_000)


def two(root: Path, movie: Path) -> Path:
    source = layout(root, one=entry("one"), two=entry("two"))
    (source / "videos").mkdir()
    for uid in ("one", "two"):
        shutil.copy(movie, source / "videos" / f"{uid}.mp4")
    return source


def test_annotation_frame_f_is_seen_in_image_f_minus_one(tmp_path: Path, movie: Path) -> None:
    """Images are numbered from 1, annotations from 0, and the same number is taken."""
    source = two(tmp_path / "raw", movie)
    summary = prepare.run(source, tmp_path / "out", lossless=True)
    assert not summary.failed
    clip = open_clip(tmp_path / "out", "one")
    boxes = clip.tracks["t"]
    assert boxes.frame.tolist() == [*range(1, FRAMES + 1)], "frame 0 is dropped"
    for frame, box in zip(boxes.frame.tolist(), boxes.box_xyxy, strict=True):
        np.testing.assert_array_equal(
            clip.crop("t", frame), crop_face(coloured(frame - 1), box), str(frame)
        )
    looks = open_looks(tmp_path / "out", "val", stride=1)
    assert looks.clip == ["one"] * FRAMES + ["two"] * FRAMES
    assert np.flatnonzero(looks.label[:FRAMES]).tolist() == [4, 5, 6, 7, 8]
    assert open_talks(tmp_path / "out", "val")[0]["clip"].shape == (31, 3, 224, 224)


def test_the_summary_tells_what_there_is(tmp_path: Path, movie: Path) -> None:
    heard: list[str] = []
    source = two(tmp_path / "raw", movie)
    result = prepare.run(source, tmp_path / "out", log=heard.append).as_dict()
    assert result["clips"] == {"done": 2} and result["pictures"] == 2 * FRAMES
    assert result["faces"] == result["crops"] == 2 * FRAMES
    assert result["skipped"] == {"entry of frame 0": 2}
    assert result["skipped_by_clip"]["one"] == {"entry of frame 0": ["track t, frame 0"]}
    assert result["seconds_a_clip"] > 0 and result["clips_without_sound"] == []
    assert result["size_bytes"] == sum(
        p.stat().st_size for p in (tmp_path / "out").rglob("crops.bin")
    )
    assert heard == [
        f"[{i}/2] {uid}: done, 40 faces, 1 skipped: entry of frame 0"
        for i, uid in ((1, "one"), (2, "two"))
    ]
    report = json.loads((tmp_path / "out" / "prepare_report.json").read_text())
    assert report["by_clip"][0]["counts"]["pictures"] == FRAMES
    card = json.loads((tmp_path / "out" / "index.json").read_text())
    assert card == {"system": "ego_social", "version": 1, "clips": ["one", "two"]}


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted((root / "clips").rglob("*.*"))}


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not(
    tmp_path: Path, movie: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out, whole = two(tmp_path / "raw", movie), tmp_path / "out", tmp_path / "whole"
    prepare.run(source, whole)
    images = Footage.images

    def stopped(self: Footage) -> Any:
        for number, frame in images(self):
            if self.path.stem == "two" and number == 20:
                raise KeyboardInterrupt
            yield number, frame

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Footage, "images", stopped)
        prepare.run(source, out)
    assert prepared_clips(out) == ("one",)
    left = out / "clips" / ".two.4711.partial"  # of a killed run
    left.mkdir()
    first = (out / "clips" / "one" / "crops.bin").stat().st_mtime_ns
    summary = prepare.run(source, out)
    assert [o.status for o in summary.outcomes] == ["kept", "done"]
    assert (out / "clips" / "one" / "crops.bin").stat().st_mtime_ns == first
    assert content(out) == content(whole) and not left.exists()
    assert summary.as_dict()["faces"] == 2 * FRAMES, "kept ones are counted"


def test_processes_make_the_same(tmp_path: Path, movie: Path) -> None:
    source = two(tmp_path / "raw", movie)
    prepare.run(source, tmp_path / "one")
    summary = prepare.run(source, tmp_path / "two", jobs=2)
    assert [o.status for o in summary.outcomes] == ["done", "done"]
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_changed_source_is_prepared_anew_and_changed_options_are_refused(
    tmp_path: Path, movie: Path
) -> None:
    source, out = two(tmp_path / "raw", movie), tmp_path / "out"
    prepare.run(source, out)
    film(source / "videos" / "one.mp4", FRAMES - 3, make=coloured)
    summary = prepare.run(source, out)
    assert [o.status for o in summary.outcomes] == ["done", "kept"]
    assert summary.as_dict()["skipped"]["the video has no image there"] == 3
    (out / "clips" / "two" / "crops.bin").write_bytes(b"cut off")
    summary = prepare.run(source, out)
    assert [o.status for o in summary.outcomes] == ["kept", "done"]
    refused = prepare.run(source, out, quality=80)
    assert len(refused.failed) == 2
    assert "prepared with {'lossless': False, 'quality': 95}, not" in refused.failed[0].message


def test_a_clip_that_another_process_has_is_busy(tmp_path: Path, movie: Path) -> None:
    from filelock import FileLock

    source, out = two(tmp_path / "raw", movie), tmp_path / "out"
    (out / LOCKS).mkdir(parents=True)
    with FileLock(out / LOCKS / "one.lock"):
        summary = prepare.run(source, out)
    assert [o.status for o in summary.outcomes] == ["busy", "done"] and not summary.failed


def test_clips_fail_alone(tmp_path: Path, movie: Path) -> None:
    source = layout(
        tmp_path / "raw",
        lost=entry("lost"),
        broken=entry("broken"),
        good=entry("good"),
        silent=entry("silent"),
        spanless=entry("spanless"),
        **{"../up": entry("../up")},
    )
    (source / "clips").mkdir()
    shutil.copy(movie, source / "clips" / "good.mp4")
    (source / "clips" / "broken.mp4").write_bytes(b"no video")
    film(source / "clips" / "silent.mp4", 20)
    summary = prepare.run(source, tmp_path / "out")
    assert {o.name: o.status for o in summary.outcomes} == {
        "broken": "failed",
        "good": "done",
        "lost": "failed",
        "silent": "done",
        "spanless": "failed",
        "../up": "failed",
    }
    known = summary.as_dict()
    assert known["failed"]["../up"] == "its uid cannot be the name of a folder"
    assert "videos/lost.mp4" in known["failed"]["lost"]
    assert "broken.mp4" in known["failed"]["broken"]
    assert known["clips_without_sound"] == ["silent"]
    assert known["notes_by_clip"] == {"silent": ["without audio"]}
    assert read_list(tmp_path / "out" / "split" / "val.list") == ("good", "silent")
    (source / "videos").mkdir()
    shutil.copy(movie, source / "videos" / "film.mp4")
    again = prepare.run(source, tmp_path / "out").as_dict()
    assert "does not tell where in film.mp4" in again["failed"]["spanless"]


@pytest.mark.parametrize(
    ("place", "manifest"), [("full_scale/film.mp4", None), ("tmp/named", "named")]
)
def test_clips_are_cut_out_of_full_length_videos(
    tmp_path: Path, place: str, manifest: str | None
) -> None:
    """Seconds 1 to 2: the first image is that of frame 30."""
    source = layout(
        tmp_path / "raw",
        new=entry("new", 29, video_start_sec=1.0, video_end_sec=2.0),
        old=entry("old", 29, parent_start_sec=0.5, parent_end_sec=1.5),
    )
    created = film(tmp_path / "film.mp4", 75, make=numbered, audio_hz=16_000)
    (source / place).parent.mkdir()
    shutil.copy(created, source / place)
    if manifest:
        (source / "csv").mkdir()
        (source / "csv" / "manifest.csv").write_text(
            f"video_uid,canonical_s3_location\nfilm,s3://bucket/a/{manifest}\n"
        )
    summary = prepare.run(source, tmp_path / "out", lossless=True)
    assert not summary.failed
    for uid, first in (("new", 30), ("old", 15)):
        clip = open_clip(tmp_path / "out", uid)
        crops = [clip.crop("t", frame) for frame in (1, 2, 29)]
        assert [int(c[0, 0, 0]) - 40 for c in crops if c is not None] == [
            first,
            first + 1,
            first + 28,
        ]
        assert clip.card["counts"]["pictures"] == 30 and clip.audio_samples == 16_000


def test_the_published_lists_ship(tmp_path: Path, movie: Path) -> None:
    lists = {name: read_list(sources.SPLITS / f"{name}.list") for name in sources.LISTS}
    assert {name: len(uids) for name, uids in lists.items()} == {
        "train": 389,
        "val": 50,
        "test": 133,
    }
    assert len(set().union(*lists.values())) == 572 and set(lists["train"]) >= LAM_LEAVES_OUT
    uid = lists["val"][7]
    source = layout(tmp_path / "raw", **{uid: entry(uid), "own": entry("own")})
    shutil.rmtree(source / "split")
    for name in (uid, "own"):
        shutil.copy(movie, source / f"{name}.mp4")
    known = prepare.run(source, tmp_path / "out").as_dict()
    assert known["clips"] == {"done": 2}
    others = ", ".join(sorted({*lists["val"]} - {uid})[:5])
    assert known["notes"] == [
        "no split/*.list: the published lists are taken",
        f"49 clips of the list val are not annotated, first: {lists['val'][0]}",
        "no clip of the lists that ship with eyeline is here: train, test",
        f"49 of 50 listed clips are not here: {others} and 44 more; val has 1 of 50 clips",
    ]
    assert listed.notes(tmp_path / "out", "val") == (known["notes"][-1],)
    assert read_list(tmp_path / "out" / "split" / "val.list") == (uid,)
    assert not (tmp_path / "out" / "split" / "train.list").exists()
    one = prepare.run(source, tmp_path / "part", lists=("val",))
    assert [o.name for o in one.outcomes] == [uid]


def test_other_rates_are_reported(tmp_path: Path) -> None:
    source = layout(tmp_path / "raw", one=entry("one"))
    film(source / "videos" / "one.mp4", 100, rate=Fraction(60))
    known = prepare.run(source, tmp_path / "out").as_dict()
    assert known["pictures"] == 50
    notes = ["brought to 30 frames a second: 0 come again, 50 are left out", "without audio"]
    assert known["notes_by_clip"] == {"one": notes}
    kept = prepare.run(source, tmp_path / "out").as_dict()
    assert kept["clips"] == {"kept": 1} and kept["notes_by_clip"] == {"one": notes}


def test_what_cannot_be_prepared(tmp_path: Path, movie: Path) -> None:
    with pytest.raises(DataError, match=r"no json/av_train.json or json/av_val.json in"):
        prepare.run(tmp_path, tmp_path / "out")
    source = two(tmp_path / "raw", movie)
    with pytest.raises(UsageError, match="jobs is 0; must be at least 1"):
        prepare.run(source, tmp_path / "out", jobs=0)
    with pytest.raises(UsageError, match="no list 'nowhere'; there are: val"):
        prepare.run(source, tmp_path / "out", lists=("nowhere",))
    with pytest.raises(UsageError, match="quality is 101; must be at most 100"):
        prepare.run(source, tmp_path / "out", quality=101)
    (source / "split" / "test.list").write_text("elsewhere")
    with pytest.raises(DataError, match="no clip of the list test is annotated"):
        prepare.run(source, tmp_path / "out", lists=("test",))


def test_clips_of_the_test_are_prepared_without_labels(tmp_path: Path, movie: Path) -> None:
    """`av_test_unannotated.json` may hold people, or no more than where clips lie."""
    source = two(tmp_path / "raw", movie)
    bare = {"clip_uid": "bare", "video_start_sec": 0.0, "video_end_sec": 1.0}
    there = {"clip_uid": "two", "persons": entry("two")["persons"]}
    test = {"videos": [{"video_uid": "film", "clips": [there, bare]}]}
    path = source / "json" / "av_val.json"
    val = json.loads(path.read_text())
    val["videos"][0]["clips"].pop()
    path.write_text(json.dumps(val))
    (source / "json" / "av_test_unannotated.json").write_text(json.dumps(test))
    (source / "split" / "test.list").write_text("two\nbare")
    summary = prepare.run(source, tmp_path / "out")
    assert {o.name: o.status for o in summary.outcomes} == {"one": "done", "two": "done"}
    assert any("1 clips of av_test_unannotated.json have no video" in n for n in summary.notes)
    one, other = (open_clip(tmp_path / "out", uid).annotation for uid in ("one", "two"))
    assert one.labelled and not other.labelled and other.tracks
    asked = prepare.run(source, tmp_path / "out", lists=("test",))
    assert {o.name: o.status for o in asked.outcomes} == {"bare": "failed", "two": "kept"}
    shutil.copy(movie, source / "videos" / "bare.mp4")
    assert not prepare.run(source, tmp_path / "out").failed
    assert open_clip(tmp_path / "out", "bare").annotation.tracks == ()
