"""Looks and stretches out of a store, as the original loader gives them; numbers of `golden/`."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.systems.ego_social.data import Looks, open_looks, open_talks
from eyeline.systems.ego_social.inputs import normalise, window
from eyeline.systems.ego_social.recordings.annotations import LAM_LEAVES_OUT, Segment
from eyeline.systems.ego_social.recordings.store import open_clip
from eyeline.systems.ego_social.scoring import postprocess
from tests.refusals import refuses
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import document
from tests.systems.ego_social.stored import (
    LISTS,
    clip_of,
    golden_audio,
    images,
    prepared,
    store_clip,
    track_of,
    write_list,
)
from tests.systems.ego_social.test_inputs import crop, known_boxes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize("stride", [1, 3, 13])
def test_key_frames_are_the_originals(root: Path, part: str, stride: int) -> None:
    looks = open_looks(root, part, stride=stride)
    result = [list(row) for row in zip(looks.clip, looks.track, looks.frame.tolist(), strict=True)]
    assert result == document(golden("tracklets"), f"{part}.key.stride{stride}")
    assert len(looks) == len(result)


@pytest.mark.parametrize("part", ["train", "val"])
def test_boxes_and_labels_are_the_originals(root: Path, part: str) -> None:
    expected = document(golden("tracklets"), f"{part}.samples")
    looks = open_looks(root, part, stride=1)
    np.testing.assert_allclose(looks.box_xyxy, [r[3] for r in expected], rtol=0, atol=1e-9)
    assert looks.label.tolist() == [r[4] for r in expected]


def test_windows_are_the_originals(root: Path) -> None:
    file = golden("lam_windows")
    looks = open_looks(root, "train", stride=3)
    place: dict[object, int] = {
        key: i for i, key in enumerate(zip(looks.clip, looks.track, looks.frame, strict=True))
    }
    numbers = [place[tuple(key)] for key in json.loads(str(file["loader.keys"]))]
    for i, number in enumerate(numbers):
        look = looks[number]
        assert look["clip"].shape == (7, 3, 224, 224) and look["clip"].dtype == torch.float32
        assert look["number"] == number and look["label"] == int(file["loader.label"][i])
        sub = look["clip"][:, :, 8::24, 8::24]
        np.testing.assert_allclose(sub, file["loader.sub"][i], rtol=0, atol=1e-6)
        mean = look["clip"].double().mean((2, 3))
        np.testing.assert_allclose(mean, file["loader.framemean"][i], rtol=0, atol=1e-6)


def test_all_windows_are_those_of_the_decoded_images(root: Path) -> None:
    looks, boxes = open_looks(root, "train", stride=5), known_boxes()
    for number, (clip, track, frame) in enumerate(
        zip(looks.clip, looks.track, looks.frame.tolist(), strict=True)
    ):
        known = boxes[clip, track]
        wanted = window([crop(clip, t, known) for t in range(frame - 3, frame + 4)])
        np.testing.assert_array_equal(looks.frames(number), wanted)


@pytest.mark.parametrize("part", ["train", "val"])
def test_segments_are_the_originals(root: Path, part: str) -> None:
    talks = open_talks(root, part, training=part == "train")
    result = [[s.clip, int(s.person), s.label, s.start_frame, s.end_frame, s.segment]
             for s in talks.segments]  # fmt: skip
    assert result == document(golden("tracklets"), f"ttm.{part}.segments")
    assert talks.label.tolist() == [row[2] for row in result]
    assert talks.length_frames.tolist() == [s.end_frame - s.start_frame for s in talks.segments]


def test_stretches_are_the_originals(root: Path) -> None:
    file = golden("ttm_segments")
    talks = open_talks(root, "train", training=True)
    place = {(s.clip, int(s.person), s.start_frame, s.end_frame): i
             for i, s in enumerate(talks.segments)}  # fmt: skip
    for i, (clip, person, label, first, last, _) in enumerate(document(file, "loader.segments")):
        result = talks[place[clip, person, first, last]]
        assert (
            result["clip"].shape == tuple(file[f"loader.{i}.vshape"]) and result["label"] == label
        )
        mean = result["clip"].double().mean((2, 3))
        np.testing.assert_allclose(mean, file[f"loader.{i}.framemean"], rtol=0, atol=1e-6)
        assert len(result["audio"]) == int(file[f"loader.{i}.alen"])
        np.testing.assert_allclose(result["audio"][::37], file[f"loader.{i}.asub"], atol=1e-6)


def test_talk_has_the_faces_of_the_original(root: Path) -> None:
    expected = document(golden("ttm_segments"), "train.boxes")
    for uid in LISTS["train"]:
        clip = open_clip(root, uid)
        for key in [f"{f}:{p}" for f in range(420) for p in (1, 2, 3)]:
            frame, person = key.split(":")
            result = clip.number_of(person, int(frame))
            visible = key in expected[uid] and int(frame) <= (59 if uid == "train-01-0" else 11)
            assert (result is not None) == visible, (uid, key)


def test_sorting_finds_faces_that_the_original_loses(tmp_path: Path) -> None:
    """Entries 4, 9, 2, 8: in the order of the file the track begins at 4 and ends at 8."""
    clip = clip_of(track_of([4, 9, 2, 8]))
    clip = type(clip)("c", "v", None, clip.tracks, (), (Segment("1", 1, 10, "0", False),))
    store_clip(tmp_path, clip, images(12))
    write_list(tmp_path, "val", ["c"])
    for sort, frames in ((False, range(4, 9)), (True, range(2, 10))):
        shown = open_talks(tmp_path, "val", sort=sort).frames(0)
        assert [f for f, crop in enumerate(shown, 1) if crop.any()] == [*frames]


def test_columns_make_tables_of_truth_and_prediction(root: Path) -> None:
    looks = open_looks(root, "train", stride=13)
    table = postprocess.looks(
        looks.clip, looks.track, looks.frame, looks.box_xyxy, label=looks.label
    )
    assert len(table) == len(looks) and table.label is not None
    np.testing.assert_array_equal(table.label, looks.label)
    truth = postprocess.talks(open_talks(root, "train").segments)
    assert len(truth) < len(open_talks(root, "train")), "pieces of one segment make one row"


def test_a_subset_keeps_places_together(root: Path) -> None:
    whole = open_looks(root, "train", stride=3)
    part = whole.subset([7, 2])
    assert part.clip == [whole.clip[7], whole.clip[2]] and part.frame[1] == whole.frame[2]
    np.testing.assert_array_equal(part.frames(1), whole.frames(2))
    assert part[1]["number"] == 1


def test_workers_open_clips_by_themselves(root: Path) -> None:
    looks = open_looks(root, "train", stride=13)
    looks.frames(3)  # maps a file
    known = pickle.dumps(looks)
    assert len(known) < 200_000
    again: Looks = pickle.loads(known)
    np.testing.assert_array_equal(again.frames(3), looks.frames(3))
    talks = pickle.loads(pickle.dumps(open_talks(root, "train")))
    assert talks[0]["audio"].any()


def test_a_missing_image_pads_and_a_box_outside_does_not(tmp_path: Path) -> None:
    """Images 1 to 9 are there; at frame 5 the box lies outside; frame 10 has no image."""
    track = track_of(range(1, 11), (10, 0, 40, 20))
    track.box_xywh[4] = (500, 0, 40, 20)
    store_clip(tmp_path, clip_of(track), images(9))
    write_list(tmp_path, "val", ["c"])
    looks = open_looks(tmp_path, "val", stride=1)
    gray = [[int(f.max()) for f in looks.frames(i)] for i in range(10)]
    assert gray[3] == [40, 41, 42, 43, 0, 45, 46]
    assert gray[1] == [40, 40, 40, 41, 42, 43, 43], "padded, so black goes as well"
    assert gray[6] == [43, 43, 45, 46, 47, 48, 48]
    assert gray[9][3] == 0


def test_talk_without_a_face_or_a_audio(tmp_path: Path) -> None:
    talking = (
        Segment("1", 3, 40, "0", False),
        Segment("-1", 3, 40, None, True),
        Segment("1", 2, 8, "0", False),
    )
    clip = clip_of(track_of(range(1, 20)), uid="quiet")
    clip = type(clip)(clip.uid, "v", None, clip.tracks, (), talking)
    store_clip(tmp_path, clip, images(50))
    other = type(clip)("loud", "v", None, clip.tracks, (), talking)
    half = golden_audio("train-01-0")[: 16_000 + 100]
    store_clip(tmp_path, other, images(50), half)
    write_list(tmp_path, "val", ["quiet", "loud"])
    talks = open_talks(tmp_path, "val")
    assert [s.label for s in talks.segments] == [1, 0, 1, 1, 0, 1]
    assert talks.silent == (0, 1, 2)
    assert talks[0]["audio"].shape == (int(40 / 30 * 16_000) - 1600,)
    assert not talks[0]["audio"].any()
    assert talks[3]["audio"].shape == (16_100 - 1600,), "what there is, as published"
    assert talks[3]["audio"].pow(2).mean().sqrt() == pytest.approx(0.1, rel=1e-4)
    assert [bool(crop.any()) for crop in talks.frames(0)] == [frame < 20 for frame in range(3, 41)]
    assert not talks.frames(1).any()
    black = normalise(np.zeros((1, 1, 1, 3), np.uint8)).ravel()
    np.testing.assert_array_equal(talks[1]["clip"][5, :, 9, 9], black)
    learned = open_talks(tmp_path, "val", training=True, policy="is_at_me")
    assert [(s.clip, s.label) for s in learned.segments] == [("loud", 0), ("loud", 1)]
    assert learned.left_out == {"too short to train on": 2, "without audio": 2}


def test_clips_that_looks_do_without(tmp_path: Path) -> None:
    out = min(LAM_LEAVES_OUT)
    for uid in (out, "c"):
        store_clip(tmp_path, clip_of(track_of([1, 2]), uid=uid), [])
    write_list(tmp_path, "train", [out, "c"])
    looks = open_looks(tmp_path, "train", stride=1)
    assert set(looks.clip) == {"c"}
    assert looks.left_out == {"not in the benchmark of looks": 1}
    assert open_looks(tmp_path, tmp_path / "split" / "train.list", stride=1).clip == looks.clip


def test_what_cannot_be_opened(tmp_path: Path, root: Path) -> None:
    refuses(UsageError, "stride of 0", lambda: open_looks(root, "train", stride=0))
    with pytest.raises(UsageError, match="no policy of labels 'flag'"):
        open_talks(root, "train", policy="flag")
    refuses(DataError, r"cannot read .*test\.list", lambda: open_looks(root, "test"))
    write_list(tmp_path, "val", ["lost"])
    refuses(DataError, "clip lost is not prepared", lambda: open_looks(tmp_path, "val"))
    store_clip(tmp_path, clip_of(uid="lost"), [])
    refuses(DataError, "no face in the 1 clips", lambda: open_looks(tmp_path, "val"))
    refuses(DataError, "no stretch of talk in the 1 clips", lambda: open_talks(tmp_path, "val"))
