from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.geometry.views import projection, triangulate

Array = npt.NDArray[np.float64]


def cameras(n: int) -> tuple[Array, Array, Array]:
    """Matrix, and rotations and positions of cameras on a circle of 5 m that look inwards."""
    around = np.arange(n) * 2 * np.pi / n + 0.3
    position = np.stack([5 * np.cos(around), 5 * np.sin(around), np.full(n, 1.5)], axis=1)
    forward = np.stack([-np.cos(around), -np.sin(around), np.zeros(n)], axis=1)
    right = np.cross(forward, [0, 0, 1.0])
    rotation = np.stack([right, np.cross(forward, right), forward], axis=2)
    return np.array([[800.0, 0, 320], [0, 820, 240], [0, 0, 1]]), rotation, position


def pixels(projections: Array, points: Array) -> Array:
    seen = np.column_stack([points, np.ones(len(points))]) @ projections.swapaxes(1, 2)
    return np.asarray(seen[..., :2] / seen[..., 2:])


@pytest.mark.parametrize("n", [2, 3, 8])
def test_points_come_back_from_where_they_are_seen(n: int) -> None:
    projections = projection(*cameras(n))
    points = np.random.default_rng(n).uniform([-1, -1, 0], [1, 1, 2], (30, 3))
    np.testing.assert_allclose(triangulate(projections, pixels(projections, points)), points,
                               atol=1e-9)  # fmt: skip


def test_the_camera_projects_its_own_axis_to_its_principal_point() -> None:
    matrix, rotation, position = cameras(4)
    ahead = position + 2 * rotation[:, :, 2]
    seen = pixels(projection(matrix, rotation, position), ahead)
    np.testing.assert_allclose(seen[np.arange(4), np.arange(4)], np.tile([320.0, 240], (4, 1)))


def test_noisy_points_are_those_of_the_published_code(shared: Path) -> None:
    # numbers of the original notebook for a skeleton of the data set and synthetic cameras
    path = shared / "reference/gafa/golden/triangulate.npz"
    if not path.is_file():
        pytest.skip("no golden triangulation in ../shared/reference/gafa")
    with np.load(path, allow_pickle=False) as known:
        projections = projection(known["K"], known["R_cam2w"], known["t_cam2w"])
        np.testing.assert_allclose(projections, known["P"], atol=1e-6)
        for points, wanted in (
            (known["uv"], known["X"]), (np.trunc(known["uv"]), known["X_from_integer_pixels"]),
        ):  # fmt: skip
            np.testing.assert_allclose(triangulate(projections, points), wanted[:, :3], atol=1e-6)
