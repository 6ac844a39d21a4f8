"""From raw videos to the files of the authors' steps: drawn videos, and their clip 012."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.files import write_bytes
from eyeline.systems.gaze_following import (
    best_gaze,
    formats,
    fusion,
    predictions,
    prepare,
    speaker_files,
    speaker_stage,
    synthesize,
)
from eyeline.systems.gaze_following.detector.inputs import read_image
from eyeline.systems.gaze_following.speaker_files import StoredOffset
from tests.systems.gaze_following.detector.invented import saved

FILES = ("faces.pckl", "scene.pckl", "tracks.pckl", "whospeaks.npy")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("vgs") / "set"
    synthesize.run(
        out, videos=1, validation_videos=1, test_videos=1, seconds=2.0, width_px=160, image_every=25
    )
    return out


@pytest.fixture(scope="module")
def done(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done") / "out"
    result = prepare.run(
        root / "videos", out, speaker_files=str(root), fusion="h", published=False
    ).as_dict()
    assert result["videos"] == {"done": 3} and not result["failed"]
    return out


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_frames_have_the_authors_names(done: Path) -> None:
    tracks = speaker_files.read_tracks(done / "speaker_detect/pywork/001/tracks.pckl")
    wanted = {f"001{h + 1}{f:03d}.jpg" for h in range(len(tracks)) for f in range(50)}
    assert names(done / "image_frame/001") == wanted
    assert names(done / "fusion_speaker/001") == {n for n in wanted if int(n[4:7]) < 44}
    first, second = (done / f"image_frame/001/001{h}000.jpg" for h in (1, 2))
    assert first.read_bytes() == second.read_bytes()


def test_the_authors_files_are_written_as_they_were_read(root: Path, done: Path) -> None:
    for video in ("001", "002", "003"):
        theirs, ours = root / "pywork" / video, done / "speaker_detect/pywork" / video
        assert names(ours) == {*FILES}
        for name in ("faces.pckl", "scene.pckl", "whospeaks.npy"):
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
        tracks = (speaker_files.read_tracks(f / "tracks.pckl") for f in (ours, theirs))
        for mine, known in zip(*tracks, strict=True):
            np.testing.assert_array_equal(mine.track.box_norm, known.track.box_norm)
            np.testing.assert_array_equal(mine.squares, known.squares)
        boxes = speaker_files.read_head_boxes(
            done / f"speaker_detect/head_boxes/{video}/{video}_frame_faces_boxes.npy"
        )
        wanted = speaker_files.read_head_boxes(root / f"head_boxes/{video}_frame_faces_boxes.npy")
        np.testing.assert_array_equal(boxes, wanted[:, :44])
    kinds = ("speaker", "nonspeaker")
    assert names(done / "speaker_detect/face_maps/001") == {
        f"001_f{f}_{kind}.png" for f in range(44) for kind in kinds
    }


def test_maps_mark_who_speaks(done: Path) -> None:
    folder = done / "speaker_detect"
    speaks = speaker_files.read_array(folder / "pywork/001/whospeaks.npy", 1)
    boxes = speaker_files.read_head_boxes(folder / "head_boxes/001/001_frame_faces_boxes.npy")
    for frame in (0, 43):
        drawn = speaker_files.read_maps(folder / "face_maps/001", "001", frame)
        assert drawn is not None
        x1, y1, x2, y2 = boxes[int(speaks[frame]), frame].tolist()
        centre = (y1 + y2) // 2, (x1 + x2) // 2
        assert drawn.speaker[centre] == 255 and drawn.others[centre] == 0


def test_fusing_frames_and_maps_gives_the_same_images(done: Path, tmp_path: Path) -> None:
    result = fusion.run(
        done / "image_frame", tmp_path / "out", maps=str(done / "speaker_detect"), fusion="h"
    )
    assert not result.failed and result.outcomes[0].notes
    assert names(tmp_path / "out/001") == names(done / "fusion_speaker/001")
    for name in ("0011000.jpg", "0012043.jpg"):
        ours = (tmp_path / "out/001" / name).read_bytes()
        assert ours == (done / "fusion_speaker/001" / name).read_bytes()
        plain = read_image(done / "image_frame/001" / name).astype(int)
        gain = read_image(tmp_path / "out/001" / name).astype(int) - plain
        assert gain.max() > 90 and np.median(gain) == 0
    with pytest.raises(DataError, match=r"has no frames VVVHFFF\.jpg"):
        fusion.run(done / "speaker_detect", tmp_path / "none")
    with pytest.raises(UsageError, match="no fusion 'x'"):
        fusion.run(done / "image_frame", tmp_path / "none", fusion="x")


def test_it_goes_on_where_it_was_stopped(root: Path, tmp_path: Path) -> None:
    def run(**options: Any) -> dict[str, int]:
        result = prepare.run(videos, tmp_path / "out", speaker_files=str(root), **options)
        counted: dict[str, int] = result.as_dict()["videos"]
        return counted

    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy2(root / "videos/001.mp4", videos)
    assert run() == {"done": 1}
    shutil.copy2(root / "videos/002.mp4", videos)
    assert run() == {"kept": 1, "done": 1}
    assert run(fusion="none") == {"done": 2}
    frame, fused = (tmp_path / "out" / kind for kind in ("image_frame", "fusion_speaker"))
    same = read_image(frame / "002/0021003.jpg").astype(int)
    assert np.abs(read_image(fused / "002/0021003.jpg") - same).mean() < 1


def test_a_damaged_video_costs_itself(root: Path, tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy2(root / "videos/001.mp4", videos)
    write_bytes(videos / "009.mp4", b"no video")
    shutil.copytree(root / "pywork/001", tmp_path / "files/pywork/001")
    shutil.copytree(root / "pywork/001", tmp_path / "files/pywork/009")
    result = prepare.run(videos, tmp_path / "out", speaker_files=str(tmp_path / "files"))
    assert [o.status for o in result.outcomes] == ["done", "failed"]
    assert not [p for p in (tmp_path / "out").rglob("*009*") if "001" not in str(p)]
    (tmp_path / "files/pywork/001/tracks.pckl").write_bytes(b"nothing")
    again = prepare.run(videos, tmp_path / "out", speaker_files=str(tmp_path / "files"), fusion="h")
    assert len(again.failed) == 2 and "tracks.pckl" in again.failed[0].message
    assert len(names(tmp_path / "out/fusion_speaker/001")) > 40, "what was there stays"


def test_candidates_and_best_gaze(root: Path, tmp_path: Path) -> None:
    weights = saved(tmp_path / "mask_rcnn.safetensors")
    out = tmp_path / "out"
    result = prepare.run(
        root / "videos/001.mp4",
        out,
        weights={"mask_rcnn": weights},
        speaker_files=str(root / "pywork/001"),
        every=20,
    )
    assert result.as_dict()["gaze_points"] > 0
    text = formats.read_candidates_text(out / "candidates/001.txt")
    table = {c.name: c for c in formats.read_candidates_csv(out / "candidates/001.csv")}
    assert {formats.parse_name(c.name).frame for c in text} == {0, 20, 40}
    for one in text:
        if len(one.score):
            np.testing.assert_allclose(table[one.name].box_xyxy, one.box_xyxy, atol=1e-3)
    best = formats.read_best(out / "best_gaze/001.csv")
    assert [row.box_xyxy for row in best] == [tuple(c.box_xyxy[0]) for c in table.values()]
    assert all(np.isnan(row.slope) for row in best), "without weights there is no slope"
    sequence = formats.read_sequence(out / "KETI_Sequence.csv")
    assert [(p.video, p.name, p.head_xyxy) for p in sequence] == [
        ("001.mp4", row.name, row.head_xyxy) for row in best
    ]
    assert len(predictions.read(out / "best_gaze/001.csv")) == len(best)
    again = best_gaze.run(out, tmp_path / "again")
    assert again.as_dict()["gaze_points"] == len(best)
    for name in ("best_gaze/001.csv", "KETI_Sequence.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fusion": "x"}, "no fusion 'x'"),
        ({"speaker": "x"}, "no speaker 'x'; there are mouth_agreement"),
        ({"speaker": "published"}, "speaker=published and --weights of syncnet do not go"),
        ({"min_track": 0}, "must be at least 1"),
        ({"rule": "main"}, "need --weights of mask_rcnn"),
        ({"weights": {"matcher": Path("m")}}, "weights of matcher are not used here"),
    ],
)
def test_options_that_cannot_be(
    root: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        prepare.run(root / "videos", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["a.mp4"], "at least three characters"),
        (["b001.mp4", "c001.mp4"], "both called '001'"),
        ([], "has no videos"),
    ],
)
def test_videos_must_have_names_of_their_own(tmp_path: Path, files: list[str], said: str) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in files:
        write_bytes(folder / name, b"")
    with pytest.raises(DataError, match=said):
        prepare.run(folder, tmp_path / "out")


def test_tracks_that_begin_late_have_maps_by_frame(root: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    shutil.copytree(root / "pywork/001", files)
    tracks = speaker_files.read_tracks(files / "tracks.pckl")
    late = tracks[1]
    cut = late._replace(
        track=late.track._replace(frame=late.track.frame[30:], box_norm=late.track.box_norm[30:]),
        squares=late.squares.at(slice(30, None)),
    )
    speaker_files.write_tracks(files / "tracks.pckl", [tracks[0], cut])
    speaker_files.write_offsets(files / "offsets.txt", [StoredOffset(-3, 1.25)] * 2)
    result = prepare.run(root / "videos/001.mp4", tmp_path / "out", speaker_files=str(files))
    assert "track 1 begins after frame 0" in result.outcomes[0].notes[0]
    stored = tmp_path / "out/speaker_detect/pywork/001/offsets.txt"
    assert stored.read_bytes() == (files / "offsets.txt").read_bytes()
    maps = [
        speaker_files.read_maps(tmp_path / "out/speaker_detect/face_maps/001", "001", frame)
        for frame in (29, 30)
    ]
    areas = [int((m.speaker > 0).sum() + (m.others > 0).sum()) for m in maps if m is not None]
    assert areas[1] > 1.5 * areas[0]


@pytest.mark.slow
def test_their_clip_comes_out_as_the_authors_have_it(shared: Path, tmp_path: Path) -> None:
    data, out = shared / "reference/vgs/data", tmp_path / "out"
    original = data / "speaker_012/original_files"
    given = tmp_path / "files"  # without their tracks, which are made again
    given.mkdir()
    for name in ("faces.pckl", "scene.pckl", "activesd.pckl", "whospeaks.npy"):
        shutil.copy2(original / name, given)
    result = prepare.run(data / "video/012.mp4", out, speaker_files=str(given), fusion="h")
    assert not result.failed and result.as_dict()["frames"] == 396
    ours = out / "speaker_detect/pywork/012"
    for name in ("scene.pckl", "activesd.pckl", "offsets.txt", "whospeaks.npy"):
        assert (ours / name).read_bytes() == (original / name).read_bytes(), name
    pairs = zip(
        speaker_files.read_tracks(ours / "tracks.pckl"),
        speaker_files.read_tracks(original / "tracks.pckl"),
        strict=True,
    )
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine.track.frame, theirs.track.frame)
        np.testing.assert_array_equal(mine.track.box_norm, theirs.track.box_norm)
        np.testing.assert_array_equal(mine.squares, theirs.squares)
    for kind in ("frame_faces_boxes", "faces_bboxes"):
        boxes = [
            speaker_files.read_head_boxes(folder / f"012_{kind}.npy")
            for folder in (out / "speaker_detect/head_boxes/012", original)
        ]
        np.testing.assert_array_equal(*boxes)
    for raw in sorted((data / "fusion_012").glob("raw_*.jpg")):
        frame = raw.stem[-3:]
        for kind, called in (("image_frame", "raw"), ("fusion_speaker", "fused")):
            image = read_image(out / kind / f"012/0121{frame}.jpg").astype(int)
            published = read_image(raw.with_name(f"{called}_{frame}.jpg"))
            assert np.abs(image - published).mean() < 0.15, (kind, frame)


@pytest.mark.slow
def test_faces_and_speakers_of_raw_video(interview: Path, tmp_path: Path) -> None:
    """Our own, in the authors' files: four heads, and who speaks first."""
    result = speaker_stage.detect(interview, speaker_stage.Options(min_track=200))
    assert not speaker_stage.write(tmp_path / "pywork", tmp_path / "heads", "012", result, 396)
    assert speaker_files.read_faces(tmp_path / "pywork/faces.pckl").frames_read == 396
    boxes = speaker_files.read_head_boxes(tmp_path / "heads/012_frame_faces_boxes.npy")
    assert boxes.shape == (4, 395, 4)
    speaks = speaker_files.read_array(tmp_path / "pywork/whospeaks.npy", 1)
    early, late = speaks[24:144], speaks[216:288]  # 1 to 6 s, 9 to 12 s
    assert np.isfinite(early).mean() > 0.8 and np.isfinite(late).mean() > 0.8
    assert len({*early[np.isfinite(early)]}) == 1
    assert early[np.isfinite(early)][0] not in {*late[np.isfinite(late)]}
