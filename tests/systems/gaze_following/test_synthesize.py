"""The synthetic data set: read by every reader, the same again, audio and mouths together."""

from __future__ import annotations

import hashlib
import wave
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eyeline.errors import OutputError, UsageError
from eyeline.systems.gaze_following import formats, speaker_files, synthesize
from eyeline.systems.gaze_following.datasets import texts, vgs
from eyeline.systems.gaze_following.detector import coco
from eyeline.systems.gaze_following.detector import data as images
from eyeline.systems.gaze_following.detector.data import ORIGINAL_NAMES
from eyeline.systems.gaze_following.detector.inputs import read_image
from eyeline.systems.gaze_following.fusion import FUSIONS
from eyeline.systems.gaze_following.heads import Heads, heads
from eyeline.systems.gaze_following.matching import data
from eyeline.systems.gaze_following.tracking import track_faces
from eyeline.video.reader import VideoReader

SMALL: dict[str, Any] = {
    "videos": 2, "validation_videos": 1, "test_videos": 1, "seconds": 5.0, "width_px": 320,
}  # fmt: skip
VIDEOS = ("001", "002", "003", "004")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    cv2.setNumThreads(1)
    root = tmp_path_factory.mktemp("made") / "set"
    return root, synthesize.run(root, **SMALL)


@pytest.fixture(scope="module")
def root(made: tuple[Path, dict[str, Any]]) -> Path:
    return made[0]


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_files(root: Path, tmp_path: Path) -> None:
    few: dict[str, Any] = {
        "videos": 1, "validation_videos": 1, "test_videos": 1, "seconds": 2.0, "width_px": 160,
    }  # fmt: skip
    for name, seed, jobs in (("one", 0, 1), ("two", 0, 2), ("other", 1, 1)):
        synthesize.run(tmp_path / name, seed=seed, jobs=jobs, **few)
    one = digests(tmp_path / "one")
    assert one == digests(tmp_path / "two")
    other = digests(tmp_path / "other")
    moved = ("directions.csv", "candidates.csv", "videos/001.mp4", "audio/001.wav")
    assert all(one[name] != other[name] for name in moved)


def test_what_it_tells_of_itself(made: tuple[Path, dict[str, Any]]) -> None:
    root, known = made
    assert known["videos"] == 4 and known["frames"] == 500
    looks = vgs.read_text(root / "GT_label_all_videoFormat.txt")
    assert sum(known["looks"].values()) == len(looks)
    assert known["looks"]["away"] <= (looks.in_frame == 0).sum()
    assert known["bytes"] == sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
    assert 10 < known["direction_error_deg"] < 40


def test_the_matcher_reads_it(root: Path) -> None:
    """Every look has a head, a size, candidates, and who speaks; most a right answer."""
    for split, own in (("train", VIDEOS[:2]), ("validation", VIDEOS[2:3]), ("test", VIDEOS[3:])):
        assert texts.read_list(root / f"{split}.txt") == own
        scenes = data.open_folder(root, split=f"{split}.txt")
        assert set(scenes.looks.video) == set(own)
        assert not np.isnan(scenes.looks.speaks).any()
        assert np.isnan(scenes.gaze).any(axis=1).mean() < 0.2
        examples = data.examples(scenes)
        assert np.mean([right.any() for right in examples.right]) > 0.88
        assert set(scenes.looks.image) >= set(scenes.candidates)
    everything = vgs.read_text(root / data.TRUTH)
    assert 0 < (everything.in_frame == 0).mean() < 0.3


def test_the_detector_reads_it(root: Path) -> None:
    counts = []
    for fusion in FUSIONS:
        for split in ("train2017", "val2017", "test2017"):
            result = images.open_split(root, split, fusion)
            counts.append(len(result))
            assert not result.annotations.left_out
            assert result.folder.parent.name == ORIGINAL_NAMES[fusion]
            names = {p.name for p in result.annotations.images}
            assert names == {p.name for p in result.folder.iterdir()}
    assert counts[:3] == counts[3:6] == counts[6:]
    sample = images.open_split(root, "train2017", "hs")[0]
    assert sample.pixels.shape[0] == 3


def test_both_forms_agree(root: Path) -> None:
    """A target's box holds the annotated point of the same look, as far as heads are hit."""
    points = vgs.read_text(root / data.TRUTH)
    place = {(p, who): i for i, (p, who) in enumerate(zip(points.image, points.person,
                                                         strict=True))}  # fmt: skip
    boxes = vgs.read_coco(root / "coco-H" / "annotations" / "instances_train2017.json")
    rows = [place[pair] for pair in zip(boxes.image, boxes.person, strict=True)]
    assert len(rows) > 10
    point = points.mean_point_px()[rows]
    held = (boxes.target_xyxy[:, :2] - 2 <= point) & (point <= boxes.target_xyxy[:, 2:] + 2)
    assert held.all(axis=1).mean() > 0.9


def test_heads_are_brightened_the_speakers_more(root: Path) -> None:
    speakers = vgs.read_speakers(root / "speakers.csv")
    known = {fusion: [0.0, 0.0] for fusion in FUSIONS}
    counts = [0, 0]
    for path in sorted((root / "coco-HS" / "train2017").iterdir()):
        name = formats.parse_name(path.name)
        if name.head != 1:
            continue
        boxes = speaker_files.read_head_boxes(
            root / "head_boxes" / f"{name.video}_frame_faces_boxes.npy"
        )
        for person, box in enumerate(boxes[:, name.frame]):
            loud = person + 1 in speakers[name.video, name.frame]
            x, y = (box[:2] + box[2:]) // 2
            counts[loud] += 1
            for fusion in FUSIONS:
                file = root / ORIGINAL_NAMES[fusion] / "train2017" / path.name
                known[fusion][loud] += float(read_image(file)[y, x].mean())
    bright = {fusion: np.array(v) / counts for fusion, v in known.items()}
    assert min(counts) > 2
    assert (bright["h"] > bright["none"] + 40).all() and (bright["hs"] > bright["none"] + 40).all()
    gained = bright["hs"] - bright["none"]
    assert gained[1] > gained[0] + 20


@pytest.mark.parametrize("video", VIDEOS)
def test_the_speakers_files_agree(root: Path, video: str) -> None:
    """Published tracking of the stored faces gives the stored tracks and head boxes."""
    work = root / "pywork" / video
    scenes = speaker_files.read_scenes(work / speaker_files.SCENES)
    faces = speaker_files.read_faces(work / speaker_files.FACES)
    tracks = speaker_files.read_tracks(work / speaker_files.TRACKS)
    assert faces.frames_read == scenes.frames_read == 125 and scenes.cuts == ()
    result = track_faces(
        faces.frame, faces.box_norm, frames_read=125, least_faces=50, drop_last_of_shot=False
    )
    assert len(result) == len(tracks)
    for a, b in zip(result, tracks, strict=True):
        np.testing.assert_allclose(a.box_norm, b.track.box_norm)
    each = [heads(t.squares) for t in tracks]
    all_ = Heads(*(np.stack(columns) for columns in zip(*each, strict=True)))
    path = root / "head_boxes" / f"{video}_frame_faces_boxes.npy"
    assert np.array_equal(speaker_files.read_head_boxes(path), all_.box_xyxy)
    speaks = speaker_files.read_array(work / speaker_files.SPEAKER, 1)
    truth = vgs.read_speakers(root / "speakers.csv")
    assert len(speaks) == 125 - 6
    for (name, frame), who in truth.items():
        if name == video and who and frame < len(speaks):
            assert int(speaks[frame]) + 1 in who
    maps = speaker_files.read_maps(root / "face_maps" / video, video, 25)
    assert maps is not None and maps.speaker.shape == (180, 320)
    assert bool(maps.speaker.any()) == bool(truth[video, 25]) and maps.others.any()


@pytest.mark.parametrize("video", VIDEOS)
def test_videos_have_their_audio(root: Path, video: str) -> None:
    reader = VideoReader(root / "videos" / f"{video}.mp4")
    assert (reader.info.width_px, reader.info.height_px) == (320, 180)
    assert reader.info.has_audio and float(reader.info.rate_hz) == 25
    with wave.open(str(root / "audio" / f"{video}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.getnframes() == 5 * 16_000


def test_the_audio_is_that_of_the_mouths(root: Path) -> None:
    """The stored audio is loud when the drawn speaker's mouth is open; others' mouths are not."""
    own, others = [], []
    for place, video in enumerate(VIDEOS):
        scene = synthesize.scene_of(0, place, 125, 320)
        voices = synthesize.audio_of(0, place, scene)
        with wave.open(str(root / "audio" / f"{video}.wav")) as file:
            audio = np.frombuffer(file.readframes(5 * 16_000), "<i2") / 32767
        loud = np.sqrt(np.mean(audio.reshape(125, 640) ** 2, axis=1))
        for person, speaks in enumerate(scene.speaks):
            for group, when in ((own, speaks), (others, scene.speaks.any(axis=0) & ~speaks)):
                mouth = voices.mouths[person, when]
                if when.sum() > 20 and mouth.std() > 0:
                    group.append(np.corrcoef(mouth, loud[when])[0, 1])
    assert len(own) > 4 and min(own) > 0.8
    assert not others or np.mean(np.abs(others)) < 0.4


def test_candidates_and_annotations_are_in_the_published_form(root: Path) -> None:
    result = formats.read_candidates_csv(root / "candidates.csv")
    assert len(result) == 4 * 25
    assert all((np.diff(one.score) <= 0).all() for one in result)
    for word in ("HS", "H", "noHnoS"):
        path = root / f"coco-{word}" / "annotations" / "instances_train2017.json"
        known = coco.read(path, for_training=True)
        assert set(known.left_out) <= {"images without a target"}
        mask = coco.rasterised(
            known.images[0].targets[0].outline, known.images[0].targets[0].box_xyxy, (320, 180)
        )
        assert mask.any()


@pytest.mark.parametrize(
    "wrong",
    [{"videos": 0}, {"seconds": 1.0}, {"seconds": 41.0}, {"width_px": 321}, {"jobs": 0},
     {"videos": 998}, {"image_every": 0}],
)  # fmt: skip
def test_numbers_that_cannot_be(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be"):
        synthesize.run(tmp_path / "set", **{**SMALL, **wrong})


def test_a_folder_that_holds_something(root: Path) -> None:
    with pytest.raises(OutputError, match="holds something"):
        synthesize.run(root, **SMALL)
