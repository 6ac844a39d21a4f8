"""How long rows stand for, runs as segments, and tiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from eyeline.export.coverage import coverages
from eyeline.export.spans import (
    all_segments,
    clock_for,
    clock_of,
    seen_spans,
    segments_from_points,
)
from eyeline.export.summary import summarise
from eyeline.export.tiers import Tier, tiers_of
from eyeline.export.timeline import timeline_of
from eyeline.results import (
    ANYBODY,
    UNSEEN,
    UNSURE,
    WEARER,
    Analysis,
    Clock,
    People,
    Points,
    Scores,
    Segments,
    VideoInfo,
    make_segments,
)

MakeAnalysis = Callable[..., Analysis]


def seen_at(frame: list[int], time_s: list[float], info: VideoInfo) -> Analysis:
    """One person, seen in these frames."""
    n, f, t = len(frame), np.array(frame, np.int64), np.array(time_s)
    one, flat = np.ones(n, np.int64), np.zeros(n)
    people = People(
        f, t, one, one, np.zeros((n, 4)), flat, one > 0, flat, np.zeros((n, 2)), flat, flat, flat
    )
    return Analysis(info, "ok", (), people, ())


@pytest.mark.parametrize(
    ("frame", "time_s", "end_s", "after"),
    [
        ([], [], [], []),
        ([0], [0.0], [0.04], [1]),
        ([0, 1, 2], [0.0, 0.04, 0.08], [0.04, 0.08, 0.12], [1, 2, 3]),
        # Nobody in frames 3 to 99.
        ([0, 1, 2, 100, 101], [0.0, 0.04, 0.08, 4.0, 4.04], [0.04, 0.08, 0.12, 4.04, 4.08],
         [1, 2, 3, 101, 102]),
        # Every second frame or third of a video at 25 Hz.
        ([0, 2, 5, 7, 10], [0.0, 0.08, 0.2, 0.28, 0.4], [0.08, 0.2, 0.28, 0.4, 0.5],
         [2, 5, 7, 10, 12]),
        # Uneven frames of which none is left out.
        ([0, 1, 2, 3], [0.0, 0.04, 1.0, 1.04], [0.04, 1.0, 1.04, 1.08], [1, 2, 3, 4]),
    ],
)  # fmt: skip
def test_a_row_lasts_until_the_next_analysed_frame_but_not_over_a_gap(
    make_video_info: Callable[..., VideoInfo],
    frame: list[int],
    time_s: list[float],
    end_s: list[float],
    after: list[int],
) -> None:
    clock = clock_of(seen_at(frame, time_s, make_video_info(8.0)))
    assert clock.frame.tolist() == frame
    np.testing.assert_allclose(clock.end_s, end_s)
    assert clock.next_frame.tolist() == after


def test_the_last_row_ends_with_the_video(make_video_info: Callable[..., VideoInfo]) -> None:
    info = make_video_info(0.1, rate_hz=Fraction(25))
    assert clock_of(seen_at([0, 1, 2], [0.0, 0.04, 0.08], info)).end_s[-1] == pytest.approx(0.1)


def test_a_clock_knows_which_answer_a_decoded_frame_shows(make_analysis: MakeAnalysis) -> None:
    clock = clock_of(make_analysis(persons=1, frames=4, stride=5))
    assert [clock.holding(k) for k in (0, 4, 5, 19, 20)] == [0, 0, 1, 3, None]


def test_a_clock_that_was_kept_says_when_frames_end(
    make_video_info: Callable[..., VideoInfo],
) -> None:
    """The person leaves after a frame of three seconds, which the rows alone cannot say."""
    seen = seen_at([0, 1, 2], [0.0, 0.04, 0.08], make_video_info(8.0))
    exact = Clock.exact(np.arange(4), np.array([0, 0.04, 0.08, 3.0]), np.array([0.04, 0.08, 3, 8]))
    kept = replace(seen, clock=exact)
    assert clock_of(kept) is exact and clock_of(seen).end_s[-1] < 0.2
    assert seen_spans(kept)[1].tolist() == [[0.0, 3.0]]
    assert [exact.holding(k) for k in (0, 3, 4, 5)] == [0, 3, None, None]
    scores = Scores("r", "b", "x", 0.5, np.array([3]), np.array([3.0]), np.array([1]), np.ones(1))
    assert clock_for(scores, kept) is exact, "also where nobody is seen"


def test_what_exporters_fraction_is_computed_once(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2, frames=10)
    for compute in (clock_of, all_segments, coverages, tiers_of, summarise, timeline_of):
        assert compute(analysis) is compute(analysis)
    changed = replace(analysis, answers=())
    assert all_segments(changed) == [] != all_segments(analysis)


def test_answers_about_the_wearer_have_their_own_clock(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=1, frames=40)
    frame = np.arange(0, 40, 8)
    scores = Scores("r", "b", "x", 0.5, frame, frame / 25, np.full(5, WEARER), np.ones(5))
    own = clock_for(scores, analysis)
    np.testing.assert_allclose(own.ends_of(frame), np.minimum((frame + 8) / 25, 1.6))


def test_points_become_runs_of_one_target() -> None:
    points = Points(
        "r", "b", "gaze_target",
        frame=np.array([0, 0, 1, 1, 2, 2, 9]), time_s=np.array([0, 0, 1, 1, 2, 2, 9]) / 25,
        person=np.array([2, 1, 2, 1, 2, 1, 1]), point_px=np.full((7, 2), np.nan),
        target=np.array([1, 2, 1, -1, 0, -1, -1]),
        probability=np.array([0.4, 0.9, 0.6, 0.5, 0.2, 0.7, 0.1]),
        target_xyxy=np.full((7, 4), np.nan),
    )  # fmt: skip
    info = VideoInfo("x", 1, 1, Fraction(25), 0.0, 1.0, 25, False)
    none = seen_at([], [], info)
    segments = segments_from_points(points, clock_for(points, none))
    assert segments.person.tolist() == [1, 1, 1, 2, 2]
    assert segments.label == ("person 2", "off screen", "off screen", "person 1", "scene")
    np.testing.assert_allclose(segments.start_s * 25, [0, 1, 9, 0, 2])
    np.testing.assert_allclose(segments.end_s * 25, [1, 3, 10, 2, 3])
    np.testing.assert_allclose(segments.score, [0.9, 0.6, 0.1, 0.5, 0.2])


def test_scores_and_points_without_segments_are_given_some(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=3)
    alone = tuple(a for a in analysis.answers if not isinstance(a, Segments))
    derived = {s.name: s for s in all_segments(replace(analysis, answers=alone))}
    given = {s.name: s for s in analysis.of(Segments)}
    assert derived.keys() == {"speaking", "eye_contact", "gaze_target"}
    shared = {"mutual_gaze", "joint_attention"}
    assert {s.name for s in all_segments(analysis)} == derived.keys() | shared
    for name, segments in given.items():
        if name in shared:
            continue
        np.testing.assert_allclose(derived[name].start_s, segments.start_s)
        np.testing.assert_allclose(derived[name].end_s, segments.end_s)


def test_points_on_nothing_but_the_scene_are_no_segments(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2)
    points = analysis.points()
    flat = replace(points, target=np.zeros_like(points.target))
    assert all_segments(replace(analysis, answers=(flat,))) == []


def spans_of(tiers: list[Tier]) -> dict[str, Any]:
    return {tier.name: tier.spans for tier in tiers}


def test_every_person_has_a_tier_for_every_kind(
    make_analysis: MakeAnalysis, make_segments_of: Callable[..., Segments]
) -> None:
    extra = make_segments_of("nods", [(2, 1.0, 2.0, "nod", 0.5), (UNSEEN, 0.0, 1.0, "?", 0.5)])
    analysis = replace(make_analysis(persons=2), answers=(extra,))
    assert spans_of(tiers_of(analysis)) == {
        "person 1 nods": (),
        "person 2 nods": ((1000, 2000, "nod"),),
        "unseen nods": ((0, 1000, "?"),),
    }


def test_voices_that_are_nobodys_have_tiers_of_their_own(make_analysis: MakeAnalysis) -> None:
    rows = [(UNSEEN, 0.0, 1.0, "nobody visible", 0.5), (UNSURE, 1.0, 2.0, "not sure who", 0.5)]
    speaking = make_segments("speech", "b", "speaking", rows)
    voice = make_segments("speech", "b", "voice", [(ANYBODY, 0.0, 2.0, "voice", 1.0)])
    analysis = replace(make_analysis(persons=1), answers=(speaking, voice))
    assert spans_of(tiers_of(analysis)) == {
        "person 1 speaking": (),
        "unseen speaking": ((0, 1000, "nobody visible"),),
        "not sure who speaking": ((1000, 2000, "not sure who"),),
        "anybody voice": ((0, 2000, "voice"),),
    }


def test_spans_that_collide_when_rounded_stay_in_order_and_apart(
    make_analysis: MakeAnalysis, make_segments_of: Callable[..., Segments]
) -> None:
    rows = [(1, 1.0 + k * 1e-4, 1.0 + (k + 1) * 1e-4, f"{k}", 0.5) for k in range(25)]
    rows.append((1, 1.0025, 2.0, "last", 0.5))
    answer = make_segments_of("blinks", rows)
    (tier,) = tiers_of(replace(make_analysis(persons=1), answers=(answer,)))
    assert [label for _, _, label in tier.spans] == [*(str(k) for k in range(25)), "last"]
    starts, ends = zip(*((a, b) for a, b, _ in tier.spans), strict=True)
    assert all(a < b for a, b in zip(starts, ends, strict=True))
    assert all(b <= a for b, a in zip(ends, starts[1:], strict=False))
    assert ends[-1] == 2000


def test_overlapping_spans_go_to_further_tiers_and_names_stay_unique(
    make_analysis: MakeAnalysis,
) -> None:
    rows = [(1, 0.0, 2.0, "a", 0.5), (1, 1.0, 3.0, "b", 0.5), (1, 2.0, 4.0, "c", 0.5)]
    first = make_segments("r", "one", "talk", rows)
    second = make_segments("r", "two", "talk", rows[:1])
    third = make_segments("r", "two", "talk", rows[:1])
    analysis = replace(make_analysis(persons=1), answers=(first, second, third))
    assert spans_of(tiers_of(analysis)) == {
        "person 1 talk (one)": ((0, 2000, "a"), (2000, 4000, "c")),
        "person 1 talk (one) 2": ((1000, 3000, "b"),),
        "person 1 talk (two)": ((0, 2000, "a"),),
        "person 1 talk (two) 2": ((0, 2000, "a"),),
    }


def test_nobody_has_no_tiers(nobody: Analysis) -> None:
    assert tiers_of(nobody) == []
