"""Gaze of Aria recordings against Project Aria's own tools, and its pairing with frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation.recordings import aria
from eyeline.systems.gaze_anticipation.recordings.device import FRAMES, Calibration
from eyeline.systems.gaze_anticipation.recordings.labels import FIXATION, OUTSIDE, UNTRACKED
from tests.systems.gaze_anticipation.invented import golden

OLD = "tracking_timestamp_us,yaw_rads_cpf,pitch_rads_cpf,depth_m,session_uid\n"
NEW = "tracking_timestamp_us,left_yaw_rads_cpf,right_yaw_rads_cpf,pitch_rads_cpf,depth_m\n"


@pytest.mark.parametrize("kind", ["DVT-S", "DVT-L"])
def test_points_as_project_aria_has_them(kind: str) -> None:
    file = golden("aria_gaze")
    result = aria.points(*(file[f"{kind}/{name}"] for name in ("yaw", "pitch", "depth")))
    assert np.abs(result - file[f"{kind}/point"]).max() < 1e-6


def test_the_published_check_value_and_both_eyes_together_as_project_aria_has_it() -> None:
    result = aria.points(*(np.array([v]) for v in (-0.10291049, -0.288851887, 1.179526637)))
    assert np.abs(result - [[-0.1162013, -0.3343560, 1.1251606]]).max() < 1e-6
    file = golden("aria_gaze")
    yaw, depth = aria.combined(*(file[f"vergence/{n}"] for n in ("left", "right", "pitch")))
    wanted = file["vergence/depth_yaw_pitch"]
    assert np.abs(yaw - wanted[:, 1]).max() < 1e-6
    assert np.abs(depth / wanted[:, 0] - 1).max() < 1e-5


def test_parallel_eyes_have_no_depth() -> None:
    yaw, depth = aria.combined(np.array([0.1]), np.array([0.1]), np.array([0.0]))
    assert yaw.tolist() == pytest.approx([0.1]) and np.isnan(depth).all()


def test_reads_both_forms(tmp_path: Path) -> None:
    path = tmp_path / "general_eye_gaze.csv"
    path.write_text(OLD + "1000,0.1,-0.2,,a\n2000,0.2,0.1,2.5,a\n")
    old = aria.read_angles(path)
    assert old.time_ns.tolist() == [1_000_000, 2_000_000]
    assert old.depth_m.tolist() == [aria.DEPTH_M, 2.5]
    path.write_text(NEW + "1000,0.1,0.2,0.0,1.5\n2000,0.1,0.1,0.0,\n3000,0.0,0.1,0.0,\n")
    new = aria.read_angles(path)
    assert new.depth_m[:2].tolist() == [1.5, aria.DEPTH_M]
    assert new.depth_m[2] == pytest.approx(0.063 / np.tan(0.1) * np.hypot(1, np.tan(0.1) / 2))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (OLD, "no rows of gaze"),
        ("tracking_timestamp_us,yaw_rads_cpf\n1,2\n", "no column of angles, pitch_rads_cpf"),
        ("time,x\n1,2\n", "no column of times, tracking_timestamp_us"),
        (OLD + "1000,0.1,,1,a\n", "no rows of gaze"),
        (OLD + "1000,0.1,up,1,a\n", "line 2, column pitch_rads_cpf: 'up'"),
        (OLD + "1000,0.1,0,x,a\n", "line 2, column depth_m: 'x'"),
        (OLD + ",0.1,0,1,a\n", "line 2, column tracking_timestamp_us: ''"),
        (OLD + "\n1000,5.7,-11,1,a\n", "line 3, column yaw_rads_cpf: 5.7 is no angle in radians"),
        (OLD + "9" * 18 + ",0.1,0,1,a\n", "is no time in microseconds"),
        (OLD + "9" * 30 + ",0.1,0,1,a\n", "numbers of over 63 bits"),
        (OLD + "2000,0.1,0,1,a\n1000,0.1,0,1,a\n", "line 3: tracking_timestamp_us"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "general_eye_gaze.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"general_eye_gaze.csv") as known:
        aria.read_angles(path)
    assert said in str(known.value)


def test_a_blink_is_not_tracked(tmp_path: Path) -> None:
    path = tmp_path / "general_eye_gaze.csv"
    body = [f"{100_000 * n},0.1,{'' if n == 3 else 0.2},1,a\n" for n in range(6)]
    path.write_text(OLD + "\n" + "".join(body) + "\n\n")
    angles = aria.read_angles(path)
    assert len(angles.time_ns) == 5
    result = aria.frame_labels(angles.time_ns, np.full((5, 2), 704.0), np.arange(11) * 50_000_000)
    assert np.flatnonzero(result.kind == UNTRACKED).tolist() == [5, 6, 7]


PILOT = "timestamp_unix_ns,calib_x [pixel],calib_y [pixel]\n"


def test_rows_of_the_pilot_by_name(tmp_path: Path) -> None:
    path = tmp_path / "et.csv"
    path.write_text("y,time,x\n700,1600000000000000001,800\n,1600000000000000003,\n")
    with pytest.raises(DataError, match="1 rows of gaze"):
        aria.read_pilot_rows(path)
    path.write_text(PILOT + "1600000000000000001,800,700\n\n1600000000000000003,,\n"
                    "1600000000000000005,800,700\n")  # fmt: skip
    time_ns, place = aria.read_pilot_rows(path)
    assert (time_ns % 10).tolist() == [1, 3, 5], "beyond the digits of a float"
    assert place[0].tolist() == [800, 700] and np.isnan(place[1]).all()
    result = aria.labels.aria_labels(time_ns, place[:, 0], place[:, 1], 7)
    assert result.kind.tolist() == [0, UNTRACKED, UNTRACKED, UNTRACKED, 0, UNTRACKED, UNTRACKED]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,c\n1,2,3\n2,3,4\n", "no column of times, timestamp_unix_ns"),
        (PILOT + "1,800,700\n1,800,700\n", "line 3: timestamp_unix_ns is not after"),
        (PILOT + "1,0.5,0.4\n2,0.5,0.4\n", "expected pixels of the sensor, 0 to 1408"),
        (PILOT + "1,5000,0\n2,5000,-3000\n", "expected pixels of the sensor, 0 to 1408"),
    ],
)
def test_says_what_is_wrong_with_the_pilots_rows(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "et.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        aria.read_pilot_rows(path)


def test_each_row_takes_the_calibration_nearest_in_time() -> None:
    parameters = [np.array([600.0, centre, 704, *[0.0] * 12]) for centre in (700.0, 710.0)]
    calibrations = [
        Calibration(p, FRAMES[0], t) for p, t in zip(parameters, (0, 1000), strict=True)
    ]
    angles = aria.Angles(
        np.array([0, 400_000, 600_000, 2_000_000]), np.zeros(4), np.zeros(4), np.ones(4)
    )
    result = aria.sensor_places(angles, calibrations)
    assert (result[1] == result[0]).all() and result[2, 0] - result[1, 0] == pytest.approx(10)
    assert (aria.sensor_places(angles, calibrations[:1]) == result[0]).all()


ROWS_NS = np.array([0, 100, 200, 1000]) * 1_000_000
PLACES = np.array([[704.0, 704], [714, 704], [np.nan, np.nan], [704, 704]])


def test_frames_lie_between_rows_and_frames_take_the_nearest_row() -> None:
    frames = np.array([-80, -60, 0, 50, 100, 140, 160, 200, 240, 600, 1000]) * 1_000_000
    result = aria.frame_labels(ROWS_NS, PLACES, frames)
    assert result.kind.tolist() == [
        UNTRACKED, 0, FIXATION, FIXATION, FIXATION, FIXATION, OUTSIDE, OUTSIDE, UNTRACKED,
        UNTRACKED, 1,
    ]  # fmt: skip
    assert result.xy[3].tolist() == pytest.approx([0.5, 709 / 1408])
    assert result.xy[0].tolist() == [0.5, 0.5] and result.xy[7].tolist() == [0, 0]
    frames = np.array([40, 60, 100]) * 1_000_000
    result = aria.frame_labels(ROWS_NS, PLACES, frames, "nearest")
    assert result.xy[:, 1].tolist() == pytest.approx([0.5, 714 / 1408, 714 / 1408])


def test_two_frames_a_row_as_in_the_pilot() -> None:
    """Where times are those of the pilot, pairing by time gives its labels."""
    from eyeline.systems.gaze_anticipation.recordings.labels import aria_labels

    rng = np.random.default_rng(0)
    place = 704 + np.cumsum(rng.normal(0, 20, (50, 2)), axis=0)
    time_ns = np.arange(50) * 100_000_000
    wanted = aria_labels(time_ns, place[:, 0], place[:, 1], 99)
    result = aria.frame_labels(time_ns, place, np.arange(99) * 50_000_000)
    assert np.abs(result.xy - wanted.xy).max() < 1e-12 and (result.kind == wanted.kind).all()


def test_pairing_that_is_none() -> None:
    with pytest.raises(UsageError, match="no pairing 'best'"):
        aria.frame_labels(ROWS_NS, PLACES, ROWS_NS, "best")
    with pytest.raises(DataError, match="no rows"):
        aria.frame_labels(ROWS_NS[:0], PLACES[:0], ROWS_NS)
