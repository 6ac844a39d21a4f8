"""The target model: its evidence, its chain, its decision, and its shipped constants."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from eyeline.geometry import directions
from eyeline.people.targets import evidence, model
from eyeline.people.targets.model import Looks, shipped
from eyeline.people.tracks import Track
from eyeline.results import TARGET_CAMERA, TARGET_OFF_SCREEN, TARGET_SCENE, Floats
from eyeline.systems.gaze_3d import head_pose
from tests.people.build import track
from tests.systems.scenes import CAMERA, looking, scene

LEFT = track(range(40), person=1, track_id=1, at=(300.0, 360.0))
RIGHT = track(range(40), person=2, track_id=2, at=(900.0, 360.0))
ALONE = track(range(40), person=1, track_id=1)


def aim(yaw_deg: float, pitch_deg: float = 0.0) -> Floats:
    return directions.from_yaw_pitch(*np.radians([yaw_deg, pitch_deg]))


def looks(
    *tracks: Track, towards: dict[int, Floats], speaking: dict[int, float] | None = None
) -> list[Looks]:
    created = scene(*tracks, gaze=looking(tracks, towards), speaking=speaking)
    return list(created.looks)


def face(found: Looks) -> float:
    """Mean probability of the first face."""
    return float(found.posterior[:, 0].mean())


def test_constants_are_of_this_code_and_say_how_they_were_fitted() -> None:
    card = json.loads(model.SHIPPED.read_text())
    assert tuple(card["weights"]) == evidence.NAMES
    assert sum(card["labels"].values()) > 300
    figures = card["held_out"]["model"]
    for answer, least in (("target", 0.7), ("person", 0.75), ("off_screen", 0.55)):
        assert figures[answer]["right"] / figures[answer]["of"] > least
    for rule in ("nearest face along the arrow", "always scene", "bare camera angle"):
        assert figures["target"]["right"] > card["held_out"][rule]["target"]["right"]
    assert figures["camera F1"]["value"] > 0.7
    assert 0.3 < card["camera_threshold"] < 0.8


def test_who_is_looked_at_by_a_face_is_likelier_its_target() -> None:
    """Mutual gaze: the same look to the right, met or not."""
    met = looks(LEFT, RIGHT, towards={1: aim(35), 2: aim(-50)})[0]
    missed = looks(LEFT, RIGHT, towards={1: aim(35), 2: aim(50)})[0]
    assert face(met) > face(missed) + 0.1


def test_who_looks_the_same_way_is_looked_past() -> None:
    """Both look at something beyond, unless the one in between speaks."""
    centre = track(range(40), person=2, track_id=2, at=(640.0, 360.0))
    aside, ahead = {1: aim(55), 2: aim(60)}, {1: aim(55), 2: aim(0)}
    past, met = looks(LEFT, centre, towards=aside)[0], looks(LEFT, centre, towards=ahead)[0]
    assert face(past) < face(met) - 0.2
    speaks = looks(LEFT, centre, towards=aside, speaking={2: 1.0})[0]
    assert face(speaks) > face(past) + 0.3


@pytest.mark.parametrize("down_deg", (24, 30, 40))
def test_a_look_down_is_no_look_at_the_camera_even_where_no_lids_are_seen(down_deg: int) -> None:
    unseen = replace(ALONE, lid_opening=np.full(40, np.nan))
    assert set(looks(unseen, towards={1: aim(0, -down_deg)})[0].target.tolist()) == {TARGET_SCENE}


def test_who_speaks_is_likelier_looked_at() -> None:
    towards = {1: aim(35), 2: aim(50)}
    silent = looks(LEFT, RIGHT, towards=towards, speaking={2: 0.0})[0]
    loud = looks(LEFT, RIGHT, towards=towards, speaking={2: 1.0})[0]
    assert face(loud) > face(silent) + 0.05


def test_a_further_face_takes_nothing_from_one_in_sight() -> None:
    """Each face is weighed by itself: one behind the looker leaves the other's odds as they are."""
    behind = track(range(40), person=3, track_id=3, at=(60.0, 360.0))
    towards = {1: aim(45), 2: aim(-50), 3: aim(-60)}
    two = looks(LEFT, RIGHT, towards=towards)[0].posterior[20]
    three = looks(LEFT, RIGHT, behind, towards=towards)[0].posterior[20]
    assert three[0] == pytest.approx(two[0], abs=0.05)


def test_eyes_aside_in_a_still_head_are_no_look_at_the_camera() -> None:
    """The direction of the default builder follows the irises, and the target follows it."""
    level = head_pose.VERTICAL.iris_level_mm
    seen = []
    for right_mm in (0.0, 3.5):
        eyes = replace(ALONE, pupil_mm=np.tile([right_mm, level], (40, 1)))
        direction, _ = head_pose.gaze(eyes, 0.32, CAMERA)
        seen.append(looks(eyes, towards={1: direction[20]})[0].camera.mean())
    straight, aside = seen
    assert straight > aside + 0.2


def test_lowered_lids_speak_for_the_scene() -> None:
    lids = np.where(np.arange(40) < 20, 0.32, 0.14)
    result = looks(replace(ALONE, lid_opening=lids), towards={1: aim(2, -12)})[0]
    assert result.posterior[30:, -2].mean() > result.posterior[:10, -2].mean() + 0.15


def test_an_interview_view_is_off_screen() -> None:
    result = looks(ALONE, towards={1: aim(32)})[0]
    assert set(result.target.tolist()) == {TARGET_OFF_SCREEN}


@pytest.mark.parametrize("yaw_deg", range(0, 40, 4))
def test_the_camera_is_the_target_from_its_threshold_on(yaw_deg: int) -> None:
    result = looks(ALONE, towards={1: aim(yaw_deg)})[0]
    yes = result.camera >= shipped().camera_threshold
    assert np.array_equal(yes, result.target == TARGET_CAMERA)


def test_the_threshold_decides_even_against_a_likelier_face() -> None:
    chances = np.array([[0.5, 0.4, 0.06, 0.04], [0.1, 0.2, 0.3, 0.4]])
    others = looks(LEFT, RIGHT, towards={1: aim(0), 2: aim(0)})[0].evidence
    low = replace(shipped(), camera_threshold=0.35)
    assert model.decide(others, chances, low).target.tolist() == [TARGET_CAMERA, TARGET_OFF_SCREEN]
    high = replace(shipped(), camera_threshold=0.45)
    assert model.decide(others, chances, high).target.tolist() == [2, TARGET_OFF_SCREEN]


def test_probabilities_sum_to_one_and_who_is_not_there_has_none() -> None:
    late = track(range(20, 40), person=2, track_id=2, at=(900.0, 360.0))
    result = looks(LEFT, late, towards={1: aim(35), 2: aim(-50)})[0]
    assert result.posterior.sum(axis=1) == pytest.approx(np.ones(40), abs=1e-5)
    assert result.posterior[:20, 0].max() == 0 and result.posterior[20:, 0].min() > 0
    assert set(result.target[:20].tolist()) <= {TARGET_CAMERA, TARGET_SCENE, TARGET_OFF_SCREEN}


def test_doubt_stays_doubt_however_long_it_lasts() -> None:
    undecided = np.tile([0.48, 0.52], (500, 1))
    assert model.chain(undecided, np.full(500, 0.04), shipped()).max() < 0.9


def test_a_clear_change_is_followed_within_half_a_second() -> None:
    before = np.arange(100)[:, None] < 50
    row = np.where(before, [0.95, 0.05], [0.05, 0.95])
    changed = model.chain(row, np.full(100, 0.04), shipped())[:, 1] > 0.5
    assert abs(int(np.argmax(changed)) - 50) <= 12
    assert not changed[:30].any() and changed[70:].all()


def test_a_single_odd_frame_changes_nothing() -> None:
    row = np.tile([0.8, 0.2], (50, 1))
    row[25] = [0.3, 0.7]
    assert model.chain(row, np.full(50, 0.04), shipped())[:, 0].min() > 0.5
