"""`ray`: faces, the camera, the scene and off screen are found, with points, boxes and heatmaps."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.geometry import directions
from eyeline.results import TARGET_CAMERA, TARGET_OFF_SCREEN, TARGET_SCENE, Points, Segments
from eyeline.systems.gaze_following.infer import Ray
from tests.people.build import track
from tests.systems.scenes import looking, scene

LEFT, CENTRE, RIGHT = (
    track(range(60), person=1, track_id=1, at=(250.0, 360.0)),
    track(range(60), person=2, track_id=2, at=(640.0, 360.0)),
    track(range(60), person=3, track_id=3, at=(1030.0, 360.0)),
)
EVERYBODY = (LEFT, CENTRE, RIGHT)


def aim(yaw_deg: float, pitch_deg: float = 0.0) -> np.ndarray:
    return directions.from_yaw_pitch(*np.radians([yaw_deg, pitch_deg]))


def answer(
    towards: dict[int, np.ndarray], speaking: dict[int, float] | None = None
) -> tuple[Points, Segments]:
    points, segments = Ray().predict(
        scene(*EVERYBODY, gaze=looking(EVERYBODY, towards), speaking=speaking)
    )
    assert isinstance(points, Points)
    assert isinstance(segments, Segments)
    return points, segments


def targets(points: Points, person: int) -> set[int]:
    return set(points.target[points.person == person].tolist())


def test_neighbours_who_turn_to_each_other() -> None:
    points, segments = answer({1: aim(50), 2: aim(-65), 3: aim(-80)}, {2: 1.0})
    assert targets(points, 1) == {2}
    assert targets(points, 2) == {1}
    mine = points.person == 1
    assert points.point_px[mine][0] == pytest.approx(CENTRE.eyes_px[0])
    assert points.target_xyxy[mine][0] == pytest.approx(CENTRE.head_xyxy[0])
    assert [segments.label[i] for i in range(len(segments)) if segments.person[i] == 1] == [
        "person 2"
    ]


def test_a_look_straight_ahead_goes_into_the_camera() -> None:
    ahead = {
        p: -r
        for p, r in zip(
            (1, 2, 3), (scene().camera.rays(t.eyes_px[0]) for t in EVERYBODY), strict=True
        )
    }
    points, _ = answer(ahead)
    assert targets(points, 2) == {TARGET_CAMERA}
    assert np.isnan(points.point_px[points.person == 2]).all()


def test_a_look_down_lands_in_the_scene_below_the_face() -> None:
    points, _ = answer({1: aim(0, -24), 2: aim(0, -24), 3: aim(0, -24)})
    assert targets(points, 2) == {TARGET_SCENE}
    mine = points.person == 2
    assert (points.point_px[mine][:, 1] > CENTRE.eyes_px[0, 1]).all()


def test_a_look_past_the_edge_is_off_screen() -> None:
    points, _ = answer({1: aim(-60), 2: aim(0, -50), 3: aim(60)})
    assert targets(points, 1) == {TARGET_OFF_SCREEN}
    assert targets(points, 3) == {TARGET_OFF_SCREEN}


def test_who_speaks_decides_between_two_faces_in_line() -> None:
    towards = {1: aim(62), 2: aim(0, -50), 3: aim(0, -50)}
    assert targets(answer(towards, {2: 1.0})[0], 1) == {2}
    assert targets(answer(towards, {3: 1.0})[0], 1) == {3}


def test_one_person_and_nobody() -> None:
    points, _ = Ray().predict(scene(CENTRE, gaze=looking((CENTRE,), {2: aim(80)})))
    assert isinstance(points, Points)
    assert (points.target <= 0).all()
    empty = looking((CENTRE,), {2: aim(0)})
    empty = type(empty)(*(v[:0] if isinstance(v, np.ndarray) else v for v in vars(empty).values()))
    points, segments = Ray().predict(scene(gaze=empty))
    assert (len(points), len(segments)) == (0, 0)


def test_heatmaps_peak_at_the_target_and_directions_are_needed() -> None:
    points, _ = answer({1: aim(50), 2: aim(-65), 3: aim(-80)}, {2: 1.0})
    assert points.heatmap is not None
    row = int(np.argmax(points.person[points.heatmap_row] == 1))
    y, x = np.unravel_index(points.heatmap[row].argmax(), points.heatmap[row].shape)
    assert x / 64 * 1280 == pytest.approx(640, abs=40)
    assert y / 36 * 720 == pytest.approx(CENTRE.eyes_px[0, 1], abs=40)
    with pytest.raises(UsageError, match="gaze_3d"):
        Ray().predict(scene(CENTRE))
