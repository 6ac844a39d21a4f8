"""Boxes of the user's: MOT text and Parquet, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eyeline.errors import DataError
from eyeline.people import given
from tests.refusals import refuses


def test_mot_counts_frames_from_one_and_gives_left_top_width_height(tmp_path: Path) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text("1,7,10,20,30,40,0.8,-1,-1,-1\n\n2,7,11,20,30,40\n")
    read = given.read(path)
    assert read.boxes == {0: [(7, 10, 20, 40, 60, 0.8)], 1: [(7, 11, 20, 41, 60, 1.0)]}
    assert read.identified


def test_mot_without_identities(tmp_path: Path) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text("1,-1,10,20,30,40,1\n")
    assert not given.read(path).identified


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("1,1,10,20,30\n", "line 1: expected 'frame,identity"),  # a column short
        ("1,1,10,20,30,40\n1,1,a,20,30,40\n", "line 2: expected"),  # a word
        ("0,1,10,20,30,40\n", "line 1: frame 0; frames count from 1"),
        ("-5,1,10,20,30,40\n", "frames count from 1"),
        ("1.5,1,10,20,30,40\n", "frame is 0.5; expected a whole number"),
        ("inf,1,10,20,30,40\n", "frame is inf; expected a whole number"),
        ("nan,1,10,20,30,40\n", "frame is nan; expected a whole number"),
        (f"{10**18},1,10,20,30,40\n", "less than 2\\^31 from the first frame on"),
        (f"1,{10**30},10,20,30,40\n", "identity is 1e\\+30; expected a whole number"),
        ("1,1e400,10,20,30,40\n", "identity is inf"),
        ("1,nan,10,20,30,40\n", "identity is nan; .* -1 where it is not known"),
        ("1,1.5,10,20,30,40\n", "identity is 1.5"),
        ("1,1,10,20,0,40\n", "a size of at least 1 x 1"),
        ("1,1,10,20,-30,40\n", "a box of -30 x 40 pixels"),
        ("1,1,10,10,1e-9,1e-9\n", "a size of at least 1 x 1"),
        ("1,1,nan,20,30,40\n", "box nan, 20"),
        ("1,1,10,20,inf,40\n", "expected pixels within 1,000,000"),
        ("1,1,-1e12,-1e12,3e12,3e12\n", "expected pixels within"),
        ("1,1,10,20,30,40,nan\n", "confidence is nan"),
        ("1,1,10,20,30,40\n\n1,2,1,1,\x00,5\n", "line 3"),
        ('"' + "x" * 200_000 + '",1,2,3,4,5\n', "no text of boxes"),
        ("", "no boxes"),  # nothing
        ("3,1,10,20,30,40\n3,1,50,20,30,40\n", "two boxes of one identity"),
    ],
)
def test_wrong_mot_is_reported_by_line(tmp_path: Path, text: str, known: str) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=known) as error:
        given.read(path)
    assert str(path) in str(error.value)


RIGHT = {"frame": [0], "person": [1], "x1_px": [1.0], "y1_px": [1.0], "x2_px": [9.0], "y2_px": [9]}


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({"frame": ["a"]}, "column frame holds string; expected numbers"),
        ({"frame": [[0]]}, "column frame holds list"),
        ({"frame": pa.array([0], pa.timestamp("ms"))}, "column frame holds timestamp"),
        ({"frame": [float("nan")]}, "row 1: frame is nan"),
        ({"frame": [-5]}, "row 1: frame is -5"),
        ({"frame": [0.5]}, "row 1: frame is 0.5"),
        ({"person": [float("nan")]}, "row 1: identity is nan"),
        ({"person": pa.array([None], pa.int64())}, "row 1: identity is nan"),
        ({"person": ["x"]}, "column person holds string"),
        ({"x1_px": [float("nan")]}, "row 1: box nan"),
        ({"x2_px": [float("inf")]}, "row 1: box 1, 1, inf"),
        ({"x1_px": [90.0], "y1_px": [90.0]}, "row 1: a box of -81 x -81 pixels"),
        ({"score": ["x"]}, "column score holds string"),
        ({"score": pa.array([None], pa.float64())}, "row 1: confidence is nan"),
    ],
)
def test_wrong_parquet_is_reported_by_row(
    tmp_path: Path, change: dict[str, object], known: str
) -> None:
    path = tmp_path / "people.parquet"
    pq.write_table(pa.table({**RIGHT, **change}), path)
    with pytest.raises(DataError, match=known) as error:
        given.read(path)
    assert str(path) in str(error.value)


def test_boxes_after_the_last_frame() -> None:
    boxes = given.Given("b.txt", {n: [(1, 0, 0, 9, 9, 1.0)] for n in (3, 4, 5)})
    assert boxes.beyond(5) is None
    assert boxes.beyond(3) == (
        "b.txt: 2 of 3 frames with boxes, from 4 on, come after the video's last frame, 3, "
        "counted from 0"
    )
    refuses(DataError, "of another video", lambda: boxes.beyond(2))


def test_parquet_with_persons(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    columns = {
        "frame": [0, 1],
        "x1_px": [1.0, 2],
        "y1_px": [1.0, 1],
        "x2_px": [5.0, 6],
        "y2_px": [5.0, 5],
        "person": [2, 2],
    }
    pq.write_table(pa.table(columns), path)
    assert given.read(path).boxes == {0: [(2, 1, 1, 5, 5, 1.0)], 1: [(2, 2, 1, 6, 5, 1.0)]}


def test_parquet_without_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    pq.write_table(pa.table({"frame": [0]}), path)
    refuses(DataError, "x1_px", lambda: given.read(path))


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    path.write_text("frame,x")
    refuses(DataError, "not a Parquet file", lambda: given.read(path))


def test_no_file(tmp_path: Path) -> None:
    refuses(DataError, "no such file", lambda: given.read(tmp_path / "none.txt"))
