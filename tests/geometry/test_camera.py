"""The pinhole camera: projecting and looking back are inverse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeline.geometry.camera import Camera


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(200, 5000))
def test_project_and_ray_round_trip(x: float, y: float, z: float) -> None:
    camera = Camera.from_fov(1280, 720, 55)
    point = np.array([x, y, z])
    assert camera.rays(camera.project(point)) == pytest.approx(
        point / np.linalg.norm(point), abs=1e-9
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (500, 500)])
def test_fov_spans_the_longer_side(width: int, height: int) -> None:
    camera = Camera.from_fov(width, height, 60)
    ends = camera.rays(np.array([[0.0, height / 2], [width, height / 2]]))
    if width < height:
        ends = camera.rays(np.array([[width / 2, 0.0], [width / 2, height]]))
    assert math.degrees(math.acos(float(ends[0] @ ends[1]))) == pytest.approx(60)


def test_matrix_agrees_with_project() -> None:
    camera = Camera(500, 600, 320, 200)
    point = np.array([30.0, -20.0, 400.0])
    homogeneous = camera.matrix @ point
    assert camera.project(point) == pytest.approx(homogeneous[:2] / homogeneous[2])


def test_the_assumed_axis_moves_towards_the_eyes() -> None:
    camera = Camera.from_fov(1280, 720)
    eyes_y = np.array([180.0, 200.0, 700.0])
    level = camera.levelled(eyes_y, 0.5)
    assert level.intrinsics == pytest.approx((*camera.intrinsics[:3], 280.0))
    assert camera.levelled(eyes_y, 0.0) == camera
    assert camera.levelled(np.zeros(0)) == camera
