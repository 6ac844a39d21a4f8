"""Tracklet files and lists: read as published, written alike, and every wrong one named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, OutputError
from eyeline.systems.eye_contact.tracklets import (
    ListRow,
    TrackletFile,
    has_feature,
    read_feature,
    read_list,
    read_tracklet,
    write_list,
    write_tracklet,
)

HEAD = "id,video,tracklet,start,end\n"


def tracklet_file(**changes: Any) -> TrackletFile:
    box = np.tile([0.1, 0.2, 0.3, 0.5], (3, 1))
    six = np.random.default_rng(0).random((3, 6, 2))
    feature = np.random.default_rng(1).random((3, 8)).astype(np.float32)
    return TrackletFile(**{"start_frame": 7, "box_norm": box, "six_norm": six, "feature": feature,
                           **changes})  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_written_is_read(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "deep" / "000.npz"
    write_tracklet(path, tracklet_file(), compressed=compressed)
    result = read_tracklet(path)
    assert (result.start_frame, result.end_frame, len(result)) == (7, 10, 3)
    assert np.array_equal(result.six_norm, tracklet_file().six_norm)
    assert np.array_equal(result.box_norm, tracklet_file().box_norm)
    assert result.feature is not None and np.array_equal(result.feature, tracklet_file().feature)
    assert has_feature(path) and read_tracklet(path, feature=False).feature is None
    assert np.array_equal(read_feature(path), result.feature)


def test_the_keys_and_shapes_are_the_authors(tmp_path: Path) -> None:
    write_tracklet(tmp_path / "a.npz", tracklet_file())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        shapes = {name: (file[name].shape, file[name].dtype.name) for name in file}
    assert shapes == {
        "start_frame": ((), "int64"), "bbx": ((3, 4), "float64"),
        "landmark": ((3, 6, 1, 2), "float64"), "gaze_feature": ((3, 8), "float32"),
    }  # fmt: skip
    write_tracklet(tmp_path / "b.npz", tracklet_file(feature=None))
    assert not has_feature(tmp_path / "b.npz") and read_feature(tmp_path / "b.npz") is None


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write"):
        write_tracklet(tmp_path / "taken" / "000.npz", tracklet_file())
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_frame": -1}, "frames count from 0"),
        ({"box_norm": np.zeros((0, 4)), "six_norm": np.zeros((0, 6, 2)), "feature": None},
         "without frames"),
        ({"box_norm": np.tile([0.3, 0.2, 0.1, 0.5], (3, 1))}, "bbx: row 0 is no box"),
        ({"box_norm": np.tile([10.0, 20.0, 30.0, 50.0], (3, 1))}, "bbx runs from 10 to 50"),
        ({"six_norm": np.full((3, 6, 2), np.nan)}, "landmark holds values that are no numbers"),
        ({"six_norm": np.zeros((4, 6, 2))}, "axis 'frame'"),
        ({"feature": np.zeros((2, 8), np.float32)}, "axis 'frame'"),
        ({"feature": np.full((3, 8), np.inf, np.float32)}, "gaze_feature holds"),
    ],
)  # fmt: skip
def test_what_is_no_tracklet(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        tracklet_file(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbx": None}, "lacks the array 'bbx'"),
        ({"bbx": np.zeros((3, 5))}, "bbx has shape"),
        ({"bbx": np.ones((3, 4), np.int64)}, "bbx is int64"),
        ({"landmark": np.zeros((3, 6, 2))}, "landmark has 3 axes"),
        ({"landmark": np.zeros((3, 68, 1, 2))}, "axis '6'"),
        ({"start_frame": np.array(1.5)}, "start_frame has shape"),
        ({"start_frame": np.array([1, 2])}, "start_frame has shape"),
        ({"start_frame": np.array({})}, "holds Python objects"),
        ({"gaze_feature": np.zeros((3, 8), np.int64)}, "gaze_feature is int64"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    own = tracklet_file()
    arrays = {"start_frame": np.array(7), "bbx": own.box_norm, "landmark": own.six_norm[:, :, None],
              **changes}  # fmt: skip
    path = tmp_path / "000.npz"
    np.savez(path, **{name: a for name, a in arrays.items() if a is not None})
    with pytest.raises(DataError, match=rf"000\.npz.*{message}"):
        read_tracklet(path)


@pytest.mark.parametrize("cell", ["9" * 5000, "9" * 19, "-1", "1.5", "\u00b2", ""])
def test_a_cell_that_is_no_whole_number(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD + f"a,b,000.npz,{cell},5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2: start is .* expected a whole number"):
        read_list(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.npz"):
        read_tracklet(tmp_path / "none.npz")
    for content in (b"", b"PK\x03\x04 broken", b"text"):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz is not a readable"):
            read_tracklet(tmp_path / "a.npz")
    write_tracklet(tmp_path / "b.npz", tracklet_file(), compressed=True)
    whole = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"b\.npz is not a readable"):
        read_tracklet(tmp_path / "b.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"one\.npy is not a readable \.npz file"):
        read_tracklet(tmp_path / "one.npy")


def test_the_published_list_is_written_byte_for_byte(annotated: Path, tmp_path: Path) -> None:
    source = annotated / "Annotations/tracklets/test_tracklet_list.csv"
    rows = read_list(source)
    assert len(rows) == 363
    assert rows[0] == ListRow("id00016", "TCF9rCr7uHY", "000", 1374, 1558)
    write_list(tmp_path / "list.csv", rows)
    assert (tmp_path / "list.csv").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,video\n", "line 1: no column tracklet, start, end"),
        (HEAD + "a,b_fps25,000.npz,1\n", "line 2: 4 cells, expected 5"),
        (HEAD + "a,b_fps25,000.npz,1,2,3\n", "line 2: 6 cells, expected 5"),
        (HEAD + "a,b,000.npz,1,x\n", "line 2: end is 'x', expected a whole number"),
        (HEAD + "a,b,000.npz,5,5\n", "line 2: frames 5 to 5"),
        (HEAD + ",b,000.npz,1,5\n", "line 2: id is '', expected a name"),
        (HEAD + "..,b,000.npz,1,5\n", "line 2: id is '..', expected a name"),
        (HEAD + "a,b,000.npz,1,5\na,b_fps25,000,1,6\n", "line 3: a/b/000 stands in line 2 too"),
    ],
)
def test_a_wrong_list_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"list\.csv, {message}"):
        read_list(path)


def test_lists_that_are_no_csv(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_list(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"cannot read .*a\.csv.*utf-8"):
        read_list(tmp_path / "a.csv")
