"""Files of the published code, invented here and the real ones beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.formats import Candidates, FrameName, Prediction, Truth

DATA = "reference/vgs/data"


def test_names() -> None:
    assert formats.parse_name("0122037.jpg") == FrameName("012", 2, 37)
    assert formats.parse_name("frames/0121000.jpg") == FrameName("012", 1, 0)
    assert formats.parse_name("01211000.jpg") == FrameName("012", 1, 1000)
    for name in (FrameName("012", 2, 37), FrameName("a_7", 1, 1234)):
        assert formats.parse_name(str(name)) == name


@pytest.mark.parametrize("name", ["012.jpg", "012203.jpg", "0122037.avi", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="VVVHFFF"):
        formats.parse_name(name)


def test_candidates_as_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    given = [
        Candidates("0121000.jpg", rng.random((3, 4), np.float32) * 900, rng.random(3, np.float32)),
        Candidates("0121001.jpg", np.zeros((0, 4), np.float32), np.zeros(0, np.float32)),
        Candidates("0121002.jpg", np.float32([[1, 2, 3, 4]]), np.float32([0.05])),
    ]
    formats.write_candidates_text(tmp_path / "c.txt", given)
    result = formats.read_candidates_text(tmp_path / "c.txt")
    assert [one.name for one in result] == [one.name for one in given]
    for ours, theirs in zip(result, given, strict=True):
        np.testing.assert_array_equal(ours.box_xyxy, theirs.box_xyxy)
        np.testing.assert_array_equal(ours.score, theirs.score)


def test_real_candidates(shared: Path, tmp_path: Path) -> None:
    folder = shared / DATA / "candidates_012"
    result = formats.read_candidates_text(folder / "x101_1x_test.txt")
    assert len(result) == 807
    assert sum(not len(one.score) for one in result) == 40
    with np.load(folder / "candidates_012.npz") as file:
        stored, names = file["box_score"], file["all_frames"]
    assert [one.name for one in result] == names.tolist()
    np.testing.assert_array_equal(np.concatenate([one.box_xyxy for one in result]), stored[:, :4])
    np.testing.assert_array_equal(np.concatenate([one.score for one in result]), stored[:, 4])
    formats.write_candidates_text(tmp_path / "again.txt", result)
    again = (tmp_path / "again.txt").read_bytes()
    assert again == (folder / "x101_1x_test.txt").read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello\n", "does not begin with a record"),
        ("\n0121000.jpg,[[1 2 3 4]]", "line 2.*expected rows"),
        ("\n0121000.jpg,[]\n0121001.jpg,[[1 2 3 4 x]]", "line 3.*not all are numbers"),
        ("\n0121000.jpg,[[1 2 3 4 5]\n ...\n [1 2 3 4 5]]", "expected rows"),
    ],
)
def test_other_text_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.txt").write_text(text)
    with pytest.raises(DataError, match=said):
        formats.read_candidates_text(tmp_path / "c.txt")


def test_candidates_as_a_table(tmp_path: Path) -> None:
    given = [
        Candidates(
            "0121000.jpg", np.array([[1.5, 2, 3, 4], [5, 6, 7, 8.25]]), np.array([0.9, 0.1])
        ),
        Candidates("0121001.jpg", np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([0.5])),
    ]
    formats.write_candidates_csv(tmp_path / "c.csv", given)
    for ours, theirs in zip(formats.read_candidates_csv(tmp_path / "c.csv"), given, strict=True):
        assert ours.name == theirs.name
        np.testing.assert_array_equal(ours.box_xyxy, theirs.box_xyxy)
        np.testing.assert_array_equal(ours.score, theirs.score)


def test_the_real_sequence_is_written_back_to_the_byte(shared: Path, tmp_path: Path) -> None:
    path = shared / DATA / "KETI_Sequence_without_011.csv"
    result = formats.read_sequence(path)
    assert len(result) == 31_358
    assert len({one.video for one in result}) == 27
    assert result[0] == Prediction(
        "002.mp4", 1, 0, "0021000.jpg", (314, 49, 540, 275), (750.22672, 161.30345)
    )
    formats.write_sequence(tmp_path / "again.csv", result)
    kept = path.read_bytes().replace(b"\r\n", b"\n").splitlines()
    again = (tmp_path / "again.csv").read_bytes().splitlines()
    # the numbers in front count the rows of the video that was left out, too
    assert [line.partition(b",")[2] for line in again] == [line.partition(b",")[2] for line in kept]


BEST = (
    "frame_name,gaze_bbox,gaze_score,head_bbox,head_num,frame_seq,head_point,gaze_point,"
    "gaze_k_predict,gaze_best\n"
    '0551000.jpg,"[80.0, 300.5, 120.0, 340.0]",0.9,"[40, 90, 160, 210]",1,000,"[100, 150]",'
    '"[100, 320]",-0.20034667245710416,\n'
    '0551001.jpg,"[908.0405994464571, 235.0, 1015.1, 270.7]",0.52,"[43, 90, 163, 210]",1,001,'
    '"[103, 150]","[961, 252]",-0.187,"[961, 252]"\n'
)


def test_best_gaze(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(BEST)
    empty, whole = formats.read_best(tmp_path / "b.csv")
    assert empty.best_px is None and empty.box_xyxy == (80, 300.5, 120, 340)
    assert whole.best_px == (961, 252) and whole.frame == 1
    formats.write_best(tmp_path / "again.csv", [empty, whole])
    assert (tmp_path / "again.csv").read_text() == BEST


def test_the_published_table_of_the_best_gaze(shared: Path, tmp_path: Path) -> None:
    with np.load(shared / "reference/vgs/golden/best_gaze.npz") as file:
        text = str(file["main_best_csv"])
    (tmp_path / "b.csv").write_text(text)
    formats.write_best(tmp_path / "again.csv", formats.read_best(tmp_path / "b.csv"))
    assert (tmp_path / "again.csv").read_text().splitlines() == text.splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frame_name,gaze_bbox\n", "line 1: no column gaze_score; expected frame_name,gaze_bbox"),
        ("", "line 1: no column frame_name, gaze_bbox, gaze_score"),
        ('frame_name,gaze_bbox,gaze_score\na.jpg,"[1, 2, 3]",1\n', "line 2.*list of 4 numbers"),
        ('frame_name,gaze_bbox,gaze_score\na.jpg,"[1, 2, 3, b]",1\n', "line 2.*list of 4 numbers"),
        ('frame_name,gaze_bbox,gaze_score\na.jpg,"[1, 2, 3, 4]",x\n', "line 2.*expected a number"),
        ('frame_name,gaze_bbox,gaze_score\na.jpg,"[1, 2, 3, 4]"\n', "line 2: 2 cells, expected 3"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        formats.read_candidates_csv(tmp_path / "c.csv")


def test_truth(tmp_path: Path) -> None:
    given = "0271006.jpg,192,120,454,382,375,235\n0271007.jpg,192,120,454,382,375.5,-1\n"
    (tmp_path / "t.txt").write_text(given)
    result = formats.read_truth(tmp_path / "t.txt")
    assert result[0] == Truth("0271006.jpg", (192, 120, 454, 382), (375, 235))
    formats.write_truth(tmp_path / "again.txt", result)
    assert (tmp_path / "again.txt").read_text() == given
    (tmp_path / "t.txt").write_text("0271006.jpg,192,120,454\n")
    with pytest.raises(DataError, match=r"line 1: 4 columns, expected 7"):
        formats.read_truth(tmp_path / "t.txt")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        formats.read_truth(tmp_path / "none.txt")
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match="cannot read"):
        formats.read_sequence(tmp_path / "picture")
