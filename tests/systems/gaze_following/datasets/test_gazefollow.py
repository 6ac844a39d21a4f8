"""GazeFollow's two texts."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from eyeline.errors import DataError
from eyeline.systems.gaze_following.datasets import gazefollow, texts
from eyeline.systems.gaze_following.datasets.annotations import NOT_STATED

BODY = "0.3,0.1,0.2,0.8"


def row(image, eye, gaze, head, *rest):
    cells = (image, "1", BODY, eye, gaze, head, *rest, "source/a.jpg", "meta")
    return ",".join(cells) + "\n"


TRAIN = (
    row("train/0/1.jpg", "0.5,0.2", "0.75,0.5", "180,60,240,140", "1")
    + row("train/0/2.jpg", "0.5,0.2", "-1,-1", "180,60,240,140", "0")
    + row("train/0/3.jpg", "0.5,0.2", "0.1,0.1", "240,140,180,60", "-1")
)
TEST = (
    row("test/0/1.jpg", "0.5,0.2", "0.75,0.5", "180,60,240,140")
    + row("test/0/1.jpg", "0.1,0.2", "0.5,0.5", "20,60,60,140")
    + row("test/0/1.jpg", "0.5,0.2", "0.25,0.25", "180,60,240,140")
)
SIZE = texts.one_size(400, 200)


def written(tmp_path, part, text):
    (tmp_path / gazefollow.FILES[part]).write_text(text, encoding="utf-8-sig")
    return tmp_path


def test_train(tmp_path):
    looks = gazefollow.read(written(tmp_path, "train", TRAIN), "train", SIZE)
    assert looks.in_frame.tolist() == [1, 0, NOT_STATED]
    assert looks.points(0).tolist() == [[300, 100]]
    assert [len(looks.points(i)) for i in (1, 2)] == [0, 0]
    assert looks.eyes_px[0].tolist() == [200, 40]
    assert looks.head_xyxy[2].tolist() == [180, 60, 240, 140], "corners are put in order"
    assert any("1 looks of which it is not known" in note for note in looks.notes)
    assert any("1 looks leave" in note for note in looks.notes)


def test_annotators_of_one_person_are_joined(tmp_path):
    looks = gazefollow.read(written(tmp_path, "test", TEST), "test", SIZE)
    assert len(looks) == 2
    assert looks.points(0).tolist() == [[300, 100], [100, 50]]
    assert looks.points(1).tolist() == [[200, 100]]
    assert looks.mean_point_px().tolist() == [[200, 75], [200, 100]]
    assert looks.origin_px().tolist() == [[200, 40], [40, 40]]
    assert looks.video == ("test/0/1.jpg",) * 2


def test_sizes_come_from_the_images(tmp_path):
    written(tmp_path, "test", TEST)
    (tmp_path / "test" / "0").mkdir(parents=True)
    Image.new("L", (800, 100)).save(tmp_path / "test" / "0" / "1.jpg")
    looks = gazefollow.read(tmp_path, "test")
    assert looks.size_px.tolist() == [[800, 100]] * 2
    assert looks.points(1).tolist() == [[400, 50]]
    (tmp_path / "test" / "0" / "1.jpg").unlink()
    with pytest.raises(DataError, match=r"cannot read the image .*1\.jpg"):
        gazefollow.read(tmp_path, "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg,1,2,3\n", "line 1: 4 columns, expected 15 to 22"),
        (row("a.jpg", "0.5,0.2", "0.7,b", "1,2,3,4", "1"), "line 1: gaze_y is 'b'"),
        (row("a.jpg", "0.5,0.2", "300,100", "1,2,3,4", "1"), "line 1: eyes and gaze"),
        (row("a.jpg", "0.5,0.2", "0.3,0.1", "1,2,3,4", "2"), "line 1: in_frame is '2'"),
        (row("a.jpg", "0.5,0.2", "0.3,0.1", "1,2,3,4"), "line 1: in_frame is 'source/a.jpg'"),
    ],
)
def test_bad_rows_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        gazefollow.read(written(tmp_path, "train", text), "train", SIZE)


def test_other_parts_and_files(tmp_path):
    with pytest.raises(DataError, match="no part 'val'"):
        gazefollow.read(tmp_path, "val")
    with pytest.raises(DataError, match="cannot read"):
        gazefollow.read(tmp_path, "test")


def test_a_head_without_extent_is_not_reported(tmp_path):
    text = row("a.jpg", "0.5,0.2", "0.3,0.1", "5,5,5,9", "1")
    looks = gazefollow.read(written(tmp_path, "train", text), "train", SIZE)
    assert np.isnan(looks.head_xyxy).all()
    assert looks.origin_px().tolist() == [[200, 40]]
