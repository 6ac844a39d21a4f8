"""Turn-taking, transitions and lags against tables worked out by hand."""

from __future__ import annotations

import math

import pytest

from eyeline.export.intervals import as_spans
from eyeline.summary.measures import DEFINITIONS
from eyeline.summary.observed import Video
from eyeline.summary.sequences import (
    Transition,
    count_transitions,
    events_of,
    lag_table,
    transitions,
)
from eyeline.summary.turns import Transfer, transfers_of, turn_rows, turns_of
from tests.summary.conftest import scores, segments, targets, video


@pytest.mark.parametrize(
    ("episodes", "transfers", "within"),
    [
        # a gap of 0.5 s, then an overlap of 1 s
        ([(0, 2, 1), (2.5, 5, 2), (4, 6, 1)],
         [Transfer(1, 2, 0, 2, 2.5), Transfer(2, 1, 2.5, 5, 4)], []),
        # a pause of the same speaker is within the turn
        ([(0, 1, 1), (2, 3, 1), (3, 4, 2)], [Transfer(1, 2, 0, 3, 3)], []),
        # "mhm" while the other speaks takes no floor
        ([(0, 5, 1), (2, 3, 2), (6, 7, 2)], [Transfer(1, 2, 0, 5, 6)], [(1, 2, 2)]),
        # somebody who is not visible comes between
        ([(0, 1, 1), (1, 2, -1), (3, 4, 2)],
         [Transfer(1, -1, 0, 1, 1), Transfer(-1, 2, 1, 2, 3)], []),
        ([], [], []),
    ],
)  # fmt: skip
def test_the_floor_passes(
    episodes: list[tuple[float, float, int]], transfers: list[Transfer],
    within: list[tuple[int, int, float]],
) -> None:  # fmt: skip
    turns = turns_of(episodes)
    assert [*turns.transfers] == transfers
    assert [*turns.within] == within


# 1 speaks 0-2, 2 speaks 2.5-5 (gap 0.5), 1 speaks 4-6 (overlap 1), 2 speaks 7-8 (gap 1), in which
# 1 says 7.2-7.4. At 2 s person 1 looks at 2, who looks at the scene; at 5 s person 2 looks at 1,
# and 1 is not measured; at 6 s person 1 looks at the scene and 2 at 1.
SPEECH = segments(
    "speaking",
    [
        (1, 0.0, 2.0, "speech"), (2, 2.5, 5.0, "speech"), (1, 4.0, 6.0, "speech"),
        (2, 7.0, 8.0, "speech"), (1, 7.2, 7.4, "speech"),
    ],
)  # fmt: skip
LOOKS = segments(
    "gaze_target",
    [
        (1, 0.0, 3.0, "person 2"), (1, 5.5, 10.0, "scene"), (2, 0.0, 3.0, "scene"),
        (2, 3.0, 10.0, "person 1"),
    ],
)  # fmt: skip
SEEN = {1: (0.0, 10.0), 2: (0.0, 10.0)}


def dyad(window: list[tuple[float, float]] | None = None):  # type: ignore[no-untyped-def]
    known = targets(SEEN)
    known.probability[(known.person == 1) & (known.time_s > 2.9) & (known.time_s < 5.4)] = 0.0
    whole = Video.of("talk", video(SEEN, [scores("speaking", SEEN), SPEECH, known, LOOKS]))
    return whole.within(whole.whole if window is None else as_spans(window))


@pytest.mark.parametrize(
    ("window", "person", "partner", "expected"),
    [
        (None, "person 1", "person 2", {
            "transfers": (2, None), "gaps": (2, 2), "overlaps": (0, 2),
            "overlaps_within": (0, None), "mean_gap_s": (0.75, 2), "mean_overlap_s": (None, 0),
            "median_offset_s": (0.75, 2), "speaker_looks_at_turn_end": (0.5, 2),
            "taker_looks_at_turn_end": (0.5, 2)}),
        (None, "person 2", "person 1", {
            "transfers": (1, None), "gaps": (0, 1), "overlaps": (1, 1),
            "overlaps_within": (1, None), "mean_gap_s": (None, 0), "mean_overlap_s": (1.0, 1),
            "median_offset_s": (-1.0, 1), "speaker_looks_at_turn_end": (1.0, 1),
            "taker_looks_at_turn_end": (None, 0)}),
        # the turn of 2 that starts at 7 s is the only one in the span
        ([(6, 10)], "person 1", "", {
            "transfers": (1, None), "gaps": (1, 1), "overlaps": (0, 1),
            "overlaps_within": (0, None), "mean_gap_s": (1.0, 1), "mean_overlap_s": (None, 0),
            "median_offset_s": (1.0, 1), "speaker_looks_at_turn_end": (0.0, 1),
            "taker_looks_at_turn_end": (1.0, 1)}),
    ],
)  # fmt: skip
def test_measures_of_turns(
    window: list[tuple[float, float]] | None, person: str, partner: str,
    expected: dict[str, tuple[float | None, float | None]],
) -> None:  # fmt: skip
    rows = [r for r in turn_rows(dyad(window)) if (r.person, r.partner) == (person, partner)]
    got = {r.measure.name: (r.measure.number, r.measure.of) for r in rows}
    assert got == {
        name: tuple(None if v is None else pytest.approx(v) for v in pair)
        for name, pair in expected.items()
    }
    assert got.keys() <= DEFINITIONS.keys()
    assert all(r.measure.unit == DEFINITIONS[r.measure.name][1] for r in rows)


def test_each_transfer_says_where_both_look() -> None:
    looks = [(t.speaker_looks_at, t.taker_looks_at) for t in transfers_of(dyad())]
    assert looks == [("person 2", "scene"), ("person 1", None), ("scene", "person 1")]


def test_turns_that_could_not_be_measured_are_unknown() -> None:
    seen = {1: (0.0, 5.0), 2: (6.0, 10.0)}
    speech = segments("speaking", [(1, 0.0, 2.0, "speech")])
    whole = Video.of("talk", video(seen, [scores("speaking", seen), speech]))
    numbers = {r.measure.number for r in turn_rows(whole.within(whole.whole))}
    assert numbers == {None}


@pytest.mark.parametrize(
    ("by_value", "window", "expected"),
    [
        # a b a c: each follows at once
        ({"a": [(0, 1), (2, 3)], "b": [(1, 2)], "c": [(3, 4)]}, [(0, 10)],
         {("a", "b"): 1, ("b", "a"): 1, ("a", "c"): 1}),
        # a blink of 0.3 s between, and 0.4 s, which is none
        ({"a": [(0, 1)], "b": [(1.3, 2)], "c": [(2.4, 3)]}, [(0, 10)], {("a", "b"): 1}),
        # the same again after a blink is no transition
        ({"a": [(0, 1), (1.2, 2)], "b": [(2, 3)]}, [(0, 10)], {("a", "b"): 1}),
        # from one piece of the span to the next there is none
        ({"a": [(0, 1)], "b": [(1.1, 2)]}, [(0, 1), (1.1, 2)], {}),
    ],
)  # fmt: skip
def test_transitions_are_counted(
    by_value: dict[str, list[tuple[float, float]]], window: list[tuple[float, float]],
    expected: dict[tuple[str, str], int],
) -> None:  # fmt: skip
    spans = {value: as_spans(pairs) for value, pairs in by_value.items()}
    assert count_transitions(spans, as_spans(window)) == expected


def test_the_matrix_has_what_never_follows_and_probabilities_of_what_does() -> None:
    rows = [t for t in transitions(dyad()) if t.person == "person 2"]
    assert rows == [
        Transition("person 2", "gaze_target", "person 1", "scene", 0, 0),
        Transition("person 2", "gaze_target", "scene", "person 1", 1, 1),
    ]
    assert [t.probability for t in rows] == [None, 1.0]


def test_lags_of_a_sequence() -> None:
    a, b, c = (("person 1", "gaze_target", value) for value in "abc")
    # a b a b c at lag 1: ab, ba, ab, bc; a comes first twice, b second twice, of 4 pairs
    rows = {(r.given, r.then, r.lag): r for r in lag_table([a, b, a, b, c], lags=2)}
    ab = rows[a, b, 1]
    assert (ab.count, ab.of, ab.expected) == (2, 2, 1.0)
    # expected 2 x 2 / 4; z = (2 - 1) / sqrt(1 x (1 - 2/4) x (1 - 2/4)) = 2
    assert ab.z == pytest.approx(2.0)
    assert rows[b, a, 1].expected == pytest.approx(0.5)
    assert rows[b, a, 1].z == pytest.approx(0.5 / math.sqrt(0.5 * 0.5 * 0.75))
    # at lag 2: aa, bb, ac
    assert {key[:2]: rows[key].count for key in rows if key[2] == 2} == {
        (a, a): 1, (b, b): 1, (a, c): 1,
    }  # fmt: skip
    # one pair is all there is: no residual
    assert next(lag_table([a, b], lags=1)).z is None


def test_events_are_onsets_in_the_order_of_time() -> None:
    events = events_of(dyad([(0, 4)]))
    assert events == [
        ("person 1", "gaze_target", "person 2"), ("person 1", "speaking", ""),
        ("person 2", "gaze_target", "scene"), ("person 2", "speaking", ""),
        ("person 2", "gaze_target", "person 1"),
    ]  # fmt: skip
