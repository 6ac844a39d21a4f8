"""The numbers of a report, against sums done by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from eyeline.export.headlines import headlines
from eyeline.export.summary import Fraction, speech_seconds, summarise
from eyeline.export.words import clock, count, duration, percent, question, title
from eyeline.results import (
    ANYBODY,
    UNSEEN,
    UNSURE,
    WEARER,
    Analysis,
    Segments,
    VideoInfo,
    make_segments,
)

MakeAnalysis = Callable[..., Analysis]
Row = tuple[int, float, float, str, float]


def answer(name: str, rows: Sequence[Row]) -> Segments:
    return make_segments("room", "builder", name, rows)


LOOKS = answer(
    "gaze_target",
    [
        (1, 0.0, 4.0, "person 2", 0.9), (1, 4.0, 5.0, "scene", 0.9),
        (1, 5.0, 8.0, "person 2", 0.9), (2, 1.0, 3.0, "person 1", 0.9),
        (2, 3.0, 6.0, "toy", 0.9), (2, 6.0, 7.0, "person 1", 0.9), (2, 7.0, 8.0, "camera", 0.9),
    ],
)  # fmt: skip
SPEECH = answer(
    "speaking",
    [(1, 0.0, 2.0, "speech", 1.0), (2, 1.0, 4.0, "speech", 1.0), (UNSEEN, 6.0, 7.0, "speech", 1.0)],
)
MUTUAL = answer(
    "mutual_gaze",
    [
        (1, 1.0, 3.0, "person 2", 0.9), (2, 1.0, 3.0, "person 1", 0.9),
        (1, 6.0, 7.0, "person 2", 0.9), (2, 6.0, 7.0, "person 1", 0.9),
    ],
)  # fmt: skip
CONTACT = answer("eye_contact", [(2, 1.0, 2.0, "contact", 0.75), (2, 3.0, 3.5, "contact", 0.5)])


def unmeasured(analysis: Analysis, until_s: dict[int, float]) -> Analysis:
    """Eye contact is never seen, and measured of each person only up to some time."""
    old = analysis.scores("eye_contact")
    until = np.array([until_s[n] for n in old.person.tolist()])
    scores = replace(old, value=np.where(old.time_s < until - 1e-9, 0.1, np.nan))
    kept = tuple(a for a in analysis.answers if a.name != "eye_contact")
    return replace(analysis, answers=(*kept, scores))


@pytest.fixture
def pair(make_analysis: MakeAnalysis) -> Analysis:
    return replace(make_analysis(persons=2), answers=(LOOKS, SPEECH, CONTACT, MUTUAL))


def test_looks_are_summed_by_target(pair: Analysis) -> None:
    summary = summarise(pair)
    first, second = summary.persons
    assert first.targets == {
        "person 2": Fraction(7.0, 8.0, 2, 4.0), "scene": Fraction(1.0, 8.0, 1, 1.0)
    }  # fmt: skip
    assert list(second.targets) == ["person 1", "toy", "camera"]
    assert second.targets["person 1"] == Fraction(3.0, 7.0, 2, 2.0)
    assert summary.targets == ("person 1", "person 2", "scene", "off screen", "camera", "toy")


def test_mutual_gaze_is_what_both_looks_have_in_common(pair: Analysis) -> None:
    summary = summarise(pair)
    assert summary.mutual == {(1, 2): Fraction(3.0, 7.0, 2, 2.0)}
    mutual = [(e.start_s, e.end_s, e.who) for e in summary.episodes if e.kind == "mutual_gaze"]
    assert mutual == [(1.0, 3.0, (1, 2)), (6.0, 7.0, (1, 2))]


def test_speech_is_shared_out(pair: Analysis) -> None:
    summary = summarise(pair)
    assert summary.speech_s == 5.0
    assert summary.unseen_s == 1.0
    assert summary.persons[0].speaking == Fraction(2.0, 5.0, 1, 2.0)
    assert summary.persons[1].speaking == Fraction(3.0, 5.0, 1, 3.0)
    assert [p.person for p in summary.persons] == [1, 2]


def test_contact_is_a_fraction_of_the_time_seen(pair: Analysis) -> None:
    summary = summarise(pair)
    assert summary.persons[1].states["eye_contact"] == Fraction(1.5, 8.0, 2, 1.0)
    assert summary.persons[0].states["eye_contact"] == Fraction(0.0, 8.0, 0, 0.0)
    contacts = [(e.start_s, e.who, e.score) for e in summary.episodes if e.kind == "eye_contact"]
    assert contacts == [(1.0, (2,), 0.75), (3.0, (2,), 0.5)]
    assert [e.start_s for e in summary.episodes] == [1.0, 1.0, 3.0, 6.0]


def test_frames_give_the_same_numbers_as_segments(make_analysis: MakeAnalysis) -> None:
    summary = summarise(make_analysis(persons=4, frames=200))
    for person in summary.persons:
        assert sum(s.seconds for s in person.targets.values()) == pytest.approx(8.0)
        assert person.targets["camera"].seconds == pytest.approx(2.0)
        assert person.states["eye_contact"].seconds == pytest.approx(2.0)
        assert person.seen.fraction == 1.0
    assert summary.mutual.keys() == {(1, 3), (2, 4)}
    assert summary.mutual[1, 3].seconds == pytest.approx(2.0)


def test_of_two_builders_the_first_counts(pair: Analysis) -> None:
    other = make_segments("room", "other", "speaking", [(1, 0.0, 8.0, "speech", 1.0)])
    assert summarise(replace(pair, answers=(SPEECH, other))).speech_s == 5.0


def test_the_wearer_is_a_person_of_the_report(pair: Analysis) -> None:
    talk = answer("speaking", [(WEARER, 0.0, 1.0, "speech", 1.0)])
    summary = summarise(replace(pair, answers=(talk,)))
    assert [p.label for p in summary.persons] == ["person 1", "person 2", "camera wearer"]


def test_little_attributed_speech_is_not_all_speech(make_analysis: MakeAnalysis) -> None:
    rows = [
        (1, 2.0, 2.9, "speech", 0.9),
        (UNSURE, 0.0, 2.0, "not sure who", 0.4),
        (UNSURE, 2.9, 6.0, "not sure who", 0.4),
        (UNSEEN, 6.0, 7.0, "nobody visible", 0.9),
    ]
    voice = make_segments("speech", "b", "voice", [(ANYBODY, 0.0, 7.0, "voice", 1.0)])
    analysis = make_analysis(persons=2, answers=(answer("speaking", rows), voice))
    assert speech_seconds(analysis) == {
        "voiced_s": 7.0,
        "attributed_s": pytest.approx(0.9),
        "not_sure_who_s": pytest.approx(5.1),
        "nobody_visible_s": 1.0,
    }
    summary = summarise(analysis)
    assert [person.person for person in summary.persons] == [1, 2]
    assert summary.persons[0].speaking is not None
    assert summary.persons[0].speaking.fraction == pytest.approx(0.9 / 7)
    assert all("voice" not in person.states for person in summary.persons)
    assert said(analysis)[1].startswith("person 1 speaks: 0.9 s, 13 % of 7.0 s of speech")
    assert speech_seconds(make_analysis(persons=1, answers=())) is None


def test_a_missing_score_is_not_a_no(make_analysis: MakeAnalysis) -> None:
    analysis = unmeasured(make_analysis(persons=2), {1: 0.0, 2: 2.0})
    summary = summarise(analysis)
    assert [p.states["eye_contact"].of_s for p in summary.persons] == [0.0, pytest.approx(2.0)]
    assert summary.persons[0].states["eye_contact"].fraction is None
    nobody = unmeasured(analysis, {1: 0.0, 2: 0.0})
    assert "Eye contact could not be measured: of anybody; that is not a no" in said(nobody)
    assert not any(line.startswith("No eye contact") for line in said(nobody))


def test_speech_that_could_not_be_judged_is_named(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2)
    scores = analysis.scores("speaking")
    value = np.where(scores.person == 1, np.nan, scores.value)
    rows = [(2, 0.0, 3.0, "speech", 0.9), (UNSURE, 3.0, 5.0, "not sure who", 0.4)]
    speech = answer("speaking", rows)
    speech = replace(speech, builder=scores.builder)
    first, second = summarise(
        replace(analysis, answers=(replace(scores, value=value), speech))
    ).persons
    assert (first.judged_speech_s, second.judged_speech_s) == (0.0, pytest.approx(3.0))


def test_joint_attention_is_one_episode_of_all_who_take_part(pair: Analysis) -> None:
    rows = [
        (1, 1.0, 3.0, "person 3 with person 2", 0.8), (2, 1.0, 3.0, "person 3 with person 1", 0.8),
        (1, 5.0, 6.0, "camera with person 2", 0.8), (2, 5.0, 6.0, "camera with person 1", 0.8),
    ]  # fmt: skip
    summary = summarise(replace(pair, answers=(*pair.answers, answer("joint_attention", rows))))
    assert summary.joint == {
        "person 3": Fraction(2.0, 7.0, 1, 2.0),
        "camera": Fraction(1.0, 7.0, 1, 1.0),
    }
    joint = [(e.who, e.partner) for e in summary.episodes if e.kind == "joint_attention"]
    assert joint == [((1, 2), "person 3"), ((1, 2), "camera")]


def test_mutual_gaze_is_read_from_its_segments_alone(pair: Analysis) -> None:
    without = replace(pair, answers=(LOOKS, SPEECH, CONTACT))
    assert summarise(without).mutual is None, "looks at each other make no answer of their own"


def test_nobody(nobody: Analysis) -> None:
    summary = summarise(nobody)
    assert (summary.persons, summary.episodes, summary.targets) == ((), (), ())
    assert (summary.mutual, summary.joint) == (None, None), "not answered is not none"
    assert summary.speech_s is None


def said(analysis: Analysis) -> list[str]:
    return [f"{h.claim}: {h.detail}" for h in headlines(analysis, summarise(analysis))]


def test_headlines_say_it_in_words(pair: Analysis) -> None:
    assert said(pair) == [
        "2 people were seen: in 8.0 s of video",
        (
            "person 2 speaks most: 3.0 s, 60 % of 5.0 s of speech, of which 4.0 s are attributed; "
            "then person 1, 2.0 s; 1.0 s by nobody visible"
        ),
        (
            "person 2 is looked at most: 7.0 s in all; most by person 1, 7.0 s, "
            "88 % of 8.0 s of their looks"
        ),
        (
            "person 1 and person 2 look at each other: 3.0 s in 2 episodes, the longest 2.0 s; "
            "43 % of 7.0 s in which both are followed"
        ),
        (
            "person 2 has eye contact: 1.5 s in 2 episodes, the longest 1.0 s; "
            "19 % of 8.0 s that could be measured"
        ),
    ]
    sources = [h.source for h in headlines(pair, summarise(pair))]
    assert sources == ["", *["room/builder"] * 4]


def test_headlines_do_not_make_up_a_winner(make_analysis: MakeAnalysis) -> None:
    lines = said(make_analysis(persons=4))
    assert lines[1].startswith("person 1 speaks most, 3 others as long: 2.0 s")
    assert any(line.startswith("person 1 is looked at most, others as long") for line in lines)
    assert any(line.startswith("person 1 has eye contact most, 3 others") for line in lines)


def test_headlines_say_what_was_not_found(
    nobody: Analysis, make_analysis: MakeAnalysis, make_video_info: Callable[..., VideoInfo]
) -> None:
    assert said(nobody) == [
        "Nobody was seen: in 2.0 s of video",
        "The video has no audio: so that nothing is said about speech",
    ]
    quiet = replace(
        make_analysis(persons=2),
        answers=(answer("gaze_target", [(1, 0.0, 1.0, "scene", 1.0)]), answer("speaking", []),
                 answer("eye_contact", []), answer("looks_at_camera", []),
                 answer("mutual_gaze", []), answer("joint_attention", [])),
    )  # fmt: skip
    assert said(quiet)[1:] == [
        "Nobody speaks: no speech was heard",
        "Nobody looks at another visible person: in 1.0 s of looks followed",
        "No two people look at each other: at any one time",
        "No eye contact: in 16.0 s that could be measured, all people together",
        "Nobody looks at the camera: in 16.0 s that could be measured, all people together",
    ]
    unseen = answer("speaking", [(UNSEEN, 0.0, 3.0, "speech", 1.0)])
    assert said(replace(quiet, answers=(unseen,)))[1].startswith("Only unseen people speak: 3.0 s")
    unsure = answer("speaking", [(UNSURE, 0.0, 3.0, "not sure who", 0.4)])
    assert said(replace(quiet, answers=(unsure,)))[1] == (
        "It cannot be said who speaks: 3.0 s of speech: 3.0 s not sure by whom"
    )
    one = make_analysis(persons=1, answers=())
    assert said(one) == ["1 person was seen: in 8.0 s of video"]


@pytest.mark.parametrize(
    ("seconds", "length", "moment"),
    [
        (0.0, "0.0 s", "0:00.0"),
        (0.05, "0.1 s", "0:00.1"),
        (59.96, "1 min 00 s", "1:00.0"),
        (125.44, "2 min 05 s", "2:05.4"),
        (3599.7, "1 h 00 min", "59:59.7"),
        (7384.25, "2 h 03 min", "2:03:04.3"),
    ],
)
def test_durations_and_moments(seconds: float, length: str, moment: str) -> None:
    assert duration(seconds) == length
    assert clock(seconds) == moment


def test_other_words() -> None:
    fractions = (None, 0.0, 0.004, 0.015, 0.995, 1.0)
    assert [percent(s) for s in fractions] == [chr(0x2013), "0 %", "< 1 %", "2 %", "100 %", "100 %"]
    assert [count(n, "turn") for n in (0, 1, 1200)] == ["0 turns", "1 turn", "1,200 turns"]
    assert title("looks_at_camera") == "looks at the camera"
    assert title("points_at_toy") == "points at toy"
    assert question("my_system") == "My system"
