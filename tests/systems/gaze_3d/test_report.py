"""Figures as published, and as they should be counted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.geometry.directions import from_yaw_pitch, normalise
from eyeline.systems.gaze_3d import report
from eyeline.systems.gaze_3d.answers import Answers
from tests.systems.gaze_3d.conftest import Array, Golden

IN_FILE = ("3d_all", "2d_all", "3d_front", "2d_front", "3d_back", "2d_back")


def rows(names: list[str], gaze: npt.ArrayLike, first: bool = True) -> Answers:
    """Windows of seven frames each, one a name."""
    count = len(names)
    frame = np.tile(np.arange(7), count)
    return Answers(
        tuple(n for n in names for _ in range(7)), frame,
        np.zeros(7 * count, np.int64) if first else None,
        {"gaze": np.asarray(gaze, np.float64).reshape(-1, 3)},
    )  # fmt: skip


def looking(yaw_deg: npt.ArrayLike, pitch_deg: npt.ArrayLike = 0.0) -> Array:
    yaw, pitch = np.broadcast_arrays(np.deg2rad(yaw_deg), np.deg2rad(pitch_deg))
    return from_yaw_pitch(yaw, pitch)


def test_batches_as_published(golden: Golden) -> None:
    file, predictions = golden("metrics"), []
    for batch in range(4):
        created = report.published_batch(file[f"b{batch}_pred"], file[f"b{batch}_label"])
        wanted = file[f"b{batch}_mae_mae2d_f3_f2_b3_b2"]
        np.testing.assert_allclose([created[name] for name in IN_FILE], wanted, atol=1e-3)
        predictions.append(created)
    printed = [report.mean_of_batches(predictions)[name] for name in report.COLUMNS]
    np.testing.assert_allclose(printed, file["printed"], atol=1e-3)
    wanted_order = [f"MAE ({c[:2].upper()} {c[3:]})" for c in report.COLUMNS]
    assert file["printed_order"].tolist() == wanted_order


def test_windows_are_cut_into_batches_in_their_order(golden: Golden) -> None:
    file = golden("metrics")
    predictions = np.concatenate([file[f"b{i}_pred"] for i in range(4) if i != 3])
    label = np.concatenate([file[f"b{i}_label"] for i in range(4) if i != 3])
    each = [report.published_batch(file[f"b{i}_pred"], file[f"b{i}_label"]) for i in range(3)]
    assert report.published(predictions, label) == pytest.approx(report.mean_of_batches(each))
    assert report.published(predictions, label, batch=69)["3d_all"] != pytest.approx(
        report.published(predictions, label)["3d_all"], abs=0.1
    ), "unweighted: batches of 32, 32 and 5 count alike"


def test_labels_of_the_image_plane(golden: Golden) -> None:
    file = golden("metrics")
    created = report.published_batch(file["d2_pred"], file["d2_label"])
    assert [created[name] for name in IN_FILE] == pytest.approx(file["d2_out"].tolist(), abs=1e-3)


def test_an_answer_that_is_no_number_costs_its_batch() -> None:
    label = np.broadcast_to(looking(0, 5), (3, 7, 3)).copy()
    predictions = label.copy()
    predictions[2] = looking(0, 15)
    predictions[0, 0] = np.nan
    created = report.published(predictions, label, batch=1)
    assert created["3d_all"] == pytest.approx(5) and np.isnan(created["3d_back"])


def test_each_frame_counts_and_lies_on_the_side_that_it_has() -> None:
    """One window that turns from front to back; off by 2 degrees in front, by 6 behind."""
    yaw = np.array([0, 30, 60, 80, 100, 130, 170.0])
    off = np.where(yaw < 90, 2, 6)
    created = report.score(rows(["a/s/c"], looking(yaw + off)), rows(["a/s/c"], looking(yaw)))
    assert created["pooled"]["3d_front"] == pytest.approx(2)
    assert created["pooled"]["3d_back"] == pytest.approx(6)
    assert created["pooled"]["3d_all"] == pytest.approx((4 * 2 + 3 * 6) / 7)
    assert created["published"]["3d_front"] == pytest.approx((4 * 2 + 3 * 6) / 7, abs=1e-4)
    assert created["published"]["3d_back"] is None


def test_recordings_with_more_frames_weigh_more_and_draw_intervals() -> None:
    names = ["a/s/1", "a/s/1", "a/s/1", "b/t/1"]
    label = looking(np.full(28, 20.0))
    predictions = looking(np.repeat([24.0, 24, 24, 32], 7))
    created = report.score(rows(names, predictions), rows(names, label))
    assert created["pooled"]["3d_all"] == pytest.approx((3 * 4 + 12) / 4)
    assert {k: v["3d_all"] for k, v in created["recordings"].items()} == pytest.approx(
        {"a/s/1": 4, "b/t/1": 12}
    )
    assert created["interval"]["3d_all"] == pytest.approx([4, 12])
    assert created["interval"] == created["interval_by_session"]
    assert created["mean_direction"]["3d_all"] == pytest.approx(0, abs=1e-5), "all labels are alike"


def test_a_look_straight_at_the_camera_has_no_angle_in_the_image() -> None:
    label = looking([0, 0, 0, 90, 90, 90, 90.0])
    predictions = looking([9, 9, 9, 90, 90, 90, 90.0], [0, 0, 0, 10, 10, 10, 10.0])
    created = report.score(rows(["a/s/c"], predictions), rows(["a/s/c"], label))
    assert created["pooled"]["2d_all"] == pytest.approx(10)


def test_rows_that_are_no_whole_windows_have_no_published_figures() -> None:
    whole = rows(["a/s/c"], looking(np.arange(7.0)))
    assert report.windows_of(whole) is not None
    assert report.windows_of(rows(["a/s/c"], looking(np.arange(7.0)), first=False)) is None
    assert report.windows_of(whole.rows([0, 1, 2, 3, 4, 6, 5])) is None
    assert report.windows_of(whole.rows([0, 1, 2, 3])) is None


def test_windows_of_other_lengths_are_known_by_their_first_frames() -> None:
    """Three windows of five frames, the second beside the first."""
    gaze = looking(np.linspace(-60, 60, 15))
    names = ("a/s/c",) * 10 + ("a/s/d",) * 5
    frame = np.concatenate([np.arange(10), np.arange(5)])
    predictions = Answers(names, frame, np.repeat([0, 5, 0], 5), {"gaze": gaze})
    windows = report.windows_of(predictions)
    assert windows is not None and windows.tolist() == np.arange(15).reshape(3, 5).tolist()
    assert report.windows_of(predictions.rows(np.arange(14))) is None


def test_the_table_is_printed_as_by_the_authors() -> None:
    figures = dict(zip(report.COLUMNS, [20.6974091, 17.393957, 23.21, np.nan, 21.688675, 20.889896],
                       strict=True))  # fmt: skip
    assert report.printed(figures) == [
        "MAE (3D front):  20.697409",
        "MAE (2D front):  17.393957",
        "MAE (3D back):  23.210000",
        "MAE (2D back):  nan",
        "MAE (3D all):  21.688675",
        "MAE (2D all):  20.889896",
    ]
    assert report.printed(None) == []


def test_errors_by_yaw() -> None:
    yaw = np.array([-170.0, -1, 1, 44, 46])
    created = report.by_yaw(looking(yaw, 3), looking(yaw), bins=8)
    assert [row["frames"] for row in created] == [1, 0, 0, 1, 2, 1, 0, 0]
    assert created[4]["mean_deg"] == pytest.approx(3) and created[1]["mean_deg"] is None


def test_the_best_constant_is_the_mean_of_the_labels() -> None:
    rng = np.random.default_rng(0)
    label = normalise(rng.standard_normal((70, 3)) - np.array([0, 0, 2]))
    names = [f"a/s/{i}" for i in range(10)]
    created = report.score(rows(names, np.tile([1.0, 0, 0], (70, 1))), rows(names, label))
    assert created["mean_direction"]["3d_all"] < created["pooled"]["3d_all"] - 20
