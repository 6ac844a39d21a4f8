"""Turns of heads over time, and as a prior of the pose."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry.directions import rotation_from_angles
from eyeline.people import pose, turns
from eyeline.people.turns import Turns
from tests.people.faces import five
from tests.systems.scenes import CAMERA


def turned(yaw: list[float]) -> np.ndarray:
    zero = np.zeros(len(yaw))
    return rotation_from_angles(np.array(yaw), zero, zero)


def test_frames_between_take_the_nearest_turn() -> None:
    rotation = np.full((60, 3, 3), np.nan)
    error = np.full(60, np.nan)
    rotation[[0, 59]], error[[0, 59]] = turned([0.2, 1.2]), 0.1
    smooth = turns.over_time(Turns(rotation, error), np.arange(60) / 25)
    assert smooth is not None
    yaw = turns.angles(smooth)[:, 0]
    assert yaw == pytest.approx(np.repeat([0.2, 1.2], 30), abs=1e-6)
    assert smooth.error_rad == pytest.approx(np.full(60, 0.1), abs=1e-6)


def test_without_any_turn_there_is_none() -> None:
    nothing = Turns(np.full((5, 3, 3), np.nan), np.full(5, np.nan))
    assert turns.over_time(nothing, np.arange(5) / 25) is None


def test_disagreement_adds_to_the_error() -> None:
    rotation = turned([0.0, 1.5] * 20)
    smooth = turns.over_time(Turns(rotation, np.full(40, 0.1)), np.arange(40) / 25)
    assert smooth is not None
    assert smooth.error_rad[5:-5].min() > 0.5
    assert turns.angles(smooth)[5:-5, 0] == pytest.approx(np.full(30, 0.75), abs=0.1)


def test_a_turn_along_its_own_ray_stays_what_it_is() -> None:
    one = Turns(turned([0.7]), np.array([0.1]))
    px = np.array([[900.0, 200.0]])
    assert turns.seen_along(one, px, px, CAMERA).rotation == pytest.approx(one.rotation)
    aside = turns.seen_along(one, px, px + np.array([200.0, 0.0]), CAMERA)
    assert turns.angles(aside)[0, 0] > 0.75


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_prior_decides_the_side_of_a_profile_that_points_leave_open(side: float) -> None:
    points = five(side * 1.45, scale=1.0)[None]
    points[:, :2, 0] = points[:, :2, 0].mean()  # eyes and mouth corners fall together
    points[:, 3:, 0] = points[:, 3:, 0].mean()
    points[:, 2, 0] = points[:, :2, 0].mean()  # and the nose says nothing
    prior = pose.Prior(np.array([[side * 1.4, 0.0, 0.0]]), np.array([0.3]))
    fitted = pose.fit(points, pose.FIVE_MM, np.ones((1, 5)), prior=prior)
    assert np.sign(fitted.yaw_rad[0]) == side


def test_sure_points_outweigh_an_unsure_prior() -> None:
    points = five(0.3, scale=1.0)[None]
    prior = pose.Prior(np.array([[-0.6, 0.3, 0.2]]), np.array([0.5]))
    fitted = pose.fit(points, pose.FIVE_MM, np.ones((1, 5)), prior=prior)
    assert fitted.yaw_rad[0] == pytest.approx(0.3, abs=0.06)
    assert fitted.roll_rad[0] == pytest.approx(0.0, abs=0.06)
