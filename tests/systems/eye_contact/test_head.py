"""Head pose and shape from six landmarks: the original code's numbers, and synthetic heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from eyeline.errors import DataError
from eyeline.geometry.camera import Camera
from eyeline.systems.eye_contact.head import (
    FACE_POINTS_MM,
    assumed_camera,
    shape_residuals_mm,
    solve_heads,
)
from eyeline.systems.eye_contact.refine import refine
from tests.closeness import assert_close_to_scale
from tests.systems.eye_contact.faces import MIRRORED_ORDER, six_points

Golden = Callable[[str], dict[str, Any]]


def test_assumed_cameras_are_the_published_ones(golden: Golden) -> None:
    expected = golden("camera_models")
    for (height, width), matrix in zip(expected["height_width"], expected["K"], strict=True):
        assert np.array_equal(assumed_camera(int(width), int(height)).matrix, matrix)


def test_poses_are_those_of_the_original_code(golden: Golden) -> None:
    expected = golden("head_poses")
    for case, (width, height) in enumerate(expected["size"]):
        heads = solve_heads(expected["landmarks"][case : case + 1], assumed_camera(width, height))
        turn, _ = cv2.Rodrigues(heads.rotation[0])
        assert np.abs(turn[:, 0] - expected["hr"][case]).max() < 1e-6
        assert np.abs(heads.translation_mm[0] - expected["ht"][case]).max() < 1e-4
        assert np.abs(heads.centre_mm[0] - expected["face_center"][case]).max() < 1e-4


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (25, 0, 0), (-25, 10, 0), (0, -15, 12), (30, 10, -20)]
)
def test_a_posed_head_is_found(angles: tuple[float, float, float]) -> None:
    points = six_points(*(np.array([float(a)]) for a in angles))
    camera = assumed_camera(1280, 720)
    heads = solve_heads(points, camera)
    assert heads.angles_deg()[0] == pytest.approx(angles, abs=0.05)
    assert np.abs(shape_residuals_mm(points, heads, camera)).max() < 0.02


@pytest.mark.parametrize(("axis", "sign"), [(0, -1), (1, 1), (2, -1)])
def test_a_mirrored_image_turns_the_head_the_other_way(axis: int, sign: int) -> None:
    """The face model leans to one side, so that poses differ; what they follow does not."""
    sweep = np.zeros((3, 61))
    sweep[axis] = np.linspace(-30, 30, 61)
    points = six_points(*sweep)
    mirrored = points[:, MIRRORED_ORDER] * [-1, 1] + [1280, 0]
    camera = assumed_camera(1280, 720)
    angles, twins = (solve_heads(p, camera).angles_deg()[:, axis] for p in (points, mirrored))
    assert np.corrcoef(angles, sign * twins)[0, 1] > 0.95


def test_wider_eyes_show_in_the_shape() -> None:
    camera = assumed_camera(1280, 720)
    points = six_points(np.zeros(1), np.zeros(1), np.zeros(1))
    wide = points.copy()
    wide[0, 1, 0] += 3  # both inner corners towards each other
    wide[0, 2, 0] -= 3
    plain, changed = (
        shape_residuals_mm(p, solve_heads(p, camera), camera)[0] for p in (points, wide)
    )
    assert changed[1] - plain[1] < -1.5
    assert abs(changed[4] - plain[4]) < 1.0


@pytest.mark.parametrize(
    "points", [np.zeros((1, 6, 2)), np.full((1, 6, 2), np.nan), np.full((1, 6, 2), 1e9)]
)
def test_what_is_no_face_gives_no_pose_or_a_finite_one(points: np.ndarray) -> None:
    heads = solve_heads(points, assumed_camera(640, 360))
    assert np.isnan(heads.rotation).all() or np.isfinite(heads.rotation).all()
    if np.isnan(points).any():
        assert np.isnan(heads.rotation).all() and np.isnan(heads.centre_mm).all()


def test_each_frame_is_fitted_alone(golden: Golden) -> None:
    points = golden("head_poses")["landmarks"]
    points[3] = np.nan
    camera = assumed_camera(1280, 720)
    together = solve_heads(points, camera)
    for case in range(len(points)):
        alone = solve_heads(points[case : case + 1], camera)
        assert_close_to_scale(alone.translation_mm[0], together.translation_mm[case], 1e-9)
        assert_close_to_scale(alone.rotation[0], together.rotation[case], 1e-9)


def test_no_frames_and_another_shape_is_named() -> None:
    assert solve_heads(np.zeros((0, 6, 2)), assumed_camera(640, 360)).rotation.shape == (0, 3, 3)
    with pytest.raises(DataError, match="six_px"):
        solve_heads(np.zeros((3, 5, 2)), assumed_camera(640, 360))


CAMERA = assumed_camera(1280, 720)


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


def test_what_cannot_be_fitted_harms_nothing_parallel_it_and_no_frames_to_refine() -> None:
    shift = np.array([[0, 0, 600.0]] * 4)
    points = np.repeat(CAMERA.project(FACE_POINTS_MM + shift[0])[None], 4, axis=0)
    points[1] = np.nan
    points[2] = 1e12
    shift[3] = [0, 0, -600.0]
    turn, moved = refine(np.repeat(np.eye(3)[None], 4, 0), shift, points, FACE_POINTS_MM, CAMERA)
    assert turn[0] == pytest.approx(np.eye(3), abs=1e-9)
    assert moved[0] == pytest.approx([0, 0, 600], abs=1e-6)
    turn, moved = refine(
        np.zeros((0, 3, 3)), np.zeros((0, 3)), np.zeros((0, 6, 2)), FACE_POINTS_MM, CAMERA
    )
    assert turn.shape == (0, 3, 3) and moved.shape == (0, 3)
