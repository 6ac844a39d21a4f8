"""All systems that run by default say the same of the camera, frame by frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import eyeline.sample
from eyeline.analysis import analyze_video
from eyeline.geometry import directions
from eyeline.people.tracks import Track
from eyeline.results import TARGET_CAMERA, TARGET_SCENE, Analysis, Points, Scores, Segments
from eyeline.settings import Settings
from eyeline.system import Scene
from eyeline.systems.ego_social.infer import ContactAndVoice
from eyeline.systems.eye_contact.infer import CameraAngle
from eyeline.systems.gaze_following.infer import Ray
from tests.people.build import track
from tests.systems.scenes import CAMERA, looking, scene


def sweeping(tracks: tuple[Track, ...], reach_rad: float) -> Scene:
    """Gazes that rest on the camera and sweep aside, again and again."""
    gaze = looking(tracks, {t.person: np.array([0.0, 0, -1]) for t in tracks})
    yaw, pitch = directions.to_yaw_pitch(-CAMERA.rays(gaze.origin_px))
    aside = reach_rad * np.clip(np.sin(gaze.time_s * 1.5), 0, None)
    gaze = replace(gaze, direction=directions.from_yaw_pitch(yaw + aside, pitch - aside / 3))
    return scene(*tracks, gaze=gaze, speaking={1: 1.0}, ego=True)


def _facing(x_px: float) -> float:
    """Yaw of a head in that column that faces the camera."""
    yaw, _ = directions.to_yaw_pitch(-CAMERA.rays(np.array([x_px, 360.0])))
    return float(yaw)


def assert_one_answer(points: Points, scores: Scores) -> int:
    assert np.array_equal(points.frame, scores.frame)
    assert np.array_equal(points.person, scores.person)
    yes = scores.value >= scores.threshold
    assert np.array_equal(points.target == TARGET_CAMERA, yes)
    assert np.array_equal(points.probability[yes], scores.value[yes])
    return int(yes.sum())


def test_target_score_and_ego_never_contradict() -> None:
    tracks = (
        track(range(200), person=1, track_id=1, at=(300.0, 360.0), yaw=_facing(300.0)),
        track(range(200), person=2, track_id=2, at=(900.0, 360.0), yaw=_facing(900.0)),
    )
    seen = 0
    for reach_rad in (0.1, 0.2, 0.4, 0.8):
        created = sweeping(tracks, reach_rad)
        points = next(a for a in Ray().predict(created) if isinstance(a, Points))
        for builder in (CameraAngle(), ContactAndVoice()):
            scores = next(a for a in builder.predict(created) if isinstance(a, Scores))
            seen += assert_one_answer(points, scores)
    assert 200 < seen < 2 * 4 * 400 - 200


def _during(segments: Segments, person: int, time_s: float) -> set[str]:
    inside = (segments.person == person) & (segments.start_s <= time_s) & (segments.end_s > time_s)
    return {segments.label[i] for i in np.flatnonzero(inside)}


def _assert_contact_goes_with_targets(analysis: Analysis) -> None:
    points, contact = analysis.points("gaze_target"), analysis.segments("eye_contact")
    partner = {TARGET_CAMERA: "camera", -1: "unknown partner", TARGET_SCENE: None}
    for i in range(len(points)):
        target = int(points.target[i])
        named = _during(contact, int(points.person[i]), float(points.time_s[i]) + 1e-6)
        assert named <= {partner.get(target, f"person {target}")}


def test_the_packaged_sample_has_one_answer_throughout() -> None:
    analysis = analyze_video(eyeline.sample.path(), Settings(ego=True))
    points = analysis.points("gaze_target")
    scores = [analysis.scores("looks_at_camera"), analysis.scores("looking_at_me")]
    assert min(assert_one_answer(points, s) for s in scores) > 20
    _assert_contact_goes_with_targets(analysis)
