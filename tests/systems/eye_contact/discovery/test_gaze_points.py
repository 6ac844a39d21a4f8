"""Rays, cylinder and its unrolling against the numbers of the original code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from eyeline.errors import DataError
from eyeline.systems.eye_contact.discovery import gaze_points
from eyeline.systems.eye_contact.discovery.gaze_points import BodyPoses
from eyeline.systems.eye_contact.head import assumed_camera
from tests.systems.eye_contact.conftest import Array

CAMERA = assumed_camera(1280, 720)
Golden = Callable[[str], dict[str, Array]]


def test_lines_meet_the_cylinder_where_the_original_says(golden: Golden) -> None:
    frozen = golden("cylinder")
    result = gaze_points.on_cylinder(frozen["origin"], frozen["direction"])
    np.testing.assert_allclose(result, frozen["poi"], atol=1e-6)
    missed = (frozen["poi"] == 0).all(axis=1)
    assert missed.sum() == 4
    assert (result[missed] == 0).all()


def test_the_cylinder_is_unrolled_as_in_the_original(golden: Golden) -> None:
    frozen = golden("cylinder")
    kept, flat = gaze_points.unrolled(frozen["poi"])
    assert np.flatnonzero(kept).tolist() == frozen["unrolled_frame"].tolist()
    np.testing.assert_allclose(flat[:, 0], frozen["virtual_x"], atol=1e-6)
    np.testing.assert_allclose(flat[:, 1], frozen["virtual_y"], atol=1e-6)


def test_body_poses_and_gazes_in_them_are_the_originals(golden: Golden) -> None:
    frozen = golden("cylinder")
    poses = gaze_points.solve_bodies(frozen["body_pose_norm"], 1280, 720, CAMERA)
    turn = Rotation.from_matrix(poses.rotation).as_rotvec()
    np.testing.assert_allclose(turn, frozen["body_hr"], atol=1e-5)
    np.testing.assert_allclose(poses.translation_mm, frozen["body_ht"], atol=1e-3)
    origin, along = gaze_points.rays(frozen["body_fccam"], frozen["body_gcam"], poses)
    np.testing.assert_allclose(origin, frozen["body_fc_body"], atol=1e-2)
    np.testing.assert_allclose(along, frozen["body_gaze_body"], atol=1e-5)
    np.testing.assert_allclose(gaze_points.on_cylinder(origin, along), frozen["body_poi"], atol=0.1)


def test_a_look_straight_ahead_lies_in_the_centre_of_the_flat_cylinder() -> None:
    """A person that faces the camera two metres away and looks at it."""
    poses = BodyPoses(np.eye(3)[None], np.array([[0.0, 200.0, 2000.0]]))
    away_from_scene = np.array([[0.0, 0.0, 1.0]])
    points = gaze_points.on_cylinder(
        *gaze_points.rays(np.array([[1.0, 0.0, 2000.0]]), away_from_scene, poses)
    )
    _, flat = gaze_points.unrolled(points)
    np.testing.assert_allclose(flat, [[1000 * np.pi, -200]], atol=1.1)


def test_the_shoulder_span_is_rounded_towards_zero_and_no_bodies_no_poses() -> None:
    parts = np.array([[[0.5, 0.5], [0.4, 0.5], [0.601, 0.5]]])
    six = gaze_points.image_points_px(parts, 100, 100)
    assert six[0].tolist() == [[50, 41], [50, 50], [40, 50], [60, 50], [40, 70], [60, 70]]
    poses = gaze_points.solve_bodies(np.zeros((0, 3, 2)), 1280, 720, CAMERA)
    assert poses.rotation.shape == (0, 3, 3)
    kept, flat = gaze_points.unrolled(np.zeros((0, 3)))
    assert (kept.shape, flat.shape) == ((0,), (0, 2))


def test_a_body_without_sense_gives_no_gaze_point_and_another_shape_is_refused() -> None:
    poses = gaze_points.solve_bodies(np.full((1, 3, 2), np.nan), 1280, 720, CAMERA)
    rays = gaze_points.rays(np.ones((1, 3)), np.array([[0.0, 0.0, 1.0]]), poses)
    assert gaze_points.on_cylinder(*rays).tolist() == [[0, 0, 0]]
    with pytest.raises(DataError, match="parts_norm"):
        gaze_points.solve_bodies(np.zeros((2, 4, 2)), 1280, 720, CAMERA)
