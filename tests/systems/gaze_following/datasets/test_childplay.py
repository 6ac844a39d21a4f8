"""ChildPlay's tables: which looks are known, images' names, and rows that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import score
from tests.systems.gaze_following.gaze_lle.looks import SIZE, write_childplay

ROW = "a_b_c_100-103,4,3,10,10,20,20,{},{},{},1"


def test_looks_of_all_classes(tmp_path: Path) -> None:
    more = (
        ROW.format("gaze_shift", -1, -1),
        "a_b_c_100-103,3,3,10,10,20,20,inside_visible,-1,-1,1",  # as there is one in the data set
    )
    known = score.read_truth(write_childplay(tmp_path, "val", *more), part="val")
    assert len(known) == 9
    assert known.in_frame.tolist() == [1, 1, 1, 1, 1, 0, 1, 1, -1]
    assert known.image[0] == "a_b_c_100-103/a_b_c_100.jpg"
    assert known.points(0).tolist() == [[120, 30]] and not len(known.points(5))
    assert known.head_xyxy[0].tolist() == [10, 10, 40, 46]
    assert known.size_px[0].tolist() == list(SIZE) and known.frame[0] == 1
    assert known.notes == ("1 looks into the image without a point are left out",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.format("inside_visible", "x", 3), "line 10.*gaze_x"),
        ("noframes,4,3,10,10,20,20,gaze_shift,-1,-1,1", "line 10: clip is 'noframes', expected"),
        ("a_b_c_100-103,4,3,10,10,0,20,gaze_shift,-1,-1,1", "line 10: the head box .* is empty"),
    ],
)
def test_rows_that_are_wrong(row: str, message: str, tmp_path: Path) -> None:
    root = write_childplay(tmp_path, "test", row)
    with pytest.raises(DataError, match=message):
        score.read_truth(root)
    with pytest.raises(DataError, match="no annotations at"):
        score.read_truth(root, part="train")
