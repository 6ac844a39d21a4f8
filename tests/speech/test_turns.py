from __future__ import annotations

import itertools

import numpy as np
import pytest

from eyeline.results import ANYBODY, UNSEEN, UNSURE
from eyeline.speech import turns as module
from eyeline.speech.turns import Evidence, answers, named, take_turns
from eyeline.speech.voice import Speech

from .synthesis import make_track


def speech_in(*spans_s: tuple[float, float], duration_s: float = 12.0) -> Speech:
    """A voice inside the spans."""
    centre = (np.arange(round(duration_s / 0.032)) + 0.5) * 0.032
    inside = np.any([(centre >= a) & (centre < b) for a, b in spans_s], axis=0)
    nothing = np.zeros(0, np.float32)
    return Speech(np.where(inside, 0.99, 0.0).astype(np.float32), nothing, nothing)


def evidence(rates: list[list[tuple[float, float, float]]], ticks: int = 300) -> Evidence:
    """Persons 1, 2, ... with (start, end, nats a second); visible and known where one is given."""
    out = Evidence.empty(np.arange(1, len(rates) + 1), ticks)
    for k, spans in enumerate(rates):
        for start, end, rate in spans:
            there = slice(round(start * 25), round(end * 25))
            out.visible[there, k] = out.known[there, k] = True
            out.rate[there, k] = rate
    return out


def log(found: Evidence, speech: Speech) -> list[tuple[int, float, float]]:
    """The segments."""
    persons = found.persons.tolist()
    time_s = np.arange(len(found.visible)) / 25
    tracks = [make_track(p, time_s, np.zeros(len(time_s))) for p in persons]
    spans = answers(take_turns(found, speech), tracks, "test")[1]
    rows = zip(spans.person, spans.start_s, spans.end_s, strict=True)
    return [(int(p), round(float(a), 1), round(float(b), 1)) for p, a, b in rows]


def test_smoothing_equals_the_sum_over_all_paths() -> None:
    rng = np.random.default_rng(0)
    likely = rng.random((5, 1, 3)) + 0.05
    likely[2:, 0, 2] = 0  # somebody leaves
    fraction = rng.random((5, 1, 3)) + 0.05
    fraction[2:, 0, 2] = 0
    fraction /= fraction.sum(axis=2, keepdims=True)
    switch = rng.random((5, 1, 3))
    switch[2:, 0, 2] = 1
    expected = np.zeros((5, 3))
    for path in itertools.product(range(3), repeat=5):
        p = fraction[0, 0, path[0]] * likely[0, 0, path[0]]
        for t in range(1, 5):
            anew = switch[t, 0, path[t - 1]]
            move = (1 - anew) * (path[t] == path[t - 1]) + anew * fraction[t, 0, path[t]]
            p *= move * likely[t, 0, path[t]]
        expected[np.arange(5), list(path)] += p
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(module._smooth(likely, fraction, switch)[:, 0], expected, atol=1e-12)


def test_turns_follow_the_evidence() -> None:
    result = evidence([[(0, 6, 2.0), (6, 12, -2.0)], [(0, 6, -2.0), (6, 12, 2.0)]])
    assert log(result, speech_in((1, 11))) == [
        (1, 1.0, pytest.approx(6, abs=0.11)),
        (2, pytest.approx(6, abs=0.11), 11.0),
    ]


@pytest.mark.parametrize(
    ("rates", "voice", "expected"),
    [
        ([[(0, 12, -1.5)]], [(2, 8)], [(UNSEEN, 2.0, 8.0)]),  # nobody visible speaks
        ([], [(2, 4), (7, 9)], [(UNSEEN, 2.0, 4.0), (UNSEEN, 7.0, 9.0)]),  # there are no faces
        ([[(0, 5, 3.0)]], [(1, 9)], [(UNSEEN, 5.0, 9.0), (1, 1.0, 5.0)]),  # who leaves ends
        ([[(0, 5, 3.0), (5.6, 12, 3.0)]], [(1, 9)], [(1, 1.0, 9.0)]),  # lost for a moment
        (  # a moment of doubt
            [[(0, 5, 2.0), (5, 5.4, -1.0), (5.4, 12, 2.0)], [(0, 12, -0.5)]],
            [(0.5, 11)], [(1, 0.5, 11.0)],
        ),
        ([[(0, 12, 3.0)], [(0, 12, 0.5)]], [(0.5, 11.5)], [(1, 0.5, 11.5)]),  # a weak second one
    ],
)  # fmt: skip
def test_turns_by_hand(
    rates: list[list[tuple[float, float, float]]],
    voice: list[tuple[float, float]],
    expected: object,
) -> None:
    assert log(evidence(rates), speech_in(*voice)) == expected


def test_no_voice_no_turn() -> None:
    result = evidence([[(0, 12, 5.0)]])
    assert log(result, speech_in((12, 12))) == []
    assert take_turns(result, speech_in((12, 12))).speaking.max() == 0


def test_two_may_speak_at_once() -> None:
    result = evidence([[(0, 9, 3.0), (9, 12, -3.0)], [(0, 3, -3.0), (3, 12, 3.0)]])
    spans = log(result, speech_in((0.5, 11.5)))
    assert [s[0] for s in spans] == [1, 2]
    assert spans[0][2] == pytest.approx(9, abs=0.5)
    assert spans[1][1] == pytest.approx(3, abs=0.5)


def test_what_cannot_be_said_is_nan() -> None:
    result = Evidence.empty(np.array([1]), 300)
    result.visible[:] = True
    spoken = take_turns(result, speech_in((2, 8)))
    assert np.isnan(spoken.speaking[60:190]).all()
    assert (spoken.speaking[:40] == 0).all()
    assert log(result, speech_in((2, 8))) == [(UNSURE, 2.0, 8.0)]
    # Known before and after, which leaves no doubt between.
    result.known[:90] = result.known[150:] = True
    result.rate[:90] = result.rate[150:] = 4.0
    assert take_turns(result, speech_in((2, 8))).speaking[100:140].min() > 0.8


def test_probabilities_are_probabilities() -> None:
    rng = np.random.default_rng(1)
    result = evidence([[(0, 12, 0.0)], [(2, 9, 0.0)], [(0, 4, 0.0), (8, 12, 0.0)]])
    result.rate[:] = 20 * rng.standard_normal(result.rate.shape)
    spoken = take_turns(result, speech_in((0.3, 5), (6, 11)))
    assert spoken.speaking.min() >= 0
    assert spoken.speaking.max() <= 1
    assert (spoken.speaking[~result.visible] < 1e-9).all()
    assert (spoken.unseen + spoken.speaking.max(axis=1) <= 1 + 1e-9).all()


def test_rows_come_in_the_order_of_the_tracks() -> None:
    result = evidence([[(0, 12, 3.0)], [(0, 12, -3.0)]])
    early, late = 0.04 * np.arange(50), 5 + 0.04 * np.arange(30)
    tracks = [
        make_track(9, early, np.zeros(50), person=2),
        make_track(4, late, np.zeros(30), person=1),
        make_track(5, early, np.zeros(50), person=1),
    ]
    scores = answers(take_turns(result, speech_in((0.0, 11))), tracks, "test")[0]
    assert scores.person.tolist() == [2] * 50 + [1] * 80
    np.testing.assert_array_equal(scores.time_s, np.concatenate([early, late, early]))
    assert scores.value[:50].max() < 0.1
    assert scores.value[55:].min() > 0.9
    assert (scores.system, scores.builder, scores.name) == ("speech", "test", "speaking")
    assert scores.threshold == 0.5


def test_nothing_in_nothing_out() -> None:
    result = answers(take_turns(evidence([], ticks=0), speech_in((1, 2))), [], "test")
    assert [len(one) for one in result] == [0, 0, 0]


def test_blinks_of_speech_are_not_reported() -> None:
    result = evidence([[(0, 12, 3.0)]])
    result.visible[100:] = False
    # Visible to second 4, speech from 3.9: a tenth of a second of turn.
    assert log(result, speech_in((3.9, 8))) == [
        (UNSURE, 3.9, 4.0),
        (UNSEEN, 4.0, 8.0),
    ]


def test_every_voiced_tick_has_one_answer() -> None:
    rng = np.random.default_rng(3)
    result = evidence([[(0, 12, 0.0)], [(2, 9, 0.0)], [(0, 4, 0.0), (8, 10, 0.0)]])
    result.rate[:] = 3 * np.repeat(rng.standard_normal((20, 3)), 15, axis=0)
    result.known[100:150] = False
    turns = take_turns(result, speech_in((0.3, 5), (6, 11)))
    for threshold, unseen in ((0.5, 0.5), (0.6, 0.9), (1.1, 1.1)):
        who = named(turns, threshold, unseen)
        parts = who.person.any(axis=1).astype(int) + who.unseen + who.unsure
        np.testing.assert_array_equal(parts, turns.voiced)
    assert not who.person.any() and who.unsure.any()
    # Without anybody in view it is sure that nobody visible speaks.
    assert named(turns, 1.1, 1.1).unseen[~turns.there.any(axis=1) & turns.voiced].all()


def test_voice_is_reported_apart_from_who_speaks() -> None:
    result = evidence([[(0, 6, 3.0), (6, 12, -3.0)]])
    time_s = np.arange(300) / 25
    tracks = [make_track(1, time_s, np.zeros(300))]
    turns = take_turns(result, speech_in((1, 9)))
    scores, speaking, voice = answers(turns, tracks, "test", thresholds=(0.9, 1.1))
    assert scores.threshold == 0.9
    assert (voice.name, voice.person.tolist(), voice.label) == ("voice", [ANYBODY], ("voice",))
    assert (voice.start_s[0], voice.end_s[0]) == (1.0, 9.0)
    lengths = speaking.end_s - speaking.start_s
    assert lengths.sum() == pytest.approx(8.0)
    assert set(speaking.person.tolist()) == {1, UNSURE}
    assert speaking.label[speaking.person.tolist().index(UNSURE)] == "not sure who"
