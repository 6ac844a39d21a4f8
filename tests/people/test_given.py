"""Boxes of the user's: MOT text and Parquet, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eyeline.errors import DataError
from eyeline.people import given


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
    ("text", "told"),
    [
        ("1,1,10,20,30\n", "line 1"),  # a column short
        ("1,1,10,20,30,40\n1,1,a,20,30,40\n", "line 2"),  # a word
        ("0,1,10,20,30,40\n", "count from 1"),  # frame 0
        ("1,1,10,20,0,40\n", "have a size"),  # no width
        ("", "no boxes"),  # nothing
        ("3,1,10,20,30,40\n3,1,50,20,30,40\n", "two boxes of one identity"),
    ],
)
def test_wrong_mot_is_told_by_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=told) as error:
        given.read(path)
    assert str(path) in str(error.value)


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
    with pytest.raises(DataError, match="x1_px"):
        given.read(path)


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    path.write_text("frame,x")
    with pytest.raises(DataError, match="not a Parquet file"):
        given.read(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        given.read(tmp_path / "none.txt")
