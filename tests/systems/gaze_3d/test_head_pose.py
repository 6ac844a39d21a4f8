"""`head_pose`: head, irises and lids move the direction the right way, and concentration tells
trust."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.geometry import directions
from eyeline.people.tracks import OPEN_LIDS, Usual, usual_lids, usual_pitch
from eyeline.systems.gaze_3d import head_pose
from eyeline.systems.gaze_3d.infer import HeadPose
from tests.people.build import track
from tests.systems.scenes import CAMERA, scene

FRAMES = range(30)


def angles(**columns: object) -> tuple[float, float]:
    """Yaw and pitch in degrees in the middle of a track at the image's centre."""
    one = track(FRAMES, **columns)  # type: ignore[arg-type]
    aim, _ = head_pose.gaze(one, 0.32, CAMERA)
    yaw, pitch = directions.to_yaw_pitch(aim[15])
    return float(np.degrees(yaw)), float(np.degrees(pitch))


@pytest.mark.parametrize("yaw", [-60.0, -20.0, 0.0, 35.0])
def test_without_irises_gaze_is_the_head(yaw: float) -> None:
    assert angles(yaw=np.radians(yaw)) == pytest.approx((yaw, 0), abs=0.5)


def test_irises_draw_gaze_to_their_side() -> None:
    right = angles(pupil_mm=np.tile([4.0, 0.0], (30, 1)))[0]
    left = angles(pupil_mm=np.tile([-4.0, 0.0], (30, 1)))[0]
    assert 5 < right < 20
    assert left == pytest.approx(-right, abs=0.5)


def test_irises_count_less_in_profile() -> None:
    moved = angles(yaw=np.radians(65.0), pupil_mm=np.zeros((30, 2)))[0]
    assert 55 < moved < 65


def test_lowered_lids_are_a_look_down_and_open_ones_are_not() -> None:
    assert angles(lid_opening=np.full(30, 0.14))[1] < -15
    assert angles(lid_opening=np.full(30, 0.30))[1] == pytest.approx(0, abs=0.5)
    assert angles(lid_opening=np.full(30, np.nan))[1] == pytest.approx(0, abs=0.5)


def test_irises_over_and_below_their_level_place_are_looks_up_and_down() -> None:
    level = head_pose.VERTICAL.iris_level_mm
    up = angles(pupil_mm=np.tile([0.0, level - 2.0], (30, 1)))[1]
    down = angles(pupil_mm=np.tile([0.0, level + 2.0], (30, 1)))[1]
    assert 3 < up < 15
    assert down == pytest.approx(-up, abs=0.5)
    assert angles(pupil_mm=np.tile([0.0, level], (30, 1)))[1] == pytest.approx(0, abs=0.5)


def test_a_face_that_always_seems_lifted_is_a_face_of_that_shape() -> None:
    lifted = track(FRAMES, pitch=np.radians(10.0))
    usual = usual_pitch([lifted], CAMERA)
    assert np.degrees(usual) == pytest.approx(10, abs=0.5)

    def pitch(usual_rad: float) -> float:
        aim, _ = head_pose.gaze(lifted, 0.32, CAMERA, usual_rad)
        return float(directions.to_yaw_pitch(aim[15])[1])

    assert 0 < pitch(usual) < pitch(0.0) / 2


def test_usual_lids_are_those_of_open_eyes() -> None:
    assert usual_lids([track(FRAMES, lid_opening=np.full(30, 0.1))]) == OPEN_LIDS[0]
    assert np.isnan(usual_lids([track(FRAMES, lid_opening=np.full(30, np.nan))]))


def test_concentration_falls_with_doubt() -> None:
    sure = head_pose.concentration(track(FRAMES, pupil_mm=np.zeros((30, 2))))
    no_iris = head_pose.concentration(track(FRAMES))
    unsure = head_pose.concentration(track(FRAMES, head_error_rad=np.full(30, 0.4)))
    assert sure[0] > no_iris[0] > unsure[0] > 0


def test_answers_have_a_row_for_each_row_of_the_tracks() -> None:
    tracks = [track(FRAMES), track(range(40, 50), person=2, track_id=2)]
    gaze, head = HeadPose().predict(scene(*tracks))
    assert (gaze.name, head.name) == ("gaze", "head")
    assert len(gaze) == len(head) == 40
    assert np.linalg.norm(gaze.direction, axis=1) == pytest.approx(np.ones(40))


def test_nobody() -> None:
    gaze, _ = HeadPose().predict(scene())
    assert len(gaze) == 0


def test_what_is_usual_for_a_person_may_be_known_from_more_than_the_rows() -> None:
    lowered = track(range(10), lid_opening=np.full(10, 0.25))
    known = replace(lowered, usual=Usual(lids=0.4, pitch_rad=0.2))
    assert usual_lids([known]) == 0.4 and usual_pitch([known], CAMERA) == 0.2
    (alone, _), (informed, _) = (HeadPose().predict(scene(t)) for t in (lowered, known))
    assert (informed.direction[:, 1] > alone.direction[:, 1]).all()  # lids have dropped: down
