"""The numbers of a report: who looks at whom for how long, who speaks, when there is contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eyeline.export.coverage import Coverage, coverages, excluded_spans
from eyeline.export.intervals import Spans, as_spans, both, joined, length, merged, shared, without
from eyeline.export.spans import VOICE, all_segments, everyone, once, seen_spans
from eyeline.export.words import label_of
from eyeline.people.shared_looks import JOINT, MUTUAL, joint_parts
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
    TARGET_SCENE,
    UNSEEN,
    UNSURE,
    WEARER,
    Analysis,
    Segments,
    person_label,
    person_number,
    target_label,
)

SPEAKING = "speaking"
TARGET = "gaze_target"
_OF_LOOKS = (MUTUAL, JOINT)
"""Derived from the targets of looks, and measured where these are."""


@dataclass(frozen=True)
class Fraction:
    """How long something of a person held, and in how many pieces."""

    seconds: float
    of_s: float
    """The time that the name of the field says, in which it could be measured."""
    episodes: int
    longest_s: float

    @property
    def fraction(self) -> float | None:
        """Of that time, None where nothing could be measured."""
        return min(1.0, self.seconds / self.of_s) if self.of_s > 0 else None


@dataclass(frozen=True)
class PersonSummary:
    """What there is to say of one person."""

    person: int
    label: str
    seen: Fraction
    """Of the time that was recorded."""
    speaking: Fraction | None
    """Of all speech; None where nothing is said of speech."""
    judged_speech_s: float
    """Speech in which it could be said whether this person speaks."""
    targets: Mapping[str, Fraction]
    """By label of what is looked at, longest first; of all the time with a target."""
    followed_s: float
    """Time with a target."""
    states: Mapping[str, Fraction]
    """By name of any other segments, such as `eye_contact`; of the time in which it could be
    measured, which for segments without scores is the time the person is seen."""


@dataclass(frozen=True)
class Episode:
    """A contact of one person, two people who look at each other, or joint attention."""

    start_s: float
    end_s: float
    kind: str
    who: tuple[int, ...]
    score: float
    """Mean score."""
    partner: str = ""
    """With whom, or at what, in words, where the segments say so."""
    corrected: bool = False
    """Whether people have corrected it."""


@dataclass(frozen=True)
class Summary:
    """All numbers of a report."""

    persons: tuple[PersonSummary, ...]
    speech_s: float | None
    """Time in which there is a voice, None where nothing is said of it."""
    attributed_s: float
    """Of it that of visible people who are named."""
    unseen_s: float
    """Of it that of people who are not visible."""
    unsure_s: float
    """Of it that in which somebody is visible and it cannot be said who speaks."""
    targets: tuple[str, ...]
    """Labels of all that is looked at: persons, then scene, off screen, camera, then others."""
    mutual: Mapping[tuple[int, int], Fraction] | None
    """By pair of persons, the smaller number first; of the time that both have a target. None where
    nothing is said of mutual gaze."""
    joint: Mapping[str, Fraction] | None
    """Joint attention by target; of the time that two or more people have a target. None where
    nothing is said of it."""
    episodes: tuple[Episode, ...]
    """In the order of time."""
    segments: tuple[Segments, ...]
    """What all of it was taken from."""
    covered: Mapping[str, Coverage]
    """By name of segments, where their question could be measured."""

    def missing(self, answer: Segments, person: int) -> Spans:
        """Where a person is seen and an answer could not be given."""
        coverage = self.covered.get(answer.name)
        return as_spans([]) if coverage is None else coverage.missing.get(person, as_spans([]))


@once
def summarise(analysis: Analysis) -> Summary:
    """All numbers of a report.

    Looks, states and speech are taken from the segments of the analysis, which are also what its
    timeline shows; where there are none, from the runs of scores and points.
    """
    segments = _first_of_each_name(all_segments(analysis))
    numbers = [n for n in everyone(analysis, segments) if n >= WEARER]
    whole = observe(analysis)
    seconds = _speech_seconds(whole.speaking, whole.voice, analysis) or {}
    return Summary(
        persons=tuple(_person(whole, number) for number in numbers),
        speech_s=seconds.get("voiced_s"),
        attributed_s=seconds.get("attributed_s", 0.0),
        unseen_s=seconds.get("nobody_visible_s", 0.0),
        unsure_s=seconds.get("not_sure_who_s", 0.0),
        targets=_targets(whole.looks, numbers),
        mutual=_mutual(whole),
        joint=_joint(whole),
        episodes=_episodes(segments),
        segments=tuple(segments),
        covered=whole.measured,
    )


@dataclass(frozen=True)
class Observations:
    """What the numbers are taken from, of a video here and of many in `eyeline.summary`."""

    analysis: Analysis
    spans: Mapping[str, LabelledSpans]
    """By name of the segments."""
    measured: Mapping[str, Coverage]
    """By name, of the builder that gave the segments."""

    @property
    def looks(self) -> LabelledSpans:
        """Targets of looks."""
        return self.spans.get(TARGET, _NONE)

    @property
    def speaking(self) -> LabelledSpans | None:
        """Who speaks; None where nothing is said of it."""
        return self.spans.get(SPEAKING)

    @property
    def voice(self) -> LabelledSpans:
        """Voice activity."""
        return self.spans.get(VOICE, _NONE)

    def measured_s(self, name: str, person: int, seen_s: float) -> float:
        """Time in which something could be measured; of segments without scores the time seen."""
        spans = self.measured_spans(name, person)
        if spans is not None:
            return length(spans)
        seen = seen_spans(self.analysis).get(person, as_spans([]))
        return seen_s - length(both(seen, excluded_spans(self.analysis, name, person)))

    def measured_spans(self, name: str, person: int, partner: int | None = None) -> Spans | None:
        """Where something could be measured; None for segments without scores or points.

        What several people share could be measured where the targets of all of them could.

        Args:
            name: of the segments.
            person: whose.
            partner: who shares it; anybody by default.
        """
        coverage = self.measured.get(TARGET if name in _OF_LOOKS else name)
        if coverage is None:
            return None
        own = merged(coverage.spans(person))
        if name not in _OF_LOOKS:
            return own
        others = [
            without(merged(coverage.spans(other)), excluded_spans(self.analysis, name, other))
            for other in coverage.measured
            if other != person and partner in (None, other)
        ]
        of_two = both(own, merged(joined(*others)))
        return without(of_two, excluded_spans(self.analysis, name, person))


@once
def observe(analysis: Analysis) -> Observations:
    """The segments of an analysis by name, and where each could be measured."""
    segments = _first_of_each_name(all_segments(analysis))
    spans = {s.name: LabelledSpans(s) for s in segments}
    return Observations(analysis, spans, _measured(analysis, segments))


def _measured(analysis: Analysis, segments: Sequence[Segments]) -> dict[str, Coverage]:
    builders = {s.name: s.builder for s in segments}
    return {
        coverage.name: coverage
        for coverage in coverages(analysis)
        if builders.get(coverage.name) == coverage.builder
    }


def speech_seconds(analysis: Analysis) -> dict[str, float] | None:
    """Seconds with a voice and what is known of them; None where nothing is said of speech."""
    by_name: dict[str, Segments] = {s.name: s for s in reversed(analysis.of(Segments))}
    if SPEAKING not in by_name:
        return None
    speaking = LabelledSpans(by_name[SPEAKING])
    return _speech_seconds(speaking, LabelledSpans(by_name.get(VOICE)), analysis)


def _speech_seconds(
    speaking: LabelledSpans | None, voice: LabelledSpans, analysis: Analysis
) -> dict[str, float] | None:
    if speaking is None:
        return None
    if not len(joined(speaking.all(), voice.all())) and _nothing_measured(analysis):
        return None
    excluded = excluded_spans(analysis, SPEAKING, None)
    named = [speaking.of(person) for person in speaking.persons if person > 0]
    of = {
        "voiced_s": joined(speaking.all(), voice.all()),
        "attributed_s": joined(*named),
        "not_sure_who_s": speaking.of(UNSURE),
        "nobody_visible_s": speaking.of(UNSEEN),
    }
    return {name: length(without(merged(spans), excluded)) for name, spans in of.items()}


def _nothing_measured(analysis: Analysis) -> bool:
    """Whether people are seen, and of nobody could it be measured when they speak."""
    covers = [c for c in coverages(analysis) if c.name == SPEAKING]
    missing = any(len(spans) for c in covers for spans in c.missing.values())
    return missing and not any(len(spans) for c in covers for spans in c.measured.values())


class LabelledSpans:
    """The segments of one answer by person and label, each in the order of time."""

    def __init__(self, segments: Segments | None) -> None:
        self._by: dict[int, dict[str, list[tuple[float, float]]]] = {}
        self._whole: dict[int, Spans] = {}
        if segments is not None:
            starts, ends = segments.start_s.tolist(), segments.end_s.tolist()
            people, labels = segments.person.tolist(), segments.label
            for start, end, person, label in sorted(zip(starts, ends, people, labels, strict=True)):
                self._by.setdefault(person, {}).setdefault(label, []).append((start, end))

    def of(self, person: int, label: str | None = None) -> Spans:
        """Of a person, with one label or with any, in the order of time."""
        by_label = self._by.get(person, {})
        if label is not None:
            return as_spans(by_label.get(label, []))
        if person not in self._whole:
            together = sorted(span for spans in by_label.values() for span in spans)
            self._whole[person] = as_spans(together)
        return self._whole[person]

    @property
    def persons(self) -> list[int]:
        """Who has segments."""
        return list(self._by)

    def all(self) -> Spans:
        """Of all persons, one after the other."""
        return joined(*(self.of(person) for person in self._by))

    def labels(self, person: int | None = None) -> set[str]:
        """Of a person, or of all."""
        chosen = self._by.values() if person is None else [self._by.get(person, {})]
        return {label for by_label in chosen for label in by_label}


_NONE = LabelledSpans(None)


def _first_of_each_name(segments: Sequence[Segments]) -> list[Segments]:
    by_name: dict[str, Segments] = {}
    for answer in segments:
        by_name.setdefault(answer.name, answer)
    return list(by_name.values())


def _person(whole: Observations, person: int) -> PersonSummary:
    known = next((p for p in whole.analysis.persons if p.person == person), None)
    seen_s = known.seen_s if known else 0.0
    excluded = excluded_spans(whole.analysis, None, person)
    seen = seen_spans(whole.analysis).get(person, as_spans([]))
    visible_s = seen_s - length(both(seen, excluded))
    analysed_s = whole.analysis.video.analysed_s - length(excluded)
    looks = whole.looks
    followed_s = length(looks.of(person))
    targets = {
        label: _fraction(looks.of(person, label), followed_s) for label in looks.labels(person)
    }
    spoken, judged_s = _speech_of(whole, person)
    return PersonSummary(
        person=person,
        label=person_label(person),
        seen=Fraction(visible_s, analysed_s, 1, visible_s),
        speaking=spoken,
        judged_speech_s=judged_s,
        targets=dict(sorted(targets.items(), key=lambda item: (-item[1].seconds, item[0]))),
        followed_s=followed_s,
        states={
            name: _fraction(spans.of(person), whole.measured_s(name, person, seen_s))
            for name, spans in whole.spans.items()
            if name not in (TARGET, SPEAKING, VOICE)
        },
    )


def _speech_of(whole: Observations, person: int) -> tuple[Fraction | None, float]:
    """A person's part of all speech, and the speech in which it could be judged."""
    if whole.speaking is None:
        return None, 0.0
    excluded = excluded_spans(whole.analysis, SPEAKING, person)
    speech = without(merged(joined(whole.speaking.all(), whole.voice.all())), excluded)
    coverage = whole.measured.get(SPEAKING)
    judged = speech if coverage is None else both(speech, merged(coverage.spans(person)))
    judged = without(judged, merged(whole.speaking.of(UNSURE)))
    return _fraction(whole.speaking.of(person), length(speech)), length(judged)


def _targets(looks: LabelledSpans, numbers: Sequence[int]) -> tuple[str, ...]:
    if looks is _NONE:
        return ()
    places = (TARGET_SCENE, TARGET_OFF_SCREEN, TARGET_CAMERA)
    usual = [person_label(n) for n in numbers if n > 0] + [target_label(t) for t in places]
    return tuple(usual + sorted(looks.labels() - set(usual)))


def _mutual(whole: Observations) -> dict[tuple[int, int], Fraction] | None:
    """For each pair of persons how long they look at each other."""
    if MUTUAL not in whole.spans:
        return None
    result = whole.spans[MUTUAL]
    pairs = {
        (person, other): result.of(person, label)
        for person in result.persons
        for label in result.labels(person)
        if (other := person_number(label) or 0) > person
    }
    return {
        pair: _fraction(spans, _both_followed_s(whole, *pair))
        for pair, spans in sorted(pairs.items())
    }


def _both_followed_s(whole: Observations, a: int, b: int) -> float:
    """Time in which two people have a target and their mutual gaze is known."""
    excluded = [excluded_spans(whole.analysis, MUTUAL, person) for person in (a, b)]
    followed = both(merged(whole.looks.of(a)), merged(whole.looks.of(b)))
    return length(without(followed, merged(joined(*excluded))))


def _joint(whole: Observations) -> dict[str, Fraction] | None:
    """For each target how long two or more people look at it together."""
    if JOINT not in whole.spans:
        return None
    result, by_target = whole.spans[JOINT], dict[str, list[Spans]]()
    for person in result.persons:
        for label in sorted(result.labels(person)):
            by_target.setdefault(joint_parts(label)[0], []).append(result.of(person, label))
    two = shared(
        [
            without(merged(whole.looks.of(person)), excluded_spans(whole.analysis, JOINT, person))
            for person in whole.looks.persons
        ]
    )
    fractions = {
        t: _fraction(merged(joined(*spans)), length(two)) for t, spans in by_target.items()
    }
    return dict(sorted(fractions.items(), key=lambda item: (-item[1].seconds, item[0])))


def _episodes(segments: Sequence[Segments]) -> tuple[Episode, ...]:
    rows = {
        replace(_episode(s.name, person, start, end, score, label), corrected=corrected)
        for s in segments
        if label_of(s.name).episode
        for person, start, end, score, label, corrected in zip(
            s.person.tolist(),
            s.start_s.tolist(),
            s.end_s.tolist(),
            s.score.tolist(),
            s.label,
            [False] * len(s) if s.corrected is None else s.corrected.tolist(),
            strict=True,
        )
    }
    return tuple(sorted(rows, key=lambda e: (e.start_s, e.end_s, e.kind, e.who)))


def _episode(name: str, person: int, start: float, end: float, score: float, label: str) -> Episode:
    """One row; the rows of all who take part are one episode."""
    if name == MUTUAL:
        who = (person, person_number(label) or person)
        return Episode(start, end, name, tuple(sorted(who)), score)
    if name == JOINT:
        target, others = joint_parts(label)
        return Episode(start, end, name, tuple(sorted((person, *others))), score, target)
    return Episode(start, end, name, (person,), score, label if label_of(name).partner else "")


def _fraction(spans: Spans, whole_s: float) -> Fraction:
    lengths = spans[:, 1] - spans[:, 0]
    longest = float(lengths.max()) if len(lengths) else 0.0
    return Fraction(float(lengths.sum()), whole_s, len(lengths), longest)
