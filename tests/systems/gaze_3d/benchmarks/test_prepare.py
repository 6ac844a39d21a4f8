"""Each published layout becomes images with directions in the camera's frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.system import load_system
from eyeline.systems.gaze_3d.benchmarks import prepare
from eyeline.systems.gaze_3d.benchmarks.layouts import CANVAS_PX, LAYOUTS
from eyeline.systems.gaze_3d.recordings import decoded
from tests.systems.gaze_3d.benchmarks import sets

RIGHT, UP, DOWN, CAMERA = (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1)
SIDE_15 = (np.sin(np.radians(15)), 0, -np.cos(np.radians(15)))
TO_45 = np.sqrt(0.5)

EXPECTED = {
    "columbia": {
        "0007/0P": [(0, SIDE_15), (1, (0, -np.sin(np.radians(10)), -np.cos(np.radians(10))))],
        "0007/-15P": [(0, (-np.sin(np.radians(10)), 0, -np.cos(np.radians(10))))],
    },
    "mpiifacegaze": {"p03": [(0, (TO_45, 0, -TO_45)), (1, (0, TO_45, -TO_45))]},
    "gaze360": {"rec_001/000003": [(5, CAMERA), (6, RIGHT), (7, UP)]},
    "ethxgaze": {
        "subject0003": [
            (0, CAMERA),
            (1, (0, -np.sin(0.3), -np.cos(0.3))),
            (2, (-np.sin(0.4), 0, -np.cos(0.4))),
        ]
    },
    "eyediap": {"04/4_A_DS_S": [(0, (TO_45, 0, -TO_45)), (3, (TO_45, 0, -TO_45))]},
}
"""Recording -> frames and gaze. EYEDIAP: one frame has no eyes, one a blink."""


def prepared(name: str, tmp_path: Path, **options: int) -> tuple[Path, object]:
    if name == "ethxgaze":
        pytest.importorskip("h5py")
    getattr(sets, name)(tmp_path / "source")
    run: Callable[..., object] = getattr(prepare, name)
    return tmp_path / "out", run(tmp_path / "source", tmp_path / "out", **{"every": 1} | options)


def labels(out: Path, recording: str) -> dict[str, np.ndarray]:
    return prepare.read_labels(out / recording, recording)[0]


@pytest.mark.parametrize("name", EXPECTED)
def test_directions_are_in_the_frame_of_the_camera(name: str, tmp_path: Path) -> None:
    out, summary = prepared(name, tmp_path)
    assert {p.parent.relative_to(out).as_posix() for p in out.rglob("labels.npz")} == {
        *EXPECTED[name]
    }
    for recording, rows in EXPECTED[name].items():
        columns = labels(out, recording)
        assert columns["frame"].tolist() == [frame for frame, _ in rows]
        np.testing.assert_allclose(columns["gaze"], [gaze for _, gaze in rows], atol=1e-6)
        for frame in columns["frame"]:
            image = decoded(out / recording / f"{frame:06d}.jpg")
            assert image is not None and abs(float(image.mean()) - 128) < 70
    assert not summary.failed  # type: ignore[attr-defined]


def test_the_card_names_every_layout() -> None:
    system = load_system("gaze_3d")
    assert {*LAYOUTS} == {*system.benchmarks} == {*system.prepare} - {"gafa"} == {*EXPECTED}


def test_places_and_lenses(tmp_path: Path) -> None:
    out, _ = prepared("mpiifacegaze", tmp_path, longest_px=32)
    columns = labels(out, "p03")
    np.testing.assert_allclose(columns["face_px"][0], (16.5, 12), atol=1e-6)
    np.testing.assert_allclose(columns["matrix"][0, :2], [[25, 0, 16], [0, 25, 12]], atol=1e-6)
    image = decoded(out / "p03" / "000000.jpg")
    assert image is not None and image.shape == (24, 32, 3)


def test_a_ball_is_in_the_world_and_heads_stand_in_the_centre(tmp_path: Path) -> None:
    sets.eyediap(tmp_path / "source", "4_A_FT_M")
    prepare.eyediap(tmp_path / "source", tmp_path / "out", every=1)
    np.testing.assert_allclose(labels(tmp_path / "out", "04/4_A_FT_M")["gaze"], [UP, UP], atol=1e-6)
    out, _ = prepared("gaze360", tmp_path / "heads")
    image = decoded(out / "rec_001" / "000003" / "000005.jpg")
    assert image is not None and image.shape == (CANVAS_PX, CANVAS_PX, 3)


def test_blue_comes_first_and_kept_back_subjects_are_skipped(tmp_path: Path) -> None:
    out, summary = prepared("ethxgaze", tmp_path)
    image = decoded(out / "subject0003" / "000000.jpg")
    assert image is not None and image[..., 2].mean() > 150 > image[..., 0].mean() + 50
    assert summary.as_dict()["recordings"] == {"done": 1, "skipped": 1}  # type: ignore[attr-defined]


def test_a_damaged_image_costs_itself_and_a_second_run_keeps(tmp_path: Path) -> None:
    sets.columbia(tmp_path / "source")
    bad = next((tmp_path / "source").rglob("*15H.jpg"))
    bad.write_bytes(b"no image")
    source, out = tmp_path / "source", tmp_path / "out"
    first = prepare.columbia(source, out).as_dict()
    assert (first["damaged"], first["images"], first["recordings"]) == (1, 2, {"done": 2})
    assert prepare.columbia(source, out).as_dict()["recordings"] == {"kept": 2}
    other = prepare.columbia(source, out, longest_px=100)
    assert len(other.failed) == 2 and "remove it" in other.failed[0].message
    assert labels(out, "0007/0P")["frame"].tolist() == [1]
    assert json.loads((out / "prepare_report.json").read_text())["recordings"] == {"failed": 2}


FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a number that is none": (
        "eyediap",
        lambda root: next(root.rglob("screen*.txt")).write_text("Screen\n0;100;100;x;0;0\n"),
        "'x' is no number",
    ),
    "a calibration that lacks": (
        "eyediap",
        lambda root: next(root.rglob("rgb_vga_cal*.txt")).write_text("[R]\n1;0\n"),
        "expected [intrinsics]",
    ),
    "a short line": (
        "mpiifacegaze",
        lambda root: next(root.rglob("p03.txt")).write_text("day01/0001.jpg 1 2\n"),
        "a line of 3 columns",
    ),
    "no calibration": (
        "mpiifacegaze",
        lambda root: next(root.rglob("Camera.mat")).unlink(),
        "Camera.mat",
    ),
    "a damaged file": (
        "ethxgaze",
        lambda root: next(root.rglob("subject0003.h5")).write_bytes(b"x" * 100),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_recording_that_cannot_be_read_is_named(fault: str, tmp_path: Path) -> None:
    name, spoil, message = FAULTS[fault]
    if name == "ethxgaze":
        pytest.importorskip("h5py")
    getattr(sets, name)(tmp_path / "source")
    spoil(tmp_path / "source")
    summary = getattr(prepare, name)(tmp_path / "source", tmp_path / "out", every=1)
    assert len(summary.failed) == 1 and message in summary.failed[0].message
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    sets.gaze360(tmp_path / "source", names=("../elsewhere", "../elsewhere"))
    with pytest.raises(DataError, match="can be no folder"):
        prepare.gaze360(tmp_path / "source", tmp_path / "out")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_of_something_else_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no recording|no metadata"):
        getattr(prepare, name)(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
