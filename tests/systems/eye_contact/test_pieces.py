"""Tracks in pieces: where landmarks can be trusted, and for how long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.geometry import directions
from eyeline.people.tracks import Track
from eyeline.results import Floats, Scores, Segments
from eyeline.systems.eye_contact.pieces import MAX_GAP_S, by_person, contact_answers, pieces_of
from tests.people import build
from tests.systems.eye_contact.faces import track, wandering
from tests.systems.scenes import looking, scene


def test_a_blink_of_the_landmarks_is_bridged_and_a_long_gap_is_not() -> None:
    face = track(wandering(400))
    quality = face.quality.copy()
    quality[100:105] = 0
    quality[200:240] = 0
    pieces = pieces_of([replace(face, quality=quality)], 2.0)
    assert [(p.rows[0], p.rows[-1]) for p in pieces] == [(0, 199), (240, 399)]
    assert len(pieces[0].rows) == 200 and len(pieces[0].seen) == 195
    assert MAX_GAP_S * 25 < 40


@pytest.mark.parametrize(("frames", "found"), [(1, 0), (50, 0), (51, 1), (52, 1)])
def test_short_pieces_are_left_out(frames: int, found: int) -> None:
    assert len(pieces_of([track(wandering(frames))], 2.0)) == found


def test_points_that_are_no_numbers_and_times_that_repeat_are_not_seen() -> None:
    face = track(wandering(100))
    points, time_s = face.six_px.copy(), face.time_s.copy()
    points[10] = np.nan
    time_s[21] = time_s[20]
    (piece,) = pieces_of([replace(face, six_px=points, time_s=time_s)], 1.0)
    assert sorted(set(range(100)) - set(piece.seen.tolist())) == [10, 21]


def test_pieces_go_to_their_person_and_strangers_stand_alone() -> None:
    tracks = [
        track(wandering(60), track_id=i + 1, person=person)
        for i, person in enumerate([2, 0, 2, 0, 1])
    ]
    groups = by_person(pieces_of(tracks, 1.0), tracks)
    assert [[p.track for p in group] for group in groups] == [[0, 2], [1], [3], [4]]


def test_answers_have_a_row_for_each_row_and_segments_where_it_is_held() -> None:
    face = track(wandering(10))
    value, held = np.linspace(0, 1, 10), np.arange(10) >= 7
    value[0] = np.nan
    scores, segments = contact_answers(scene(face), "made", [value], [held])
    assert len(scores) == 10 and scores.builder == "made" and np.isnan(scores.value[0])
    assert segments.start_s.tolist() == [face.time_s[7]]
    assert segments.end_s.tolist() == [face.end_s[9]]
    assert segments.score[0] == pytest.approx(value[7:].mean())


def contact(*tracks: Track, towards: dict[int, Floats]) -> tuple[Scores, Segments]:
    """What is concluded of networks that see contact throughout."""
    created = scene(*tracks, gaze=looking(tracks, towards))
    value = [np.full(len(t), 0.9) for t in tracks]
    scores, segments = contact_answers(created, "made", value, [v > 0.5 for v in value])
    assert isinstance(scores, Scores) and isinstance(segments, Segments)
    return scores, segments


def aim(yaw_deg: float, pitch_deg: float = 0.0) -> Floats:
    return directions.from_yaw_pitch(*np.radians([yaw_deg, pitch_deg]))


LEFT = build.track(range(40), person=1, track_id=1, at=(300.0, 360.0))
RIGHT = build.track(range(40), person=2, track_id=2, at=(900.0, 360.0))
ALONE = build.track(range(40), person=1)


def test_contact_names_its_partner() -> None:
    _, segments = contact(LEFT, RIGHT, towards={1: aim(50), 2: aim(-60)})
    assert segments.label == ("person 2", "person 1")
    assert contact(ALONE, towards={1: aim(0)})[1].label == ("camera",)
    assert contact(ALONE, towards={1: aim(32)})[1].label == ("unknown partner",)


def test_no_contact_with_closed_eyes_nor_with_the_scene() -> None:
    lids = np.where(np.arange(40) < 20, 0.32, 0.08)
    scores, segments = contact(replace(ALONE, lid_opening=lids), towards={1: aim(0)})
    assert segments.end_s.tolist() == [ALONE.end_s[19]]
    assert scores.value[:20].min() >= scores.threshold and scores.value[20:].max() == 0
    scores, segments = contact(ALONE, towards={1: aim(0, -35)})
    assert len(segments) == 0 and scores.value.max() == 0


def test_what_cannot_be_said_stays_unsaid_where_contact_is_excluded() -> None:
    created = scene(ALONE, gaze=looking((ALONE,), {1: aim(0, -35)}))
    scores, _ = contact_answers(created, "made", [np.full(40, np.nan)], [np.zeros(40, bool)])
    assert isinstance(scores, Scores) and np.isnan(scores.value).all()
