"""Prepared clips: what is written comes back, and what is damaged is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.results import Image
from eyeline.systems.ego_social.inputs import crop_face, segment_audio
from eyeline.systems.ego_social.recordings.annotations import Clip, read_annotations
from eyeline.systems.ego_social.recordings.store import (
    AUDIO,
    CROPS,
    EMPTY,
    INDEX,
    described,
    open_clip,
    prepared_clips,
    words_of,
)
from eyeline.systems.ego_social.recordings.tracklets import filled
from eyeline.systems.ego_social.recordings.writing import Settings, cut_out, cuts_of
from tests.refusals import refuses
from tests.systems.ego_social.recorded import annotated
from tests.systems.ego_social.stored import (
    clip_of,
    golden_audio,
    golden_images,
    images,
    store_clip,
    track_of,
)
from tests.systems.ego_social.test_inputs import golden_image


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    """A real one: several tracks, gaps, entries out of order."""
    return read_annotations(annotated(tmp_path)).clips["train-01-0"]


def test_an_annotation_comes_back_whole(tmp_path: Path, clip: Clip) -> None:
    store_clip(tmp_path, clip, golden_images(clip.uid), golden_audio(clip.uid))
    result = open_clip(tmp_path, clip.uid).annotation
    assert words_of(result) == words_of(clip)
    assert result.looking == clip.looking and result.talking == clip.talking
    for name, array in described(clip).items():
        np.testing.assert_array_equal(described(result)[name], array)
    assert prepared_clips(tmp_path) == (clip.uid,)


def test_without_loss_crops_are_those_of_the_image(tmp_path: Path, clip: Clip) -> None:
    written = store_clip(tmp_path, clip, golden_images(clip.uid))
    result = open_clip(tmp_path, clip.uid)
    count = 0
    for track in clip.tracks:
        boxes = filled(track)
        for frame, box in zip(boxes.frame.tolist(), boxes.box_xyxy, strict=True):
            crop = result.crop(track.track_id, frame)
            if frame > 59:
                assert crop is None
                continue
            np.testing.assert_array_equal(crop, crop_face(golden_image(1, frame), box))
            count += 1
    assert count == written["faces"] > 80
    assert result.tracks.keys() == {t.track_id for t in clip.tracks}
    assert written["size_bytes"] == (result.folder / CROPS).stat().st_size


def test_jpeg_is_smaller_and_nearly_the_same(tmp_path: Path) -> None:
    """A smooth image with some noise, as faces are."""
    ramp = np.linspace(20, 230, 300)[None] * np.ones((200, 1))
    noise = np.random.default_rng(0).normal(0, 3, (200, 300, 3))
    drawn = np.clip(np.stack([ramp, ramp[:, ::-1], ramp * 0 + 128], axis=2) + noise, 0, 255)
    image: Image = drawn.astype(np.uint8)
    faces = track_of([1, 2], (20, 20, 90, 110)), track_of([1], (0, 0, 290, 190), track_id="u")
    sizes = {}
    for name, settings in {
        "png": Settings(lossless=True), "95": Settings(), "50": Settings(quality=50)
    }.items():  # fmt: skip
        root = tmp_path / name
        written = store_clip(root, clip_of(*faces), images(2, lambda _: image), None, settings)
        sizes[name] = written["size_bytes"]
        error = []
        for track in faces:
            crop = open_clip(root, "c").crop(track.track_id, 1)
            assert crop is not None
            error.append(np.abs(np.int16(crop) - crop_face(image, filled(track).box_xyxy[0])))
        assert np.mean(error) <= {"png": 0, "95": 1.5, "50": 5}[name]
    assert sizes["50"] < sizes["95"] < sizes["png"]


def test_large_cuts_are_kept_as_crops() -> None:
    image = np.random.default_rng(0).integers(0, 256, (700, 900, 3)).astype(np.uint8)
    for sides, shape in (
        ((10, 20, 234, 244), (224, 224)), ((10, 20, 110, 220), (200, 100)),
        ((10, 20, 310, 420), (224, 224)), ((800, 650, 1000, 900), (50, 100)),
    ):  # fmt: skip
        part = cut_out(image, np.array(sides))
        assert part is not None and part.shape[:2] == shape
        again = crop_face(part, (0, 0, shape[1], shape[0]))
        np.testing.assert_array_equal(again, crop_face(image, sides))
    for empty in ((900, 0, 950, 50), (0, 700, 50, 750), (5, 5, 5, 50)):
        assert cut_out(image, np.array(empty)) is None


def test_one_cut_serves_both_tasks_and_all_tracks_with_its_box() -> None:
    cuts = cuts_of(clip_of(track_of([3, 1, 4]), track_of([3], track_id="u")))
    assert cuts.image.tolist() == [0, 1, 2, 3], "1 to 4 once each, an image earlier"
    looks, talk = cuts.places["sorted"], cuts.places["unsorted"]
    assert looks.frame.tolist() == [1, 2, 3, 4, 3] and looks.start.tolist() == [0, 4, 5]
    assert looks.crop.tolist() == [0, 1, 2, 3, 2]
    assert talk.frame.tolist() == [1, 3, 4, 3], "out of order, 3 to 4 needs no filling"


def test_a_frame_that_comes_twice_has_its_last_box(tmp_path: Path) -> None:
    track = track_of([1, 2, 2], (0, 0, 8, 8))
    track.box_xywh[2] = (40, 0, 8, 8)
    image = np.zeros((50, 50, 3), np.uint8)
    image[:, 25:] = 200
    store_clip(tmp_path, clip_of(track), images(2, lambda _: image))
    crop = open_clip(tmp_path, "c").crop("t", 2)
    assert crop is not None and crop.min() == 200


def test_what_is_skipped_is_counted_and_named(tmp_path: Path) -> None:
    track = track_of(range(6), (500, 10, 20, 20))
    track.box_xywh[2:4] = (5, 5, 10, 10)
    track.box_xywh[4, 2] = 0
    clip = clip_of(track, track_of([20], track_id="late"))
    written = store_clip(tmp_path, clip, images(8, lambda n: golden_image(1, 1)))
    assert written["skips"]["count"] == {
        "the video has no image there": 1, "box outside the image: black, as published": 3,
        "entry without width or height": 1, "entry of frame 0": 1,
    }  # fmt: skip
    assert written["skips"]["examples"]["the video has no image there"] == ["track late, frame 20"]
    outside = written["skips"]["examples"]["box outside the image: black, as published"]
    assert outside == ["track t, frame 1", "track t, frame 4", "track t, frame 5"]
    assert (written["pictures"], written["faces"], written["sound_s"]) == (8, 2, 0.0)
    result = open_clip(tmp_path, "c")
    assert result.number("t", 1) == EMPTY
    black = result.crop("t", 1)
    assert black is not None and not black.any()
    assert result.crop("late", 20) is None and result.crop("t", 99) is None


def test_of_tracks_that_meet_the_last_counts_for_a_person(tmp_path: Path) -> None:
    clip = clip_of(
        track_of([2, 3], (0, 0, 9, 9), track_id="b", person="1"),
        track_of([1, 2], (20, 0, 9, 9), track_id="a", person="1"),
        track_of([2, 90], (30, 0, 9, 9), track_id="z", person="2"),
    )
    store_clip(tmp_path, clip, images(8, lambda n: golden_image(1, n)))
    result = open_clip(tmp_path, "c")
    assert [result.number_of("1", f) for f in (1, 2, 3)] == [
        result.number("a", 1), result.number("b", 2), result.number("b", 3)
    ]  # fmt: skip
    assert result.number_of("2", 90) is None and result.number_of("9", 2) is None


def test_audio_comes_back_and_is_read_in_parts(tmp_path: Path, clip: Clip) -> None:
    given = golden_audio(clip.uid)
    store_clip(tmp_path, clip, [], given)
    result = open_clip(tmp_path, clip.uid)
    assert result.has_audio and result.audio_samples == len(given)
    assert result.audio.dtype == np.float32
    np.testing.assert_array_equal(result.audio, given / 32768)
    for span in ((0, 30), (100, 151), (470, 490), (900, 930)):
        whole = segment_audio(result.audio, *span)
        np.testing.assert_array_equal(result.speech(*span), whole)


def test_a_clip_without_tracks_or_audio(tmp_path: Path) -> None:
    store_clip(tmp_path, clip_of(), images(3, lambda n: golden_image(1, 1)))
    result = open_clip(tmp_path, "c")
    result.check()
    assert not result.has_audio and result.audio.shape == (0,) and not result.tracks
    refuses(DataError, "clip c, frame 3: no track t", lambda: result.crop("t", 3))


def test_images_out_of_order_are_refused(tmp_path: Path) -> None:
    twice: list[Any] = [(1, lambda: golden_image(1, 1)), (1, lambda: golden_image(1, 1))]
    with pytest.raises(DataError, match="clip c: image 1 comes after image 1"):
        store_clip(tmp_path, clip_of(track_of([1])), twice)


def test_damaged_stores_are_named(tmp_path: Path) -> None:
    def damaged(name: str, content: bytes) -> Path:
        root = tmp_path / name
        store_clip(root, clip_of(track_of([5, 6])), images(9, lambda n: golden_image(1, 1)))
        path = root / "clips" / "c" / name
        path.write_bytes(content or b"\xff" * path.stat().st_size)
        return root

    with pytest.raises(DataError, match=r"clip c: .*index.npz is damaged"):
        open_clip(damaged(INDEX, b"PK"), "c")
    with pytest.raises(DataError, match="clip c, track t, frame 5: its crop is damaged"):
        open_clip(damaged(CROPS, b""), "c").crop("t", 5)
    short = tmp_path / "short"
    shutil.copytree(tmp_path / CROPS, short)
    (short / "clips" / "c" / CROPS).write_bytes(b"1234")
    refuses(DataError, "has 4 bytes, its index tells of", lambda: open_clip(short, "c").check())
    with pytest.raises(DataError, match=r"clip c: cannot read .*sound.npy"):
        open_clip(damaged(AUDIO, b"not an array"), "c").check()
    refuses(DataError, "clip d is not prepared", lambda: open_clip(tmp_path, "d"))


def test_other_versions_are_refused(tmp_path: Path) -> None:
    store_clip(tmp_path, clip_of(track_of([1])), [])
    path = tmp_path / "clips" / "c" / INDEX
    content = dict(np.load(path, allow_pickle=False))
    card = json.loads(str(content["card"])) | {"version": 99}
    np.savez(path, **(content | {"card": np.array(json.dumps(card))}))
    with pytest.raises(DataError, match="clip c was prepared in layout 99, this reads 1"):
        open_clip(tmp_path, "c")
    del content["offset"]
    np.savez(path, **content)
    refuses(DataError, "lacks offset", lambda: open_clip(tmp_path, "c"))


def test_a_quality_that_cannot_be() -> None:
    refuses(UsageError, "quality of 0", lambda: Settings(quality=0))
