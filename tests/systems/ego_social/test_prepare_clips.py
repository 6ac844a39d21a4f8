"""Clips cut out of full-length videos: the same images and audio as the clips themselves have."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.ego_social import prepare, prepare_clips
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.systems.ego_social.recordings.store import open_clip
from eyeline.video.reader import VideoReader
from tests.conftest import Command
from tests.systems.ego_social.stored import film
from tests.systems.ego_social.test_prepare import entry, layout

RATE = 30
LONG = 150


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds that say their numbers, with a rising tone."""
    return film(tmp_path_factory.mktemp("long") / "film.mp4", LONG, audio_hz=48_000)


def full_length(root: Path, long_video: Path, place: str = "full_scale/film.mp4") -> Path:
    """Two clips of a video, one in the names of the newer annotations, one of the older."""
    spans = {
        "one": {"video_start_sec": 1.0, "video_end_sec": 2.5},
        "two": {"parent_start_sec": 2.5, "parent_end_sec": 4.0},
    }
    source = layout(root, **{uid: entry(uid, 40, **span) for uid, span in spans.items()})
    (source / place).parent.mkdir(parents=True, exist_ok=True)
    (source / place).symlink_to(long_video)
    return source


def levels(path: Path) -> list[int]:
    """What each frame says, of `stored.numbered`."""
    return [round(float(frame.rgb()[:20].mean())) - 40 for frame in VideoReader(path)]


@pytest.mark.parametrize("place", ["full_scale/film.mp4", "tmp/film", "videos/film.mp4"])
def test_a_clip_has_the_images_and_the_audio_of_its_span(
    tmp_path: Path, long_video: Path, place: str
) -> None:
    source = full_length(tmp_path / "raw", long_video, place)
    summary = prepare_clips.run(source, tmp_path / "out")
    assert [o.status for o in summary.outcomes] == ["done", "done"]
    assert summary.as_dict()["written"] == {"one": "45 frames", "two": "45 frames"}
    for uid, first in (("one", 30), ("two", 75)):
        path = tmp_path / "out" / "videos" / f"{uid}.mp4"
        assert np.abs(np.array(levels(path)) - np.arange(first, first + 45)).max() <= 1
        own, part = Footage(path), Footage(long_video, (first / RATE, first / RATE + 1.5))
        assert len(list(own.images())) == len(list(part.images())) == 45
        heard, meant = own.audio(), part.audio()
        inner = slice(2000, -2000)
        off = np.abs(heard[: len(meant)][inner].astype(int) - meant[inner]).max()
        assert off < 0.01 * np.abs(meant).max(), "no sample is out of its place"
        assert 0 <= len(heard) - len(meant) < 0.1 * 16_000


def test_every_frame_is_a_key_frame_and_the_audio_is_copied(
    tmp_path: Path, long_video: Path
) -> None:
    prepare_clips.run(full_length(tmp_path / "raw", long_video), tmp_path / "out")
    with av.open(str(tmp_path / "out" / "videos" / "one.mp4")) as clip:
        packets = [p for p in clip.demux(video=0) if p.size]
        assert len(packets) == 45 and all(p.is_keyframe for p in packets)
    with (
        av.open(str(tmp_path / "out" / "videos" / "one.mp4")) as clip,
        av.open(str(long_video)) as whole,
    ):
        there = {bytes(p) for p in whole.demux(audio=0) if p.size}
        copied = [bytes(p) for p in clip.demux(audio=0) if p.size]
        assert len(copied) > 50 and set(copied) <= there


def test_what_is_cut_is_kept_and_prepared_like_the_full_length_video(
    tmp_path: Path, long_video: Path
) -> None:
    source = full_length(tmp_path / "raw", long_video)
    cut = tmp_path / "cut"
    prepare_clips.run(source, cut, jobs=2)
    before = (cut / "videos" / "one.mp4").stat().st_mtime_ns
    again = prepare_clips.run(source, cut)
    assert {o.status for o in again.outcomes} == {"kept"}
    assert (cut / "videos" / "one.mp4").stat().st_mtime_ns == before
    prepare.run(source, tmp_path / "whole", lossless=True)
    prepare.run(source, tmp_path / "clips", lossless=True, videos=cut / "videos")
    for uid in ("one", "two"):
        whole, clip = (open_clip(tmp_path / name, uid) for name in ("whole", "clips"))
        assert whole.card["source"]["span_s"] and clip.card["source"]["span_s"] is None
        for frame in (1, 20, 40):
            a, b = (c.crop("t", frame) for c in (whole, clip))
            assert a is not None and b is not None
            assert np.abs(a.astype(int) - b).mean() < 3, "encoded once more"


def test_what_cannot_be_cut_is_named_and_the_others_go_on(tmp_path: Path, long_video: Path) -> None:
    source = full_length(tmp_path / "raw", long_video)
    path = source / "json" / "av_val.json"
    content = json.loads(path.read_text())
    late = entry("late", 3, video_start_sec=50.0, video_end_sec=60.0)
    short = entry("short", 3, video_start_sec=4.0, video_end_sec=9.0)
    content["videos"][0]["clips"] += [late, short, entry("nowhere", 3)]
    content["videos"].append({"video_uid": "gone", "clips": [entry("lost", 3)]})
    path.write_text(json.dumps(content))
    summary = prepare_clips.run(source, tmp_path / "out")
    failed = {o.name: o.message for o in summary.failed}
    assert "ends before the clip begins" in failed["late"]
    assert "does not tell where" in failed["nowhere"] and "no video" in failed["lost"]
    assert set(failed) == {"late", "nowhere", "lost"}
    written = summary.as_dict()["written"]
    assert written["short"] == "30 frames, the video ends at 1.00 s of it"
    assert sorted(p.name for p in (tmp_path / "out" / "videos").iterdir()) == [
        "one.mp4",
        "short.mp4",
        "two.mp4",
    ]


def test_choices_that_cannot_be(tmp_path: Path, long_video: Path) -> None:
    source = full_length(tmp_path / "raw", long_video)
    with pytest.raises(UsageError, match="must be at least 1"):
        prepare_clips.run(source, tmp_path / "out", jobs=0)
    with pytest.raises(UsageError, match="no such folder of videos"):
        prepare_clips.run(source, tmp_path / "out", videos=tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"av_train\.json"):
        prepare_clips.run(tmp_path, tmp_path / "out")


def test_the_command(eyeline: Command, tmp_path: Path, long_video: Path) -> None:
    source = full_length(tmp_path / "raw", long_video)
    done = eyeline(
        "prepare",
        "ego_social/clips",
        "--source",
        source,
        "-o",
        tmp_path / "out",
        "--set",
        "lists=[val]",
        "--set",
        f"videos={source / 'full_scale'}",
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["clips"] == {"done": 2}
