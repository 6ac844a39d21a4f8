"""Labels of frames against the original's, and files of gaze that are not what they should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.recordings import labels, raw
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
    result = ego4d_labels(rows, float(file["fps"]), int(file["n_frames"]))
    wanted = file["out_frame_x_y_type"]
    assert np.abs(result.xy - wanted[:, 1:3]).max() <= 1e-12
    assert result.kind.tolist() == wanted[:, 3].tolist()
    assert sum(result.counts().values()) == len(result) == 150


@pytest.mark.parametrize("case", range(3))
def test_pilot_as_published(case: int) -> None:
    file = golden("labels_aria")
    time_ns, x, y = (file[f"{case}/{name}"] for name in ("timestamp_ns", "x_px", "y_px"))
    result = aria_labels(time_ns, x, y, int(file[f"{case}/n_frames"]))
    wanted = file[f"{case}/out_frame_ts_x_y_type"]
    assert np.abs(result.xy - wanted[:, 2:4]).max() <= 1e-12
    assert result.kind.tolist() == wanted[:, 4].tolist()
    assert result.time_ns is not None and result.time_ns.tolist() == wanted[:, 1].tolist()


def test_a_place_outside_snaps_and_the_next_move_begins_there() -> None:
    xy, kind = aria_kinds(np.array([[0.7, 0.7], [1.2, 0.7], [0.0, 0.0], [0.7, 0.7]]))
    assert xy.tolist() == [[0.7, 0.7], [1.0, 0.0], [0.0, 0.0], [0.7, 0.7]]
    assert kind.tolist() == [0, OUTSIDE, 1, 1]


def test_rows_that_end_early_leave_the_rest_untracked() -> None:
    rows = GazeRows(np.arange(10) / 30, np.full(10, 0.25), np.full(10, 0.25))
    result = ego4d_labels(rows, 30.0, 100)
    assert result.kind[:8].tolist() == [0] * 8
    assert set(result.kind[10:]) == {UNTRACKED} and not result.xy[10:].any()


def test_a_long_gap_at_the_end_is_no_error() -> None:
    time = np.array([0.0, 1 / 30, 2 / 30, 0.1, 2 / 15, 50.0, 60.0])
    result = ego4d_labels(GazeRows(time, np.full(7, 0.5), np.full(7, 0.5)), 30.0, 3000)
    assert result.kind[0] == 0 and result.kind[2999] == UNTRACKED


def test_reads_what_it_should(tmp_path: Path) -> None:
    rows = read_ego4d_gaze(write_gaze(tmp_path / "a.csv", 2))
    assert len(rows.time_s) == 64 and 0 <= rows.x.min() <= rows.x.max() <= 1


HEAD = (
    "component_idx,component_timestamp_s,canonical_timestamp_s,world_index,confidence,"
    "norm_pos_x,norm_pos_y,base_data\n"
)


def rows_of(times: Sequence[object], x: object = 0.25, y: object = 0.75) -> str:
    return "".join(f"0,{t},{t},0,1,{x},{y},1.5-0 1.6-1\n" for t in times)


SECONDS = [f"{n / 10:.1f}" for n in range(40)]


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


GOOD = HEAD + rows_of(SECONDS)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD + "\n\n",
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n0", "\n\n0", 1) + ",,,,,,,\n",
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ";").replace(".", ","),
        # an index of pandas in front, columns in another order, exports of Pupil
        ",y,norm_pos_y,norm_pos_x,component_timestamp_s\n"
        + "".join(f"{n},9,0.75,0.25,{t}\n" for n, t in enumerate(SECONDS)),
        "gaze_timestamp,world_index,confidence,norm_pos_x,norm_pos_y\n"
        + "".join(f"{t},3,1,0.25,0.75\n" for t in SECONDS),
        "Norm_Pos_X, norm_pos_y,timestamp_ms\n"
        + "".join(f"0.25,0.75,{float(t) * 1000}\n" for t in SECONDS),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_columns_are_taken_by_name(tmp_path: Path, text: str, encoding: str) -> None:
    rows = read_ego4d_gaze(written(tmp_path / "uid.csv", text, encoding), 4.0)
    assert rows.time_s.tolist() == pytest.approx([float(t) for t in SECONDS])
    assert set(rows.x) == {0.25} and set(rows.y) == {0.75} and rows.notes == ()


def test_a_blink_is_not_tracked(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    for n, cell in ((10, ""), (11, "nan"), (12, "NaN")):
        lines[n] = lines[n].replace("0.25", cell)
    path = written(tmp_path / "uid.csv", "\n".join(lines))
    rows = read_ego4d_gaze(path, 4.0)
    assert rows.notes == ("3 of 40 rows of gaze have no place: not tracked",)
    gaze = ego4d_labels(rows, 10, 38)
    assert np.flatnonzero(gaze.kind == UNTRACKED).tolist() == [9, 10, 11]
    assert gaze.xy[8].tolist() == [0.25, 0.25] and gaze.xy[10].tolist() == [0, 0]
    assert gaze.row_s is not None and len(gaze.row_s) == 37 and gaze.notes == rows.notes
    # a blink of over a second is a stretch without gaze
    text = HEAD + rows_of(SECONDS[:10]) + rows_of(SECONDS[10:32], "", "") + rows_of(SECONDS[32:])
    long = ego4d_labels(read_ego4d_gaze(written(path, text), 4.0), 10, 40)
    assert labels.gaps(long, 10, 4.0) == [(1, 3)]


def test_time_of_the_video_where_a_component_has_its_own(tmp_path: Path) -> None:
    text = HEAD + "".join(
        f"{k},{n / 10},{n / 10 + 3 * k},0,1,0.5,0.5,\n" for k in (0, 1) for n in range(20)
    )
    rows = read_ego4d_gaze(written(tmp_path / "uid.csv", text), 5.0)
    assert rows.time_s[-1] == pytest.approx(4.9)
    assert rows.notes == (
        "times are those of canonical_timestamp_s, up to 3.0 s from component_timestamp_s",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (rows_of(SECONDS), "no column of places, norm_pos_x; its columns: 0"),
        ("0,0.1,2\n" * 3, "line 1: numbers, where the names of columns belong"),
        ("time,x,y\n" + "1,2,3\n" * 9, "no column of places, norm_pos_x; its columns: time, x, y"),
        ("norm_pos_x,norm_pos_y\n" + "1,2\n" * 9, "no column of times"),
        ("timestamp [ns],gaze x [px],gaze y [px]\n1,2,3\n", "no column of places"),
        (HEAD.replace("confidence", "norm_pos_x") + rows_of(SECONDS), "norm_pos_x twice"),
        (HEAD + rows_of(SECONDS[:2]), "2 rows of gaze"),
        (HEAD + rows_of(SECONDS, "", "nan"), "0 rows of gaze"),
        (GOOD + "0,,,0,1,0.5,0.5\n", "line 42, column component_timestamp_s: ''"),
        (GOOD + "0,x,x,0,1,0.5,0.5\n", "line 42, column component_timestamp_s: 'x'"),
        (GOOD + "0,5,5,0,1,0.5,left\n", "line 42, column norm_pos_y: 'left'"),
        (GOOD + "0,inf,5,0,1,0.5,0.5\n", "line 42, column component_timestamp_s: 'inf'"),
        (HEAD + "\n" + rows_of([0, 9, 0.5]), "line 5: its time, column component_timestamp_s"),
        (HEAD + rows_of(SECONDS[::-1]), "rows should ascend in time"),
        (HEAD + rows_of([float(t) * 1000 for t in SECONDS]), "in steps of 100: another unit"),
        (HEAD + rows_of([float(t) + 1.65e9 for t in SECONDS]), "0 rows within the 4.0 s of the"),
        (HEAD + rows_of(SECONDS, 540, 500), "norm_pos_x, runs from 540 to 540: pixels"),
        (HEAD + rows_of(SECONDS, 0.5, 50), "norm_pos_y, runs from 50 to 50: pixels"),
        (HEAD + rows_of(SECONDS, -0.2, 0.1), "40 of 40 places lie outside the image"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path / "uid.csv", text)
    with pytest.raises(DataError, match=r"uid.csv") as known:
        read_ego4d_gaze(path, 4.0)
    assert said in str(known.value)


def test_labels_of_frames_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "gaze_type,frame,y,x\n0,0,0.25,0.5\n3,1,0,0\n")
    result = raw.read_frame_labels(path)
    assert result.xy.tolist() == [[0.5, 0.25], [0, 0]] and result.kind.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frame,x,y,gaze_type\n", "has no rows"),
        ("frame,x,y,gaze_type\n0,0.5,0.5,4\n", "kinds of gaze other than 0 to 3"),
        ("frame,x,y,gaze_type\n1,0.5,0.5,0\n0,0.5,0.5,0\n", "should count from 0"),
        ("frame,x,y,gaze_type\n0,500,0.5,0\n", "places run from 0.5 to 500"),
        ("frame,x,y\n0,0.5,0.5\n", "no column of kinds, gaze_type"),
    ],
)
def test_wrong_labels_of_frames(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        raw.read_frame_labels(written(tmp_path / "a.csv", text))


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
