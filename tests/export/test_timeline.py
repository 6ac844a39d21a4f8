"""The rows of a frame, found by its number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from eyeline.export.timeline import NO_TARGET, Timeline
from eyeline.geometry.camera import Camera
from eyeline.results import (
    TARGET_CAMERA,
    UNSEEN,
    WEARER,
    Analysis,
    Image,
    Points,
    Segments,
    make_segments,
)

MakeAnalysis = Callable[..., Analysis]


def test_a_view_holds_the_rows_of_its_frame(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=3, frames=100)
    people, points = analysis.people, analysis.points()
    timeline = Timeline(analysis)
    for frame in (0, 37, 99):
        view, rows = timeline.at(frame), people.frame == frame
        np.testing.assert_array_equal(view.person, [1, 2, 3])
        np.testing.assert_array_equal(view.box_xyxy, people.box_xyxy[rows])
        np.testing.assert_array_equal(view.detected, people.detected[rows])
        np.testing.assert_array_equal(view.direction, analysis.directions().direction[rows])
        np.testing.assert_array_equal(view.target, points.target[rows])
        np.testing.assert_array_equal(view.target_px, points.point_px[rows])
        assert view.time_s == frame / 25


def test_arrows_show_directions_as_seen_from_the_camera(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=1, frames=2)
    gaze = analysis.directions()
    rays = Camera.from_fov(analysis.video.width_px, analysis.video.height_px).rays(gaze.origin_px)
    into_camera = replace(gaze, direction=-rays)
    view = Timeline(replace(analysis, answers=(into_camera,))).at(0)
    np.testing.assert_allclose(view.seen, [[0, 0, -1]], atol=1e-9)


def test_states_are_those_of_the_segments(make_analysis: MakeAnalysis) -> None:
    timeline = Timeline(make_analysis(persons=4, frames=200))
    quiet, loud = timeline.at(25), timeline.at(3 * 25)
    assert not (quiet.speaks.any() or quiet.contact.any() or quiet.camera.any())
    assert loud.speaks.all() and loud.contact.all()
    assert (loud.camera == (loud.target == TARGET_CAMERA)).all() and loud.camera.all()
    assert loud.legend == ("speaks", "contact", "camera", "gaze", "target")


def test_answers_in_another_order_find_their_people(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=3, frames=50)
    points = analysis.points()
    order = np.random.default_rng(0).permutation(len(points))[: len(points) // 2]
    columns = {k: v[order] for k, v in vars(points).items()
               if isinstance(v, np.ndarray) and len(v) == len(points)}  # fmt: skip
    timeline = Timeline(replace(analysis, answers=(replace(points, **columns),)))
    for k in (0, 49):
        view = timeline.at(k)
        given = {
            int(points.person[r]): int(points.target[r]) for r in order if points.frame[r] == k
        }
        result = {int(p): int(t) for p, t in zip(view.person, view.target, strict=True)}
        assert result == {p: given.get(p, NO_TARGET) for p in (1, 2, 3)}
        assert np.isnan(view.direction).all()


def test_frames_between_analysed_ones_hold_the_last_answer(make_analysis: MakeAnalysis) -> None:
    timeline = Timeline(make_analysis(persons=1, frames=5, stride=4))
    held = timeline.at(7, time_s=0.28)
    np.testing.assert_array_equal(held.box_xyxy, timeline.at(4).box_xyxy)
    assert (held.time_s, timeline.at(7).time_s) == (0.28, 0.16)
    assert len(timeline.at(19)) == 1
    assert len(timeline.at(20)) == 0


def test_nobody_is_shown_where_nobody_was_seen(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2, frames=60)
    people = analysis.people
    kept = (people.frame < 20) | (people.frame >= 40)
    fewer = replace(people, **{k: v[kept] for k, v in vars(people).items() if v is not None})
    timeline = Timeline(replace(analysis, people=fewer))
    assert [len(timeline.at(k)) for k in (19, 20, 39, 40, 59, 60, -1)] == [2, 0, 0, 2, 2, 0, 0]


def test_an_empty_analysis_gives_empty_views(nobody: Analysis) -> None:
    view = Timeline(nobody).at(3, 0.12)
    assert len(view) == 0
    assert view.time_s == 0.12
    assert (view.marks, view.legend, view.unseen_speech) == ((), (), False)


def test_unseen_voices_and_the_wearers_look_are_shown(make_analysis: MakeAnalysis) -> None:
    speech = make_segments("speech", "b", "speaking", [(UNSEEN, 0.4, 0.8, "speech", 0.5)])
    frame = np.arange(0, 50, 10)
    looks = Points(
        "gaze_anticipation", "b", "future_gaze", frame, frame / 25, np.full(5, WEARER),
        np.stack([frame * 2.0, frame * 1.0], -1), np.zeros(5, int), np.ones(5),
        np.full((5, 4), np.nan),
    )  # fmt: skip
    timeline = Timeline(replace(make_analysis(persons=1, frames=50), answers=(speech, looks)))
    view = timeline.at(15, 0.6)
    assert view.unseen_speech
    assert [(m.x_px, m.y_px, m.name) for m in view.marks] == [(20.0, 10.0, "future gaze")]
    assert view.target.tolist() == [NO_TARGET]
    assert not timeline.at(25, 1.0).unseen_speech


def test_the_wearers_look_comes_with_the_last_heatmap(make_analysis: MakeAnalysis) -> None:
    frame = np.arange(10, 50)
    n = len(frame)

    def shown(heatmap: Image) -> list[int | None]:
        looks = Points(
            "gaze_anticipation", "b", "gaze_next", frame, frame / 25, np.full(n, WEARER),
            np.full((n, 2), 30.0), np.zeros(n, int), np.ones(n), np.full((n, 4), np.nan),
            np.array([15, 5, 25]), heatmap,
        )  # fmt: skip
        timeline = Timeline(replace(make_analysis(persons=1, frames=50), answers=(looks,)))
        marks = [timeline.at(k).marks for k in (9, 10, 14, 15, 24, 25, 35, 49)]
        assert [len(m) for m in marks] == [0, *[1] * 7]
        maps = [m[0].heatmap for m in marks if m]
        return [None if one is None else int(one.max()) for one in maps]

    each = np.array([2, 1, 3], np.uint8)[:, None, None] * np.ones((4, 6), np.uint8)
    assert shown(each) == [None, None, 1, 1, 2, 3, 3]
    assert shown(np.ones_like(each)) == [None] * 7, "a map that never changes is not drawn"


def test_overlapping_segments_end_with_the_last(make_analysis: MakeAnalysis) -> None:
    rows = [(1, 0.0, 1.0, "contact", 0.5), (1, 0.2, 0.4, "contact", 0.5)]
    contact: Segments = make_segments("e", "b", "eye_contact", rows)
    timeline = Timeline(replace(make_analysis(persons=1, frames=50), answers=(contact,)))
    assert [bool(timeline.at(k).contact[0]) for k in (0, 7, 15, 24, 25)] == [True] * 4 + [False]


@pytest.mark.parametrize("name", ["looks_at_camera", "looking_at_me"])
def test_looks_at_the_camera_have_two_names(make_analysis: MakeAnalysis, name: str) -> None:
    segments = make_segments("e", "b", name, [(1, 0.0, 0.4, "camera", 0.5)])
    analysis = make_analysis(persons=1, frames=50)
    timeline = Timeline(replace(analysis, answers=(*analysis.answers, segments)))
    assert timeline.at(5).camera.all()
    assert not timeline.at(15).camera.any()
