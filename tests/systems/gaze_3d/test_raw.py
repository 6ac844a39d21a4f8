from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_3d import raw


def annotation(frames: int = 3) -> dict[str, Any]:
    vectors = np.tile([0.0, 0.0, 1.0], (frames, 1))
    return {
        "keypoints2d": np.ones((frames, 25, 3)),
        "chest": {"direction": vectors, "position": vectors},
        "head": {"direction": vectors, "position": vectors},
        "gaze": {"direction": vectors},
        "R_cam2w": np.eye(3), "t_cam2w": np.zeros((3, 1)),
    }  # fmt: skip


def camera(root: Path, name: str, images: bool = True, annotated: bool = True) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if images:
        place.mkdir()
    if annotated:
        place.with_name(f"{place.name}.pkl").write_bytes(pickle.dumps(annotation()))


def test_cameras_are_listed_by_name_and_incomplete_ones_apart(tmp_path: Path) -> None:
    for name in ("lab/s1/Camera2_0", "lab/s1/Camera10_0", "lab/s1/Camera1_0", "hall/s/Camera_1_0"):
        camera(tmp_path / "raw_data", name)
    camera(tmp_path / "raw_data", "lab/s1/Camera3_0", images=False)
    camera(tmp_path / "raw_data", "lab/s1/Camera4_0", annotated=False)
    result = raw.find_cameras(tmp_path)
    assert [c.name for c in result.cameras] == [
        "hall/s/Camera_1_0", "lab/s1/Camera10_0", "lab/s1/Camera1_0", "lab/s1/Camera2_0",
    ]  # fmt: skip
    assert result.incomplete == {
        "lab/s1/Camera3_0": "no folder of images",
        "lab/s1/Camera4_0": "no annotation Camera4_0.pkl",
    }
    assert len(raw.find_cameras(tmp_path / "raw_data", ["hall/s"]).cameras) == 1


def test_missing_sessions_and_cameras_are_named(tmp_path: Path) -> None:
    (tmp_path / "lab" / "s1").mkdir(parents=True)
    with pytest.raises(DataError, match="session lab/s1: no camera"):
        raw.find_cameras(tmp_path)
    with pytest.raises(DataError, match="session lab/s2: no folder"):
        raw.find_cameras(tmp_path, ["lab/s2"])
    with pytest.raises(DataError, match="no such folder"):
        raw.find_cameras(tmp_path / "nowhere")


def test_an_annotation_is_read_with_the_shapes_that_it_has_in_use(tmp_path: Path) -> None:
    path = tmp_path / "Camera1_0.pkl"
    path.write_bytes(pickle.dumps(annotation(4)))
    result = raw.read_annotation(path)
    assert len(result) == 4
    assert result.joints.shape == (4, 25, 2)
    assert result.position.shape == (3,)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("gaze", {}, "no 'gaze.direction'"),
        ("head", None, "no dict 'head'"),
        ("chest", {"direction": np.zeros((2, 3)), "position": np.zeros((3, 3))}, "chest.direction"),
        ("keypoints2d", np.zeros((3, 17, 3)), "keypoints2d has shape"),
        ("keypoints2d", np.zeros((3, 25, 1)), "x and y at least"),
        ("R_cam2w", [["a"]], "no array of numbers"),
        ("t_cam2w", np.zeros(2), "t_cam2w has shape"),
    ],
)
def test_what_an_annotation_lacks_is_named(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    path = tmp_path / "Camera1_0.pkl"
    path.write_bytes(pickle.dumps(annotation() | {key: value}))
    with pytest.raises(DataError, match=f"Camera1_0.pkl: .*{message}"):
        raw.read_annotation(path)


def test_images_are_ordered_by_number_and_odd_names_reported() -> None:
    names = ["000010.jpg", "9.jpg", "000009.jpg", "cover.jpg", "notes.txt", "000002.JPG"]
    result, strange = raw.numbered(names)
    assert list(result.items()) == [(2, "000002.JPG"), (9, "000009.jpg"), (10, "000010.jpg")]
    assert strange == ["9.jpg", "cover.jpg"]


def test_the_published_intrinsics_are_read(shared: Path) -> None:
    matrix, distortion = raw.read_matrix(shared / "reference/gafa/data/intrinsics.npz")
    np.testing.assert_allclose(matrix[0], [1423.7917, 0, 1307.92281], atol=1e-4)
    assert distortion.shape == (12,)


def test_other_files_are_no_intrinsics(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", cam_mat=np.eye(3))
    (tmp_path / "b.npz").write_bytes(b"nothing")
    for name in ("a.npz", "b.npz", "c.npz"):
        with pytest.raises(DataError, match=name):
            raw.read_matrix(tmp_path / name)
