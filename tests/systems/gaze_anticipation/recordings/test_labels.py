"""Labels of frames against the original's, and files of gaze that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.recordings import labels
from eyeline.systems.gaze_anticipation.recordings.labels import (
    OUTSIDE,
    UNTRACKED,
    GazeRows,
    aria_kinds,
    aria_labels,
    ego4d_labels,
    read_ego4d_gaze,
)
from tests.systems.gaze_anticipation.filmed import write_gaze
from tests.systems.gaze_anticipation.invented import golden


def test_ego4d_as_published() -> None:
    file = golden("labels_ego4d")
    rows = GazeRows(file["time_s"], file["norm_x"], file["norm_y"])
    found = ego4d_labels(rows, float(file["fps"]), int(file["n_frames"]))
    wanted = file["out_frame_x_y_type"]
    assert np.abs(found.xy - wanted[:, 1:3]).max() <= 1e-12
    assert found.kind.tolist() == wanted[:, 3].tolist()
    assert sum(found.counts().values()) == len(found) == 150


@pytest.mark.parametrize("case", range(3))
def test_pilot_as_published(case: int) -> None:
    file = golden("labels_aria")
    time_ns, x, y = (file[f"{case}/{name}"] for name in ("timestamp_ns", "x_px", "y_px"))
    found = aria_labels(time_ns, x, y, int(file[f"{case}/n_frames"]))
    wanted = file[f"{case}/out_frame_ts_x_y_type"]
    assert np.abs(found.xy - wanted[:, 2:4]).max() <= 1e-12
    assert found.kind.tolist() == wanted[:, 4].tolist()
    assert found.time_ns is not None and found.time_ns.tolist() == wanted[:, 1].tolist()


def test_a_place_outside_snaps_and_the_next_move_begins_there() -> None:
    xy, kind = aria_kinds(np.array([[0.7, 0.7], [1.2, 0.7], [0.0, 0.0], [0.7, 0.7]]))
    assert xy.tolist() == [[0.7, 0.7], [1.0, 0.0], [0.0, 0.0], [0.7, 0.7]]
    assert kind.tolist() == [0, OUTSIDE, 1, 1]


def test_rows_that_end_early_leave_the_rest_untracked() -> None:
    rows = GazeRows(np.arange(10) / 30, np.full(10, 0.25), np.full(10, 0.25))
    found = ego4d_labels(rows, 30.0, 100)
    assert found.kind[:8].tolist() == [0] * 8
    assert set(found.kind[10:]) == {UNTRACKED} and not found.xy[10:].any()


def test_a_long_gap_at_the_end_is_no_error() -> None:
    time = np.array([0.0, 1 / 30, 2 / 30, 0.1, 2 / 15, 50.0, 60.0])
    found = ego4d_labels(GazeRows(time, np.full(7, 0.5), np.full(7, 0.5)), 30.0, 3000)
    assert found.kind[0] == 0 and found.kind[2999] == UNTRACKED


def test_reads_what_it_should(tmp_path: Path) -> None:
    rows = read_ego4d_gaze(write_gaze(tmp_path / "a.csv", 2))
    assert len(rows.time_s) == 64 and 0 <= rows.x.min() <= rows.x.max() <= 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("0,0.0,0,0,0,0.5,0.5\n" * 2, "2 rows of gaze"),
        ("0,0.0,0,0,0,0.5,0.5\n0,0.1,0,0,0,,0.5\n0,0.2,0,0,0,0.5,0.5\n", "line 3, column 5"),
        ("0,0.0,0,0,0,0.5\n" * 3, "line 2, column 6"),
        ("0,0.0,0,0,0,.5,.5\n0,9,0,0,0,.5,.5\n0,0.5,0,0,0,.5,.5\n", "line 4: its time, column 1"),
        ("0,0.0,0,0,0,nan,.5\n" * 3, "line 2, column 5: 'nan'"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, body: str, said: str) -> None:
    path = tmp_path / "uid.csv"
    path.write_text("a,b,c,d,e,f,g\n" + body)
    with pytest.raises(DataError, match=r"uid.csv") as told:
        read_ego4d_gaze(path)
    assert said in str(told.value)


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.csv cannot be read"):
        read_ego4d_gaze(tmp_path / "gone.csv")


def test_stretches_without_rows() -> None:
    at = np.array([0.5, 1.0, 1.5, 4.25, 5.0, 8.0, 8.5])
    gaze = labels.ego4d_labels(labels.GazeRows(at, 0.5 + 0 * at, 0.5 + 0 * at), 30, 300)
    # from 1.5 to 4.25, from 5 to 8 and from 8.5 to 10, without the seconds that touch gaze
    assert labels.gaps(gaze, 30, 10.0) == [(2, 4), (6, 7), (9, 9)]
    kind = np.zeros(100, np.int64)
    kind[30:70] = labels.UNTRACKED
    lost = labels.FrameGaze(np.zeros((100, 2)), kind)
    assert labels.gaps(lost, 20, 5.0) == [(2, 3)]
