"""Head pose: what is projected is found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import pose
from tests.people.faces import five

DEGREES = st.floats(-60, 60)


@settings(max_examples=60, deadline=None)
@given(DEGREES, st.floats(-30, 30), st.floats(-35, 35), st.floats(0.2, 3.0))
def test_fit_finds_the_turn(yaw: float, pitch: float, roll: float, scale: float) -> None:
    points = five(*np.radians([yaw, pitch, roll]), scale, np.array([300.0, 200.0]))[None]
    result = pose.fit(points, pose.FIVE_MM, np.ones((1, 5)))
    angles = np.degrees([result.yaw_rad[0], result.pitch_rad[0], result.roll_rad[0]])
    assert angles == pytest.approx([yaw, pitch, roll], abs=1.5)
    assert result.scale_px[0] == pytest.approx(scale, rel=0.02)
    assert result.residual[0] < 0.02


@pytest.mark.parametrize("yaw", [-75.0, 75.0])
def test_profiles_keep_their_side(yaw: float) -> None:
    points = five(np.radians(yaw))[None]
    result = pose.fit(points, pose.FIVE_MM, np.ones((1, 5)))
    assert np.degrees(result.yaw_rad[0]) == pytest.approx(yaw, abs=5)


@pytest.mark.parametrize("tilt", [-20.0, 0.0, 25.0])
@pytest.mark.parametrize("yaw", [-90.0, -80.0, 80.0, 90.0])
def test_eyes_and_mouth_in_reversed_order_do_not_turn_a_profile(yaw: float, tilt: float) -> None:
    """In profile both eyes, and both mouth corners, fall together: noise alone orders them."""
    points = five(np.radians(yaw))
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    points = (points @ np.array([[cos, sin], [-sin, cos]]))[None]
    points[:, [0, 1, 3, 4]] = points[:, [1, 0, 4, 3]]
    fitted = pose.fit(points, pose.FIVE_MM, np.ones((1, 5)))
    aim = directions.from_yaw_pitch(fitted.yaw_rad, fitted.pitch_rad)[0]
    side = np.sign(yaw) * np.array([cos, sin, 0.0])
    assert np.degrees(directions.angle(aim, side)) < 25


def test_noise_does_not_flip_profiles() -> None:
    random = np.random.default_rng(2)
    clean = np.repeat(five(np.radians(85.0), 0.0, 0.2, 0.5)[None], 400, axis=0)
    noise_px = 0.05 * 68 * 0.5  # a twentieth of the way from the eyes to the mouth
    noisy = clean + random.normal(scale=noise_px, size=clean.shape)
    yaw = pose.fit(noisy, pose.FIVE_MM, np.ones((400, 5))).yaw_rad
    assert (yaw > 0).all()
    assert np.degrees(yaw).max() <= 95.0 + 1e-6


def test_noise_of_a_pixel_turns_little() -> None:
    random = np.random.default_rng(1)
    clean = np.repeat(five(0.3, -0.1, 0.1, 0.6)[None], 200, axis=0)
    result = pose.fit(
        clean + random.normal(scale=0.6, size=clean.shape), pose.FIVE_MM, np.ones((200, 5))
    )
    assert np.degrees(np.std(result.yaw_rad)) < 3
    assert np.degrees(np.mean(result.yaw_rad) - 0.3) == pytest.approx(0, abs=1.5)


def test_a_point_without_weight_does_not_count() -> None:
    points = five(0.4, 0.0, 0.0)[None].copy()
    points[0, 2] += 500
    weight = np.array([[1.0, 1, 0, 1, 1]])
    result = pose.fit(points, pose.FIVE_MM, weight)
    assert result.residual[0] < 0.05


def test_a_head_that_faces_the_camera_looks_along_the_ray_back() -> None:
    camera = Camera.from_fov(1280, 720)
    frontal = pose.Pose(*(np.zeros(1) for _ in range(5)))
    yaw, pitch, roll = pose.to_camera(frontal, np.array([[1280.0, 360.0]]), camera)
    assert np.degrees(yaw[0]) == pytest.approx(-27.5)
    assert np.degrees(pitch[0]) == pytest.approx(0, abs=1e-9)
    assert np.degrees(roll[0]) == pytest.approx(0, abs=1e-9)


def test_no_faces_give_no_poses() -> None:
    assert len(pose.fit(np.zeros((0, 5, 2)), pose.FIVE_MM, np.ones((0, 5))).yaw_rad) == 0
