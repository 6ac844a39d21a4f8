"""The fit of poses: it ends at the least re-projection error, from near and from farther."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from eyeline.geometry.camera import Camera
from eyeline.systems.eye_contact.head import FACE_POINTS_MM, assumed_camera
from eyeline.systems.eye_contact.refine import refine

CAMERA = assumed_camera(1280, 720)
Golden = Callable[[str], dict[str, Any]]


def off_px(pose: np.ndarray, points: np.ndarray, camera: Camera) -> np.ndarray:
    turned = Rotation.from_rotvec(pose[:3]).apply(FACE_POINTS_MM) + pose[3:]
    return (camera.project(turned) - points).ravel()


def test_it_ends_at_the_minimum_that_scipy_finds(golden: Golden) -> None:
    given = golden("normalisation_real")
    for case in range(8):
        camera = assumed_camera(*given["size"][case])
        points = given["landmarks"][case]
        start = np.concatenate([given["hr_epnp"][case], given["ht_epnp"][case]]).astype(float)
        best = least_squares(
            off_px, start, args=(points, camera), x_scale=[0.01] * 3 + [1.0] * 3,
            method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15,
        )  # fmt: skip
        rotation = Rotation.from_rotvec(start[None, :3]).as_matrix()
        turn, shift = refine(rotation, start[None, 3:], points[None], FACE_POINTS_MM, camera)
        assert turn[0] == pytest.approx(Rotation.from_rotvec(best.x[:3]).as_matrix(), abs=1e-6)
        assert shift[0] == pytest.approx(best.x[3:], abs=1e-3)


@pytest.mark.parametrize("away", [0.0, 0.05, 0.3])
def test_an_exact_pose_is_found_again(away: float) -> None:
    truth = Rotation.from_euler("xyz", [0.2, -0.4, 0.1])
    shift = np.array([40.0, -20.0, 700.0])
    points = CAMERA.project(truth.apply(FACE_POINTS_MM) + shift)
    start = truth * Rotation.from_rotvec([away, -away, away])
    turn, moved = refine(
        start.as_matrix()[None], shift[None] * (1 + away), points[None], FACE_POINTS_MM, CAMERA
    )
    assert turn[0] == pytest.approx(truth.as_matrix(), abs=1e-7)
    assert moved[0] == pytest.approx(shift, abs=1e-4)


def test_what_cannot_be_fitted_harms_nothing_parallel_it() -> None:
    shift = np.array([[0, 0, 600.0]] * 4)
    points = np.repeat(CAMERA.project(FACE_POINTS_MM + shift[0])[None], 4, axis=0)
    points[1] = np.nan
    points[2] = 1e12
    shift[3] = [0, 0, -600.0]
    turn, moved = refine(np.repeat(np.eye(3)[None], 4, 0), shift, points, FACE_POINTS_MM, CAMERA)
    assert turn[0] == pytest.approx(np.eye(3), abs=1e-9)
    assert moved[0] == pytest.approx([0, 0, 600], abs=1e-6)


def test_no_frames() -> None:
    turn, moved = refine(
        np.zeros((0, 3, 3)), np.zeros((0, 3)), np.zeros((0, 6, 2)), FACE_POINTS_MM, CAMERA
    )
    assert turn.shape == (0, 3, 3) and moved.shape == (0, 3)
