"""VideoAttentionTarget's folders of text."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from eyeline.errors import DataError
from eyeline.systems.gaze_following.datasets import attention_target

S00 = "00000101.jpg,10,20,110,140,300.5,80\n00000102.jpg,11,20,111,140,-1,-1\n"
S01 = "00000101.jpg,400,20,500,140,-3,80\n"


def written(root):
    clip = root / "annotations" / "test" / "A Show" / "101_102"
    clip.mkdir(parents=True)
    (clip / "s00.txt").write_text(S00)
    (clip / "s01.txt").write_text(S01)
    images = root / "images" / "A Show" / "101_102"
    images.mkdir(parents=True)
    Image.new("RGB", (640, 360)).save(images / "00000101.jpg")
    return clip


def test_read(tmp_path):
    written(tmp_path)
    looks = attention_target.read(tmp_path, "test")
    assert looks.video == ("A Show/101_102",) * 3
    assert looks.image[0] == looks.image[2] == "A Show/101_102/00000101.jpg"
    assert looks.person == ("s00", "s00", "s01")
    assert looks.frame.tolist() == [101, 102, 101]
    assert looks.in_frame.tolist() == [1, 0, 1]
    assert looks.points(0).tolist() == [[300.5, 80]]
    assert looks.points(2).tolist() == [[0, 80]], "moved onto the border, as published"
    assert looks.size_px.tolist() == [[640, 360]] * 3, "the first image's"
    np.testing.assert_array_equal(looks.head_xyxy[2], [400, 20, 500, 140])


def test_without_images_sizes_are_unknown(tmp_path):
    written(tmp_path)
    for path in (tmp_path / "images").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(DataError, match="cannot read the image"):
        attention_target.read(tmp_path, "test")
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    assert np.isnan(attention_target.read(tmp_path, "test").size_px).all()


def test_no_annotations(tmp_path):
    with pytest.raises(DataError, match=r"no annotations at .*train"):
        attention_target.read(tmp_path, "train")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("00000103.jpg,1,2,3,4,5", "line 3: 6 columns, expected 7"),
        ("00000103.jpg,1,2,x,4,5,6", "line 3: xmax is 'x'"),
        ("00000103.jpg,1,2,3,4,inf,6", "line 3: gaze_x is 'inf'"),
        ("00000103.jpg,9,2,3,4,5,6", "line 3: the head box"),
        ("00000102.jpg,1,2,3,4,5,6", "line 3: 00000102.jpg is told twice"),
    ],
)
def test_bad_rows_are_named(tmp_path, line, message):
    clip = written(tmp_path)
    (clip / "s00.txt").write_text(S00 + line + "\n")
    with pytest.raises(DataError, match=rf"s00\.txt, {message}"):
        attention_target.read(tmp_path, "test")
