"""Round trips and conventions of directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyeline.geometry import directions

ANGLE = st.floats(-1.4, 1.4)


def test_conventions() -> None:
    into_camera = directions.from_yaw_pitch(np.array(0.0), np.array(0.0))
    assert into_camera == pytest.approx([0, 0, -1])
    right = directions.from_yaw_pitch(np.array(math.pi / 2), np.array(0.0))
    assert right == pytest.approx([1, 0, 0], abs=1e-12)
    up = directions.from_yaw_pitch(np.array(0.0), np.array(math.pi / 2))
    assert up == pytest.approx([0, -1, 0], abs=1e-12)


@given(ANGLE, ANGLE)
def test_yaw_pitch_round_trip(yaw: float, pitch: float) -> None:
    back = directions.to_yaw_pitch(directions.from_yaw_pitch(np.array(yaw), np.array(pitch)))
    assert [float(b) for b in back] == pytest.approx([yaw, pitch], abs=1e-9)


@given(ANGLE, ANGLE, st.floats(-3.0, 3.0))
def test_rotation_round_trip(yaw: float, pitch: float, roll: float) -> None:
    rotation = directions.rotation_from_angles(np.array(yaw), np.array(pitch), np.array(roll))
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    back = directions.angles_from_rotation(rotation)
    assert [float(b) for b in back] == pytest.approx([yaw, pitch, roll], abs=1e-9)


@given(ANGLE, ANGLE)
def test_a_head_faces_along_its_yaw_and_pitch(yaw: float, pitch: float) -> None:
    rotation = directions.rotation_from_angles(np.array(yaw), np.array(pitch), np.array(0.3))
    face = directions.from_yaw_pitch(np.array(yaw), np.array(pitch))
    assert rotation @ [0, 0, -1] == pytest.approx(face, abs=1e-12)


def test_roll_is_clockwise_in_the_image() -> None:
    tilted = directions.rotation_from_angles(np.array(0.0), np.array(0.0), np.array(0.1))
    right_ear = tilted @ [1, 0, 0]
    assert right_ear[1] > 0  # the right side of the image goes down


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 179.9, 180.0])
def test_angle(degrees: float) -> None:
    a = np.array([1.0, 0, 0])
    b = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0])
    assert math.degrees(float(directions.angle(a, b))) == pytest.approx(degrees, abs=1e-9)


def test_normalise_leaves_zero_alone() -> None:
    assert directions.normalise(np.array([[0.0, 0, 0], [0, 3, 4]])).tolist() == [
        [0, 0, 0],
        [0, 0.6, 0.8],
    ]


def test_as_seen_from_anywhere_a_look_into_the_camera_has_no_side() -> None:
    rays = directions.normalise(np.array([[0.4, -0.2, 1.0], [0.0, 0.0, 1.0], [-0.5, 0.3, 1.0]]))
    assert directions.as_seen(-rays, rays) == pytest.approx(
        np.tile([0.0, 0, -1], (3, 1)), abs=1e-12
    )
    aside = directions.from_yaw_pitch(np.array([0.7]), np.array([0.2]))
    assert directions.as_seen(aside, rays[1:2]) == pytest.approx(aside, abs=1e-12)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_a_cone_holds_its_fraction_of_draws(fraction: float) -> None:
    from scipy.stats import vonmises_fisher

    mean = np.array([0.0, 0.0, -1.0])
    for kappa in (0.2, 3.0, 80.0):
        drawn = vonmises_fisher(mean, kappa).rvs(4000, random_state=np.random.default_rng(1))
        within = directions.angle(drawn, mean) < directions.cone(np.array(kappa), fraction)
        assert within.mean() == pytest.approx(fraction, abs=0.03)


def test_the_cone_of_what_knows_nothing_is_a_quarter_turn_and_of_certainty_none() -> None:
    assert directions.cone(np.array(1e-9)) == pytest.approx(np.pi / 2, abs=1e-5)
    assert directions.cone(np.array(1e8)) == pytest.approx(0, abs=1e-3)


def test_the_rim_lies_on_the_cone_all_around() -> None:
    rng = np.random.default_rng(2)
    axis = directions.normalise(rng.normal(size=(5, 3)))
    off = np.array([0.0, 0.2, 0.7, 1.2, 1.5])
    rim = directions.cone_rim(axis, off, 12)
    np.testing.assert_allclose(np.linalg.norm(rim, axis=-1), 1)
    np.testing.assert_allclose(
        directions.angle(rim, axis[:, None]), np.tile(off[:, None], 12), atol=1e-7
    )
    np.testing.assert_allclose(rim.mean(axis=1), np.cos(off)[:, None] * axis, atol=1e-9)
