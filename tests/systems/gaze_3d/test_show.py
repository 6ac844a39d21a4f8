"""Annotations drawn on frames and in space."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.geometry.views import projection, triangulate
from eyeline.systems.gaze_3d import show, skeleton, synthesize
from eyeline.systems.gaze_3d.raw import Annotation, read_annotation
from eyeline.systems.gaze_3d.scene_plot import COLOURS
from tests.geometry.test_views import cameras, pixels
from tests.systems.gaze_3d.conftest import Array

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "notebooks/gafa_dataset.ipynb"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gafa") / "gafa"
    synthesize.run(folder, sessions=2, test_sessions=1, cameras=3, frames=8, width_px=160)
    return folder


@pytest.fixture
def source(made: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(made, tmp_path / "source"))


def test_frames_scene_and_points_are_written(made: Path, tmp_path: Path) -> None:
    known: list[str] = []
    summary = show.run(made, tmp_path, frame=1, count=2, every=3, log=known.append)
    assert (summary.session, summary.frames, summary.failed) == ("made/000", (1, 4), {})
    names = [f"Camera{n}_0/00000{frame}.jpg" for n in (1, 2, 3) for frame in (1, 4)]
    assert all((tmp_path / name).is_file() for name in names) and len(known) == 3
    for frame in (1, 4):
        root = ET.fromstring((tmp_path / f"scene_00000{frame}.svg").read_text("utf-8"))
        words = " ".join(text.text or "" for text in root.iter() if text.tag.endswith("text"))
        assert f"made/000, frame {frame}" in words and words.count("Camera2_0") == 2
    lines = (tmp_path / show.POINTS).read_text("utf-8").splitlines()
    assert lines[0] == "frame,joint,name,x_m,y_m,z_m,cameras" and len(lines) > 30
    points = {line.split(",")[2]: line.split(",") for line in lines if line.startswith("1,")}
    neck, hip = (np.array(points[n][3:6], float) for n in ("neck", "middle hip"))
    assert 0.45 < np.linalg.norm(neck - hip) < 0.7, "metres, as tall as people are"
    off = [camera["joints_off_px"] for camera in summary.as_dict()["cameras"].values()]
    assert len(off) == 3 and max(off) < 4


def test_joints_in_space_are_those_of_the_published_code(shared: Path) -> None:
    path = shared / "reference/gafa/golden/triangulate.npz"
    if not path.is_file():
        pytest.skip("no golden triangulation in ../shared/reference/gafa")
    with np.load(path, allow_pickle=False) as known:
        projections = projection(known["K"], known["R_cam2w"], known["t_cam2w"])
        assert (np.trunc(known["uv"]) != 0).any(axis=-1).all(), "every joint is seen"
        points = skeleton.in_space(projections, known["uv"])
        np.testing.assert_allclose(points, known["X_from_integer_pixels"][:, :3], atol=1e-6)


def test_a_joint_is_left_to_the_cameras_that_see_it() -> None:
    """The original takes a missing one to lie in the image's corner."""
    projections = projection(*cameras(4))
    points = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 2], (25, 3))
    joints = np.trunc(pixels(projections, points))
    joints[0, 3] = joints[1:, 4] = 0
    result = skeleton.in_space(projections, joints)
    wanted = triangulate(projections[1:], joints[1:, [3]])[0]
    np.testing.assert_allclose(result[3], wanted, atol=1e-9)
    assert np.isnan(result[4]).all() and np.isfinite(np.delete(result, 4, axis=0)).all()
    away = skeleton.off_px(projections, joints, result)
    assert (away < 2).all()


def annotation(gaze: Array) -> Annotation:
    """A head and a trunk in the middle of an image of 400 by 300 pixels, at frame 0."""
    joints = np.zeros((1, 25, 2))
    joints[0, [0, 15, 16]], joints[0, [1, 8]] = (200, 100), (200, 200)
    ahead = np.array([[0.0, 0, -1]])
    at = np.zeros((1, 3))
    return Annotation(joints, gaze[None], ahead, ahead, at, at, np.eye(3), np.zeros(3))


@pytest.mark.parametrize("way", [(1.0, 0.0), (-0.6, 0.8), (0.0, -1.0)])
def test_arrows_point_in_the_image_as_the_direction_does(way: tuple[float, float]) -> None:
    drawn = show.draw(np.zeros((300, 400, 3), np.uint8), annotation(np.array([*way, 0.0])), 0)
    green = np.argwhere((drawn == COLOURS["gaze"]).all(axis=-1))[:, ::-1]
    far = green[np.argmax(np.linalg.norm(green - (200, 100), axis=1))] - (200, 100)
    assert far @ way == pytest.approx(300 * 400 / 2704, abs=4)
    assert abs(far @ (-way[1], way[0])) < 4


def test_a_frame_or_a_camera_that_is_damaged_costs_itself(source: Path, tmp_path: Path) -> None:
    session = source / "raw_data" / "made" / "000"
    (session / "Camera1_0.pkl").write_bytes(b"\0" * 40)
    (session / "Camera2_0" / "000002.jpg").write_bytes(b"no image")
    summary = show.run(source, tmp_path / "out", frame=2)
    assert [*summary.failed] == ["Camera1_0", "Camera2_0, frame 2"]
    assert (tmp_path / "out" / "Camera3_0" / "000002.jpg").is_file()
    assert (tmp_path / "out" / show.POINTS).is_file(), "two annotations are left"


def test_without_intrinsics_or_with_one_camera_nothing_is_triangulated(
    source: Path, tmp_path: Path
) -> None:
    alone = show.run(source, tmp_path / "alone", cameras=("Camera2_0",))
    assert alone.notes[0] == "one camera only: no joint is triangulated"
    (source / "raw_data" / "intrinsics.npz").unlink()
    without = show.run(source, tmp_path / "without")
    assert "intrinsics.npz is missing" in without.notes[0]
    assert not (tmp_path / "without" / show.POINTS).exists()
    assert (tmp_path / "without" / "scene_000000.svg").is_file()


def test_another_part_of_the_session_has_frames_of_its_own(source: Path, tmp_path: Path) -> None:
    session = source / "raw_data" / "made" / "000"
    (session / "Camera3_0").rename(session / "Camera3_1")
    (session / "Camera3_0.pkl").rename(session / "Camera3_1.pkl")
    assert [*show.run(source, tmp_path / "out").cameras] == ["Camera1_0", "Camera2_0"]


def test_cameras_that_disagree_are_named(source: Path, tmp_path: Path) -> None:
    path = source / "raw_data" / "made" / "000" / "Camera2_0.pkl"
    content = pickle.loads(path.read_bytes())
    assert read_annotation(path).gaze.shape == (8, 3)
    content["gaze"]["direction"] = -content["gaze"]["direction"]
    path.write_bytes(pickle.dumps(content))
    notes = show.run(source, tmp_path / "out").notes
    assert "differs by at most 180.00 degrees" in notes[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"session": "made/009"}, "no folder"),
        ({"cameras": ("Camera9_0",)}, "made/000 has no camera Camera9_0; it has: Camera1_0"),
        ({"frame": 6, "count": 3}, "frames 6 to 8 are wanted; Camera1_0 has 8, from 0"),
        ({"frame": -1}, "frames -1 to -1"),
    ],
)
def test_what_is_not_there(
    made: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        show.run(made, tmp_path, **options)  # type: ignore[arg-type]


def test_counts_that_cannot_be(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="count is 0 and every is 1; both must be at least 1"):
        show.run(made, tmp_path, count=0)


def test_the_notebook_runs_and_keeps_no_outputs(made: Path, tmp_path: Path) -> None:
    cells = [
        c for c in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if c["cell_type"] == "code"
    ]
    assert all(not c["outputs"] and c["execution_count"] is None for c in cells)
    shutil.copytree(made, tmp_path / "gafa")
    text = "\n".join("".join(cell["source"]) for cell in cells)
    text += (
        "\nfor name, image in drawn.items():\n    image.save(f'{name}.png')\n"
        "Path('scene.svg').write_text(show.scene('a', known, frame, joints)._repr_svg_())\n"
    )
    (tmp_path / "cells.py").write_text(text)
    subprocess.run([sys.executable, "cells.py"], cwd=tmp_path, check=True)
    image = cv2.imread(str(tmp_path / "Camera1_0.png"))
    assert image is not None and image.shape == (120, 160, 3)
    ET.parse(tmp_path / "scene.svg")
