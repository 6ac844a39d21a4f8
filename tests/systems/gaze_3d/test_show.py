"""Annotations drawn on frames and in space."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eyeline.datasets.drawing import write
from eyeline.errors import DataError
from eyeline.geometry.views import projection, triangulate
from eyeline.systems.gaze_3d import show, skeleton, synthesize
from eyeline.systems.gaze_3d.raw import Annotation, read_annotation
from eyeline.systems.gaze_3d.scene_plot import COLOURS
from eyeline.video.reader import probe
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


def test_a_session_on_images_and_in_space(made: Path, tmp_path: Path) -> None:
    drawing = show.show(made, frame=1)
    written = write(drawing, tmp_path / "a.png")
    image = cv2.imread(str(tmp_path / "a.png"))
    assert (written["item"], written["frame"], written["failed"]) == ("made/000", 1, {})
    assert image is not None and image.shape[0] > 2 * 300
    space = image[308:, :, ::-1]
    for part in ("gaze", "body"):
        assert (np.abs(space.astype(int) - COLOURS[part]).max(axis=-1) < 12).sum() > 200, part
    off = [camera["joints_off_px"] for camera in written["cameras"].values()]
    assert len(off) == 3 and max(off) < 4 and written["gaze_apart_deg"] < 1


def test_a_clip_has_as_many_frames_as_there_are(made: Path, tmp_path: Path) -> None:
    assert write(show.show(made, frame=5, count=9), tmp_path / "a.mp4")["frames"] == 3
    assert probe(tmp_path / "a.mp4").frame_count in (0, 3)


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


def test_a_frame_or_a_camera_that_is_damaged_costs_itself(source: Path) -> None:
    session = source / "raw_data" / "made" / "000"
    (session / "Camera1_0.pkl").write_bytes(b"\0" * 40)
    (session / "Camera2_0" / "000002.jpg").write_bytes(b"no image")
    drawing = show.show(source, frame=2)
    drawing.still()
    assert [*drawing.facts["failed"]] == ["Camera1_0", "Camera2_0, frame 2"]


def test_without_intrinsics_or_with_one_camera_nothing_is_triangulated(source: Path) -> None:
    alone = show.show(source, cameras=("Camera2_0",))
    assert alone.facts["notes"] == ["one camera only: no joint is triangulated"]
    (source / "raw_data" / "intrinsics.npz").unlink()
    without = show.show(source)
    assert "intrinsics.npz is missing" in without.facts["notes"][0]
    assert without.still().size


def test_another_part_of_the_session_has_frames_of_its_own(source: Path) -> None:
    session = source / "raw_data" / "made" / "000"
    (session / "Camera3_0").rename(session / "Camera3_1")
    (session / "Camera3_0.pkl").rename(session / "Camera3_1.pkl")
    assert [*show.show(source).facts["cameras"]] == ["Camera1_0", "Camera2_0"]


def test_cameras_that_disagree_are_reported(source: Path) -> None:
    path = source / "raw_data" / "made" / "000" / "Camera2_0.pkl"
    content = pickle.loads(path.read_bytes())
    assert read_annotation(path).gaze.shape == (8, 3)
    content["gaze"]["direction"] = -content["gaze"]["direction"]
    path.write_bytes(pickle.dumps(content))
    assert show.show(source).facts["gaze_apart_deg"] == pytest.approx(180)


@pytest.mark.parametrize(
    ("item", "options", "message"),
    [
        ("made/009", {}, "no folder"),
        (None, {"cameras": ("Camera9_0",)}, "made/000 has no camera Camera9_0; it has: Camera1_0"),
        (None, {"frame": 8}, "frame 8 is wanted; made/000 has 8, from 0"),
    ],
)
def test_what_is_not_there(
    made: Path, item: str | None, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        show.show(made, item, **options)


def test_the_notebook_runs_and_keeps_no_outputs(made: Path, tmp_path: Path) -> None:
    cells = [
        c for c in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if c["cell_type"] == "code"
    ]
    assert all(not c["outputs"] and c["execution_count"] is None for c in cells)
    shutil.copytree(made, tmp_path / "gafa")
    text = "\n".join("".join(cell["source"]) for cell in cells)
    text += (
        "\nfor name, image in drawn.items():\n    image.save(f'{name}.png')\n"
        "Path('scene.png').write_bytes(show.scene('a', known, frame, joints)._repr_png_())\n"
    )
    (tmp_path / "cells.py").write_text(text)
    subprocess.run([sys.executable, "cells.py"], cwd=tmp_path, check=True)
    image = cv2.imread(str(tmp_path / "Camera1_0.png"))
    assert image is not None and image.shape == (120, 160, 3)
    assert cv2.imread(str(tmp_path / "scene.png")) is not None
