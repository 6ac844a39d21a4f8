"""VideoGazeSpeech in both of its forms."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following.datasets import texts, vgs

ROWS = """0271006.jpg,192,120,454,382,375,235
0272006.jpg,500,100,600,220,300,200
0271007.jpg,192,120,454,382,-1,-1
"""


def written(tmp_path, text):
    path = tmp_path / "GT_label_all_videoFormat.txt"
    path.write_text(text)
    return path


def test_text_form(tmp_path):
    looks = vgs.read_text(written(tmp_path, ROWS), texts.one_size(1280, 720))
    assert looks.video == ("027",) * 3
    assert looks.image == ("027_006", "027_006", "027_007")
    assert looks.person == ("1", "2", "1")
    assert looks.frame.tolist() == [6, 6, 7]
    assert looks.in_frame.tolist() == [1, 1, 0]
    np.testing.assert_array_equal(looks.head_xyxy[0], [192, 120, 454, 382])
    assert looks.points(0).tolist() == [[375, 235]]
    assert looks.points(2).tolist() == []
    assert looks.size_px[0].tolist() == [1280, 720]
    assert np.isnan(looks.speaks).all()
    assert looks.source[1].endswith("row 2")


def test_points_beyond_the_image_leave_it(tmp_path):
    path = written(tmp_path, "0271006.jpg,192,120,454,382,1290,235\n")
    assert vgs.read_text(path, texts.one_size(1280, 720)).in_frame.tolist() == [0]
    assert vgs.read_text(path).in_frame.tolist() == [1], "its size is not known"


def test_speakers(tmp_path):
    (tmp_path / "speakers.csv").write_text("027,6,2\n027,7,0\n")
    who = vgs.read_speakers(tmp_path / "speakers.csv")
    looks = vgs.read_text(written(tmp_path, ROWS), speakers=who)
    assert looks.speaks.tolist() == [0, 1, 0]
    (tmp_path / "speakers.csv").write_text("027,6,2\n027,6,1\n")
    who = vgs.read_speakers(tmp_path / "speakers.csv")
    looks = vgs.read_text(written(tmp_path, ROWS), speakers=who)
    assert looks.speaks[:2].tolist() == [1, 1]
    assert np.isnan(looks.speaks[2]), "nothing is known of frame 7"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0271006.jpg,192,120,454,382,375", "line 4: 6 columns, expected 7"),
        ("0271008.jpg,192,120,454,382,375,x", "line 4"),
        ("0271008.jpg,192,120,192,382,375,2", "row 4: the head box .* is empty"),
        ("0271008.jpg,192,120,454,382,nan,2", "line 4: x is 'nan', expected a finite number"),
        ("picture.png,192,120,454,382,3,2", "VVVHFFF"),
        ("0271006.jpg,192,120,454,382,3,2", "row 4: the look of 0271006.jpg is annotated twice"),
    ],
)
def test_bad_rows_are_named(tmp_path, line, message):
    with pytest.raises(DataError, match=message):
        vgs.read_text(written(tmp_path, ROWS + line + "\n"))


def coco():
    image = {"file_name": "0271006.jpg", "width": 1280, "height": 720}
    box = {"category_id": 1, "bbox": [100, 200, 50, 40], "area": 2000, "iscrowd": 0}
    return {
        "images": [{"id": i, **image, "file_name": f"0271{i:03d}.jpg"} for i in range(7)],
        "categories": [{"id": 1, "name": "target"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 0, **box},
            {"id": 2, "image_id": 1, **box, "iscrowd": 1},
            {"id": 3, "image_id": 2, **box, "bbox": [1280, 0, 50, 40]},
            {"id": 4, "image_id": 3, **box, "bbox": [0, 0, 0.5, 40]},
            {"id": 5, "image_id": 4, **box, "category_id": 2},
            {"id": 6, "image_id": 5, **box, "ignore": 1},
        ],
    }


def test_coco_form(tmp_path):
    path = tmp_path / "instances_val2017.json"
    path.write_text(json.dumps(coco()))
    looks = vgs.read_coco(path, {"0271000.jpg": (1, 2, 3, 4)})
    assert looks.image == ("027_000",), "all others are dropped, as in the published loader"
    assert looks.target_xyxy.tolist() == [[100, 200, 150, 240]]
    assert looks.points(0).tolist() == [[125, 220]]
    assert looks.head_xyxy.tolist() == [[1, 2, 3, 4]]
    assert looks.size_px.tolist() == [[1280, 720]]
    assert "6 of 7 images have no target" in looks.notes[0]
    assert np.isnan(vgs.read_coco(path).head_xyxy).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), "no file of COCO instances"),
        (lambda c: c.update(categories=[{"id": 1, "name": "dog"}]), "no category 'target'"),
        (lambda c: c["annotations"][0].update(image_id=99), "does not list: 99"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), r"annotations\[0\]"),
        (lambda c: c["images"][0].update(file_name="a.jpg"), r"annotations\[0\].*VVVHFFF"),
    ],
)
def test_bad_coco_is_named(tmp_path, change, message):
    content = coco()
    change(content)
    (tmp_path / "i.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        vgs.read_coco(tmp_path / "i.json")


def test_no_json(tmp_path):
    (tmp_path / "i.json").write_text("{")
    with pytest.raises(DataError, match="line 1: not JSON"):
        vgs.read_coco(tmp_path / "i.json")
