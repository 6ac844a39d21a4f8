from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from eyeline.errors import DataError
from eyeline.systems.gaze_3d.recordings import open_recording, write_rows
from tests.systems.gaze_3d.prepared import original_annotation, write_original

BOXES = np.tile([10.0, 20, 30, 40], (3, 1))
CROP = np.random.default_rng(0).integers(0, 256, (256, 192, 3), dtype=np.uint8)
JPEG = cv2.imencode(".jpg", CROP)[1].tobytes()


@pytest.mark.parametrize("spelling", ["keypoins", "keypoints"])
def test_the_authors_layout_is_read_in_both_spellings(tmp_path: Path, spelling: str) -> None:
    content = original_annotation([2, 3, 9], BOXES, BOXES)
    content[spelling] = content.pop("keypoins")
    write_original(tmp_path / "c", content, JPEG)
    recording = open_recording(tmp_path / "c", "lab/s1/c")
    assert recording.rows.frame.tolist() == [2, 3, 9]
    assert recording.rows.joints.shape == (3, 25, 3)
    np.testing.assert_array_equal(recording.rows.body, content["bodys"])
    np.testing.assert_array_equal(recording.rows.head, content["heads"])
    assert recording.usable.all()
    wanted = cv2.imdecode(np.frombuffer(JPEG, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(recording.crop(2), wanted)


def test_images_in_one_pickle_are_read(tmp_path: Path) -> None:
    write_original(tmp_path / "c", original_annotation([2, 3, 9], BOXES, BOXES), None)
    images = {
        "000002.jpg": PillowImage.fromarray(CROP),
        "000009.jpg": PillowImage.fromarray(CROP),
    }
    (tmp_path / "c" / "image.pickle").write_bytes(pickle.dumps(images))
    recording = open_recording(tmp_path / "c", "lab/s1/c")
    assert recording.usable.tolist() == [True, False, True]
    np.testing.assert_array_equal(recording.crop(2), CROP)
    with pytest.raises(DataError, match="lab/s1/c: crop of frame 3 is missing"):
        recording.crop(1)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_original(tmp_path / "c", original_annotation([2, 3, 9], BOXES, BOXES), JPEG)
    rows = open_recording(tmp_path / "c", "c").rows
    write_rows(tmp_path / "d" / "annotation.npz", rows)
    again = open_recording(tmp_path / "d", "d").rows
    for name, value in vars(rows).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_rows_without_crop_box_or_direction_are_not_usable(tmp_path: Path) -> None:
    content = original_annotation(range(6), np.tile(BOXES[0], (6, 1)), np.tile(BOXES[0], (6, 1)))
    content["gazes"][1] = 0
    content["heads"][2] = np.nan
    content["body_bb"][3] = np.array([1, 2, 0, 0])
    content["head_bb"][4] = np.array([1, np.inf, 3, 3])
    write_original(tmp_path / "c", content, JPEG)
    (tmp_path / "c" / "000005.jpg").unlink()
    recording = open_recording(tmp_path / "c", "c")
    assert recording.usable.tolist() == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("index", np.array([2, 9, 3]), "do not ascend"),
        ("index", np.array([2, 2, 3]), "do not ascend"),
        ("gazes", np.zeros((2, 3)), "gaze has shape"),
        ("heads", None, "'head' is no array|head has"),
        ("head_bb", [np.zeros(4), np.zeros(3), np.zeros(4)], "no array of numbers"),
        ("R_cam", np.zeros(3), "rotation has"),
    ],
)
def test_what_is_wrong_with_an_annotation_is_named(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    write_original(
        tmp_path / "c", original_annotation([2, 3, 9], BOXES, BOXES, **{key: value}), None
    )
    with pytest.raises(DataError, match=f"lab/s1/c: .*({message})"):
        open_recording(tmp_path / "c", "lab/s1/c")


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    content = original_annotation([2, 3, 9], BOXES, BOXES)
    write_original(tmp_path / "c", content, JPEG)
    (tmp_path / "c" / "000003.jpg").write_bytes(JPEG[:200] + b"nothing")
    (tmp_path / "c" / "000009.jpg").write_bytes(cv2.imencode(".jpg", CROP[:100])[1].tobytes())
    recording = open_recording(tmp_path / "c", "lab/s1/c")
    with pytest.raises(DataError, match="lab/s1/c: crop of frame 3"):
        recording.crop(1)
    with pytest.raises(DataError, match="lab/s1/c: crop of frame 9 has shape"):
        recording.crop(2)
    (tmp_path / "e").mkdir()
    with pytest.raises(DataError, match=r"e: no annotation\.npz or annotation\.pickle"):
        open_recording(tmp_path / "e", "e")
    (tmp_path / "e" / "annotation.npz").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="damaged"):
        open_recording(tmp_path / "e", "e")
    del content["gazes"]
    (tmp_path / "c" / "annotation.pickle").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match="no 'gazes'"):
        open_recording(tmp_path / "c", "c")
