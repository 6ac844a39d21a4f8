from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from eyeline.errors import OutputError, UsageError
from eyeline.geometry.directions import angle
from eyeline.geometry.views import projection, triangulate
from eyeline.synthetic.camera import View
from eyeline.synthetic.solids import Canvas, draw
from eyeline.systems.gaze_3d import splits, synthesize
from eyeline.systems.gaze_3d.figure import Look, pose
from eyeline.systems.gaze_3d.motion import (
    HEAD_LAG_S,
    RATE_HZ,
    axes,
    directions,
    draw_motion,
)
from eyeline.systems.gaze_3d.raw import Annotation, find_cameras, read_annotation, read_matrix

SMALL = {"sessions": 2, "test_sessions": 1, "cameras": 3, "frames": 10, "width_px": 240}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "set"
    synthesize.run(root, **SMALL)  # type: ignore[arg-type]
    return root


@pytest.fixture(scope="module")
def session(made: Path) -> list[Annotation]:
    return [read_annotation(c.annotation) for c in find_cameras(made, ["made/001"]).cameras]


def digests(root: Path) -> dict[str, str]:
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".npz")
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_files(made: Path, tmp_path: Path) -> None:
    synthesize.run(tmp_path / "again", jobs=2, **SMALL)  # type: ignore[arg-type]
    synthesize.run(tmp_path / "other", seed=1, **SMALL)  # type: ignore[arg-type]
    assert digests(tmp_path / "again") == digests(made)
    assert digests(tmp_path / "other") != digests(made)


def test_it_has_the_raw_layout(made: Path) -> None:
    result = find_cameras(made)
    assert len(result.cameras) == 9
    assert not result.incomplete
    assert splits.read("gafa_test.txt", made) == ("made/002",)
    sizes = []
    for camera in result.cameras[:3]:
        names = sorted(p.name for p in camera.folder.iterdir())
        assert names == [f"{i:06d}.jpg" for i in range(10)]
        image = cv2.imread(str(camera.folder / names[0]))
        assert image is not None
        sizes.append(image.shape)
    assert sizes == [(180, 240, 3), (180, 240, 3), (240, 180, 3)]


def test_cameras_agree_on_joints_and_directions(made: Path, session: list[Annotation]) -> None:
    matrix, _ = read_matrix(made / "raw_data" / "intrinsics.npz")
    views = np.stack([projection(matrix, a.rotation, a.position) for a in session])
    joints = np.stack([a.joints for a in session])
    seen = (joints[:, :, 8] > 0).all(axis=(0, 2))
    hips = triangulate(views, joints[:, seen, 8].astype(np.float64))
    assert (np.abs(hips[:, 2] - 0.9) < 0.15).all()
    for name in ("gaze", "head", "body"):
        world = [getattr(a, name) @ a.rotation.T for a in session]
        np.testing.assert_allclose(world[0], world[1], atol=1e-9)
        np.testing.assert_allclose(np.linalg.norm(world[0], axis=1), 1)
    heads = [a.head_position @ a.rotation.T + a.position for a in session]
    np.testing.assert_allclose(heads[0], heads[2], atol=1e-9)


def test_neck_and_ears_lie_about_the_head_position(session: list[Annotation], made: Path) -> None:
    matrix, _ = read_matrix(made / "raw_data" / "intrinsics.npz")
    for one in session:
        seen = one.head_position @ matrix.T
        pixel = seen[:, :2] / seen[:, 2:]
        result = (one.joints[:, [1, 17, 18]] > 0).all(axis=2)
        for frame in range(len(one)):
            near = one.joints[frame, [1, 17, 18]][result[frame]]
            assert (np.abs(near - pixel[frame]) < 25).all()


def test_persons_are_seen_from_the_front_and_from_behind(made: Path) -> None:
    cameras = find_cameras(made).cameras
    facing = np.concatenate([read_annotation(c.annotation).gaze[:, 2] < 0 for c in cameras])
    assert 0.2 < facing.mean() < 0.8
    nose = np.concatenate([read_annotation(c.annotation).joints[:, 0, 0] > 0 for c in cameras])
    head = np.concatenate([read_annotation(c.annotation).head[:, 2] for c in cameras])
    assert nose[head < -0.4].mean() > 0.9
    assert not nose[head > 0.3].any()


def test_the_head_follows_the_gaze_and_the_gaze_the_chest() -> None:
    motions = [draw_motion(np.random.default_rng(seed), 120) for seed in range(20)]
    gaze, head, body = (
        np.concatenate([directions(getattr(m, name)) for m in motions])
        for name in ("gaze", "head", "body")
    )
    assert 5 < np.degrees(angle(gaze, head)).mean() < 25
    assert 20 < np.degrees(angle(gaze, body)).mean() < 50
    lag = round(HEAD_LAG_S * RATE_HZ)
    for motion in motions:
        eyes, neck = motion.gaze[:, 0] - motion.body[:, 0], motion.head[:, 0] - motion.body[:, 0]
        errors = [np.corrcoef(eyes[: -lag or None], neck[lag:])[0, 1] for lag in (0, lag, 2 * lag)]
        assert errors[1] > 0.98 > max(errors[0], errors[2]) - 0.01


def test_axes_are_rotations() -> None:
    turned = axes(np.random.default_rng(0).uniform(-1.5, 1.5, (50, 2)))
    np.testing.assert_allclose(turned @ turned.transpose(0, 2, 1), np.tile(np.eye(3), (50, 1, 1)),
                               atol=1e-12)  # fmt: skip
    np.testing.assert_allclose(np.linalg.det(turned), 1)


@pytest.mark.parametrize("side", [-0.6, 0.6])
def test_the_irises_move_with_the_eyes(side: float) -> None:
    """Of a person who faces the camera and looks aside the dark of the eyes lies on that side."""
    rng = np.random.default_rng(0)
    motion, look = draw_motion(rng, 1), Look.drawn(rng)
    for part in (motion.head, motion.body, motion.gaze):
        part[:] = [-np.pi / 2, 0]  # along -y, towards the camera
    motion.gaze[:, 0] += side
    motion.place[:] = 0
    figure = pose(look, motion, 0)
    matrix = np.array([[900.0, 0, 100], [0, 900, 100], [0, 0, 1]])
    rotation = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    view = View(matrix, 200, 200, rotation, np.array([0, -1.5, figure.head[2]]))
    canvas = Canvas(np.ones((200, 200, 3)), np.full((200, 200), 9.0))
    draw(canvas, view, view.rays(), figure.parts, np.array([0, -1.0, 0]))
    right_eye, left_eye = view.project(view.to_camera(figure.joints[[15, 16]]))
    for eye in (right_eye, left_eye):
        x, y = eye.astype(int)
        patch = canvas.colour[y - 20 : y + 21, x - 20 : x + 21].max(axis=-1)
        columns = np.nonzero(patch < 0.1)[1]
        assert np.sign(columns.mean() - 20) == np.sign(side)
        assert abs(columns.mean() - 20) > 2


def test_numbers_and_places_that_cannot_be_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="frames is 7; must be more than 7"):
        synthesize.run(tmp_path / "a", frames=7)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(OutputError, match="holds something"):
        synthesize.run(tmp_path / "full", **SMALL)  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.iterdir()] == ["full"]
