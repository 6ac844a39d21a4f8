"""Each operation on an analysis of three people who pass a look on, in all tables and tiers.

In second k person i looks at person 1 + (i + k) mod 3; who would look at themselves looks into the
camera, has eye contact and speaks: 2, 1, 3, 2 in the four seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eyeline import corrections
from eyeline.corrections.model import Corrections, with_entry
from eyeline.export.columns import COLUMNS
from eyeline.export.coverage import measured_seconds
from eyeline.export.spans import all_segments
from eyeline.export.summary import speech_seconds, summarise
from eyeline.export.tiers import tiers_of
from eyeline.results import (
    TARGET_AREA,
    TARGET_CAMERA,
    TARGET_SCENE,
    UNSURE,
    Analysis,
    Points,
    Scores,
    Segments,
)

WHEN = {"time": "2026-11-30T16:20:00Z", "who": "coder A"}
Span = tuple[int, float, float, str]


def applied(computed: Analysis, *operations: dict[str, Any]) -> Analysis:
    """The analysis after some operations, all of which fit."""
    result = corrections.apply(computed, listed(*operations))
    assert result.corrected is not None
    assert result.corrected.unapplied == ()
    return result


def listed(*operations: dict[str, Any]) -> Corrections:
    kept = Corrections()
    for number, one in enumerate(operations, start=1):
        kept = with_entry(kept, corrections.parse_entry(one | WHEN | {"id": number}))
    return kept


def spans(analysis: Analysis, name: str, person: int | None = None) -> list[Span]:
    s = next(s for s in all_segments(analysis) if s.name == name)
    rows = zip(s.person.tolist(), s.start_s.tolist(), s.end_s.tolist(), s.label, strict=True)
    return [(p, round(a, 3), round(b, 3), label) for p, a, b, label in rows if person in (None, p)]


def everywhere(analysis: Analysis) -> set[int]:
    """Numbers of persons in any table, as who or as whom."""
    columns = [analysis.people.person, *(a.person for a in analysis.answers)]
    columns += [a.target for a in analysis.of(Points)]
    return {int(n) for column in columns for n in np.unique(column) if n > 0}


def words(analysis: Analysis) -> str:
    """All that tiers say."""
    return repr([(t.name, t.spans) for t in tiers_of(analysis)])


def merge(people: list[int], into: int) -> dict[str, Any]:
    return {"kind": "merge_people", "people": people, "into": into}


def episode(kind: str, tier: str, person: int, value: str, *span: float) -> dict[str, Any]:
    times = dict(zip(("from_s", "to_s", "at_s"), span, strict=False))
    return {"kind": kind, "tier": tier, "person": person, "value": value, **times}


def test_nothing_to_apply_changes_nothing(computed: Analysis) -> None:
    result = applied(computed)
    assert result.people is computed.people
    assert all(a is b for a, b in zip(result.answers, computed.answers, strict=True))


def test_a_name_shows_in_tiers_and_leaves_the_numbers(computed: Analysis) -> None:
    result = applied(computed, {"kind": "name_person", "person": 1, "name": "mother"})
    assert "mother gaze_target" in {t.name for t in tiers_of(result)}
    assert "person 1" not in words(result)
    assert everywhere(result) == {1, 2, 3}


def test_merged_people_are_one_in_all_tables_tiers_and_targets(computed: Analysis) -> None:
    result = applied(computed, merge([1, 3], 1))
    assert everywhere(result) == {1, 2}
    assert "person 3" not in words(result)
    assert [p.person for p in result.persons] == [1, 2]
    assert result.persons[0].track_ids == (1,)
    points = result.points()
    looks_at_self = points.target == points.person
    assert not looks_at_self.any()
    assert {p for p, *_ in spans(result, "mutual_gaze")} <= {1, 2}
    keys = list(zip(result.people.frame.tolist(), result.people.person.tolist(), strict=True))
    assert len(keys) == len(set(keys))
    for s in result.of(Segments):
        assert not any(f"person {p}" in t.split(" with ") for p, t in zip(s.person, s.label))  # noqa: B905


def test_who_is_split_and_merged_again_is_as_before(computed: Analysis) -> None:
    split = {"kind": "split_person", "person": 2, "at_s": 1.6, "new_person": 4}
    apart = applied(computed, split)
    seen = [(p.person, p.first_s, round(p.last_s, 3), round(p.seen_s, 3)) for p in apart.persons]
    assert seen[1::2] == [(2, 0.0, 1.6, 1.6), (4, 1.6, 4.0, 2.4)]
    points, late = apart.points(), apart.points().time_s >= 1.6
    assert {2} == set(points.target[~late]) & {2, 4} == set(points.person[~late]) & {2, 4}
    assert {4} == set(points.target[late]) & {2, 4} == set(points.person[late]) & {2, 4}
    assert any(a == 1.6 for _, a, _, label in spans(apart, "gaze_target") if label == "person 4")
    again = applied(computed, split, merge([2, 4], 2))
    for name in ("gaze_target", "mutual_gaze", "speaking", "eye_contact"):
        assert spans(again, name) == spans(computed, name), name
    for field in COLUMNS["people"]:
        np.testing.assert_array_equal(getattr(again.people, field), getattr(computed.people, field))


def test_a_deleted_face_is_neither_target_nor_tier(computed: Analysis) -> None:
    result = applied(computed, {"kind": "delete_face", "person": 3})
    assert everywhere(result) == {1, 2}
    assert "person 3" not in words(result)
    before, after = computed.points(), result.points()
    at = before.target[before.person != 3] == 3
    assert (after.target[at] == TARGET_SCENE).all()
    assert (2.0, 3.0) in [(a, b) for p, a, b, _ in spans(result, "speaking") if p == UNSURE] or any(
        p == UNSURE for p, *_ in spans(result, "speaking")
    )
    assert not any("person 3" in label for s in result.of(Segments) for label in s.label)


def test_a_face_that_is_deleted_in_a_span_stays_outside_of_it(computed: Analysis) -> None:
    span = {"kind": "delete_face", "person": 3, "from_s": 1.0, "to_s": 2.0}
    result = applied(computed, span)
    mine = result.people.time_s[result.people.person == 3]
    assert mine.min() == 0
    assert not ((mine >= 1.0) & (mine < 2.0)).any()
    assert result.persons[2].seen_s == pytest.approx(3.0)
    assert all(b <= 1.0 or a >= 2.0 for _, a, b, _ in spans(result, "gaze_target", 3))


def test_an_added_look_takes_the_place_of_what_was_there(computed: Analysis) -> None:
    result = applied(computed, episode("add_episode", "gaze_target", 1, "camera", 0.21, 0.77))
    mine = spans(result, "gaze_target", 1)
    assert (1, 0.21, 0.77, "camera") in mine
    assert mine[0][2] == 0.21
    assert sum(b - a for _, a, b, _ in mine) == pytest.approx(4.0)
    points = result.points()
    rows = (points.person == 1) & (points.time_s + 0.02 >= 0.21) & (points.time_s + 0.02 < 0.77)
    assert (points.target[rows] == TARGET_CAMERA).all()
    assert (points.probability[rows] == 1).all()
    assert points.corrected is not None
    assert (points.corrected == rows).all()


def test_mutual_gaze_follows_a_changed_look(computed: Analysis) -> None:
    assert (1, 0.0, 1.0, "person 3") not in spans(computed, "mutual_gaze")
    looks = [
        episode("add_episode", "gaze_target", a, f"person {b}", 0.0, 1.0)
        for a, b in ((1, 3), (3, 1))
    ]
    result = applied(computed, *looks)
    assert (1, 0.0, 1.0, "person 3") in spans(result, "mutual_gaze")
    assert (3, 0.0, 1.0, "person 1") in spans(result, "mutual_gaze")
    summary = summarise(result)
    assert summary.mutual is not None
    assert summary.mutual[1, 3].seconds >= 1.0


def test_episodes_of_two_are_changed_for_both(computed: Analysis) -> None:
    result = applied(computed, episode("add_episode", "mutual_gaze", 1, "person 3", 0.2, 0.8))
    assert (3, 0.2, 0.8, "person 1") in spans(result, "mutual_gaze")
    added = episode("add_episode", "mutual_gaze", 1, "person 3", 0.2, 0.8)
    gone = applied(
        computed, added, episode("delete_episode", "mutual_gaze", 3, "person 1", 0.2, 0.8)
    )
    assert spans(gone, "mutual_gaze") == spans(computed, "mutual_gaze")
    added = episode(
        "add_episode", "joint_attention", 1, "camera with person 2 and person 3", 0.0, 0.5
    )
    result = applied(computed, added)
    assert (3, 0.0, 0.5, "camera with person 1 and person 2") in spans(result, "joint_attention")


def test_an_episode_of_a_derived_tier_follows_merged_people(computed: Analysis) -> None:
    added = episode("add_episode", "mutual_gaze", 1, "person 3", 0.2, 0.8)
    result = applied(computed, added, merge([2, 3], 2))
    assert (1, 0.2, 0.8, "person 2") in spans(result, "mutual_gaze")
    assert (2, 0.2, 0.8, "person 1") in spans(result, "mutual_gaze")


@pytest.mark.parametrize("name", ["speaking", "eye_contact"])
def test_states_are_changed_deleted_and_split(computed: Analysis, name: str) -> None:
    person, start, end, label = spans(computed, name)[0]
    old = {"value": label, "from_s": start, "to_s": end}
    new = old | {"to_s": end - 0.333}
    result = applied(
        computed,
        {"kind": "change_episode", "tier": name, "person": person, "old": old, "new": new},
    )
    assert (person, start, round(end - 0.333, 3), label) in spans(result, name)
    result = applied(computed, episode("delete_episode", name, person, label, start, end))
    assert len(spans(result, name)) == len(spans(computed, name)) - 1
    scores = result.scores(name)
    inside = (scores.person == person) & (scores.time_s >= start) & (scores.time_s < end - 0.02)
    assert (scores.value[inside] == 0).all()
    cut = (start + end) / 2
    result = applied(computed, episode("split_episode", name, person, label, start, end, cut))
    pieces = [(person, start, round(cut, 3), label), (person, round(cut, 3), end, label)]
    assert set(pieces) <= set(spans(result, name))


def test_what_is_not_codable_is_in_no_denominator(computed: Analysis) -> None:
    result = applied(computed, {"kind": "not_codable", "from_s": 2.4, "to_s": 3.4})
    before, after = summarise(computed), summarise(result)
    for old, new in zip(before.persons, after.persons, strict=True):
        assert old.seen.of_s == pytest.approx(4.0)
        assert new.seen.of_s == new.seen.seconds == pytest.approx(3.0)
        assert new.followed_s == pytest.approx(3.0)
        for name in ("eye_contact", "mutual_gaze", "joint_attention"):
            assert new.states[name].of_s == pytest.approx(old.states[name].of_s - 1, abs=0.05), name
    for seconds in measured_seconds(result).values():
        for name, one in seconds.items():
            assert one == pytest.approx({"measured_s": 3.0, "not_codable_s": 1.0}), name
    old_s, new_s = speech_seconds(computed), speech_seconds(result)
    assert old_s is not None and new_s is not None
    assert new_s["voiced_s"] == pytest.approx(old_s["voiced_s"] - 0.6)
    for answer in result.answers:
        if isinstance(answer, Segments):
            assert all(
                b <= 2.4 or a >= 3.4 for a, b in zip(answer.start_s, answer.end_s, strict=True)
            )
    assert "'person 1 eye_contact not codable', ((2400, 3400, 'not codable')," in words(result)


def test_one_tier_of_one_person_is_not_codable(computed: Analysis) -> None:
    span = {"kind": "not_codable", "from_s": 0.5, "to_s": 3.5, "tier": "eye_contact", "person": 2}
    result = applied(computed, span)
    seconds = measured_seconds(result)
    assert seconds["person 2"]["eye_contact (landmarks_tcn)"]["measured_s"] == pytest.approx(
        1.0, abs=0.05
    )
    assert seconds["person 1"] == measured_seconds(computed)["person 1"]
    scores = next(a for a in result.of(Scores) if a.name == "eye_contact")
    assert np.isnan(scores.value).sum() == ((scores.person == 2) & np.isnan(scores.value)).sum() > 0
    assert spans(result, "gaze_target") == spans(computed, "gaze_target")


def test_an_area_becomes_a_target(computed: Analysis) -> None:
    points = computed.points()
    elsewhere = {"kind": "delete_face", "person": 3}
    area = {
        "kind": "area", "name": "toy", "shape": "box",
        "keyframes": [{"time_s": 0.0, "points": [[700.0, 200.0], [1279.0, 500.0]]}],
    }  # fmt: skip
    result = applied(computed, elsewhere, area)
    assert (points.target[points.person != 3] == 3).any()
    after = result.points()
    assert (after.target[points.target[points.person != 3] == 3] == TARGET_AREA).all()
    assert "toy" in words(result)
    assert "area 1" not in words(result)
    labels = {label for *_, label in spans(result, "joint_attention")}
    assert labels == {label for label in labels if "person 3" not in label}
    assert "area 1" in summarise(result).persons[0].targets
    added = episode("add_episode", "gaze_target", 2, "toy", 0.0, 1.0)
    assert (2, 0.0, 1.0, "area 1") in spans(applied(computed, area, added), "gaze_target")


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"kind": "name_person", "person": 9, "name": "x"}, "no person 9; there are: 1, 2, 3"),
        (merge([1, 9], 1), "no person 9"),
        ({"kind": "split_person", "person": 1, "at_s": 99.0}, "not seen after 99 s"),
        ({"kind": "split_person", "person": 1, "at_s": 0.0}, "not seen before 0 s"),
        ({"kind": "delete_face", "person": 1, "from_s": 50.0, "to_s": 60.0}, "not seen from 50"),
        (
            episode("add_episode", "smiles", 1, "yes", 0.0, 1.0),
            "no tier 'smiles'; there are: speak",
        ),
        (episode("add_episode", "gaze_target", 1, "toy", 0.0, 1.0), "'toy' is no target"),
        (episode("add_episode", "gaze_target", 1, "person 1", 0.0, 1.0), "the same person"),
        (episode("add_episode", "gaze_target", 1, "person 9", 0.0, 1.0), "no person 9"),
        (
            episode("add_episode", "eye_contact", 1, "contakt", 0.0, 1.0),
            "no value of 'eye_contact'",
        ),
        (episode("add_episode", "mutual_gaze", 1, "camera", 0.0, 1.0), "with another person"),
        (episode("delete_episode", "eye_contact", 1, "contact", 0.1, 0.2), "no episode 'contact'"),
        (episode("split_episode", "eye_contact", 1, "contact", 0.1, 0.3, 0.2), "no episode"),
        ({"kind": "not_codable", "from_s": 0.0, "to_s": 1.0, "tier": "x"}, "no tier 'x'"),
        ({"kind": "delete_area", "name": "toy"}, "no area 'toy'"),
    ],
)
def test_what_does_not_fit_is_named_and_all_else_applied(
    computed: Analysis, operation: dict[str, Any], why: str
) -> None:
    name = {"kind": "name_person", "person": 2, "name": "child"}
    result = corrections.apply(computed, listed(operation, name))
    assert result.corrected is not None
    ((number, said),) = result.corrected.unapplied
    assert number == 1
    assert why in said
    assert result.corrected.names == {"person 2": "child"}
    assert any("is kept and not applied" in w and why in w for w in result.warnings)
    assert spans(result, "gaze_target") == spans(computed, "gaze_target")
    assert spans(result, "eye_contact") == spans(computed, "eye_contact")
