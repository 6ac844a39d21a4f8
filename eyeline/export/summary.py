"""The numbers of a report: who looks at whom for how long, who speaks, when there is contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.export.spans import VOICE, Clock, all_segments, clock_of, everyone
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
    TARGET_SCENE,
    UNSEEN,
    UNSURE,
    WEARER,
    Analysis,
    Floats,
    Segments,
    person_label,
    target_label,
)

SPEAKING = "speaking"
TARGET = "gaze_target"
CONTACT = "eye_contact"
MUTUAL = "mutual_gaze"
EPISODES = (CONTACT, "looks_at_camera", "looking_at_me")
"""Names of the segments that are episodes of contact, beside mutual gaze."""

Spans = Floats
"""`(n, 2)` starts and ends in seconds, in the order of time."""


@dataclass(frozen=True)
class Share:
    """How long something of a person held, and in how many pieces."""

    seconds: float
    share: float | None
    """Of the time that the name of the field says, None where that is nothing."""
    episodes: int
    longest_s: float


@dataclass(frozen=True)
class PersonSummary:
    """What there is to say of one person."""

    person: int
    label: str
    seen: Share
    """Of the time that was recorded."""
    speaking: Share | None
    """Of all speech; None where nothing is said of speech."""
    targets: Mapping[str, Share]
    """By label of what is looked at, longest first; of all the time with a target."""
    states: Mapping[str, Share]
    """By name of any other segments, such as `eye_contact`; of the time the person is seen."""


@dataclass(frozen=True)
class Episode:
    """A contact of one person with the camera or a partner, or of two with each other."""

    start_s: float
    end_s: float
    kind: str
    who: tuple[int, ...]
    score: float | None
    """Mean score, None for mutual gaze."""
    partner: str = ""
    """With whom, in words, where the segments say so."""


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
    mutual: Mapping[tuple[int, int], Share]
    """By pair of persons, the smaller number first; of the time that both have a target."""
    episodes: tuple[Episode, ...]
    """In the order of time."""
    segments: tuple[Segments, ...]
    """What all of it was taken from."""
    clock: Clock


def summarise(analysis: Analysis) -> Summary:
    """All numbers of a report.

    Looks, states and speech are taken from the segments of the analysis, which are also what its
    timeline shows; where there are none, from the runs of scores and points.
    """
    clock = clock_of(analysis)
    segments = _first_of_each_name(all_segments(analysis, clock))
    numbers = [n for n in everyone(analysis, segments) if n >= WEARER]
    spans = {s.name: _Spans(s) for s in segments}
    looks, speaking = spans.pop(TARGET, _NONE), spans.pop(SPEAKING, None)
    seconds = _speech_seconds(speaking, spans.pop(VOICE, _NONE))
    spoken = None if seconds is None else seconds["voiced_s"]
    pairs = _mutual(looks, [n for n in numbers if n > 0])
    return Summary(
        persons=tuple(_person(analysis, n, spans, looks, speaking, spoken) for n in numbers),
        speech_s=spoken,
        attributed_s=(seconds or {}).get("attributed_s", 0.0),
        unseen_s=(seconds or {}).get("nobody_visible_s", 0.0),
        unsure_s=(seconds or {}).get("not_sure_who_s", 0.0),
        targets=_targets(looks, numbers),
        mutual={pair: _pair_share(looks, pair, both) for pair, both in pairs.items()},
        episodes=_episodes(segments, pairs),
        segments=tuple(segments),
        clock=clock,
    )


def speech_seconds(analysis: Analysis) -> dict[str, float] | None:
    """Seconds with a voice and what is known of them; None where nothing is said of speech."""
    by_name: dict[str, Segments] = {s.name: s for s in reversed(analysis.of(Segments))}
    if SPEAKING not in by_name:
        return None
    return _speech_seconds(_Spans(by_name[SPEAKING]), _Spans(by_name.get(VOICE)))


def _speech_seconds(speaking: _Spans | None, voice: _Spans) -> dict[str, float] | None:
    if speaking is None:
        return None
    named = [speaking.of(person) for person in speaking.persons if person > 0]
    of = {
        "voiced_s": _joined(speaking.all(), voice.all()),
        "attributed_s": _joined(*named),
        "not_sure_who_s": speaking.of(UNSURE),
        "nobody_visible_s": speaking.of(UNSEEN),
    }
    return {name: _length(_merged(spans)) for name, spans in of.items()}


class _Spans:
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
        by_label = self._by.get(person, {})
        if label is not None:
            return _as_spans(by_label.get(label, []))
        if person not in self._whole:
            together = sorted(span for spans in by_label.values() for span in spans)
            self._whole[person] = _as_spans(together)
        return self._whole[person]

    @property
    def persons(self) -> list[int]:
        return list(self._by)

    def all(self) -> Spans:
        return _joined(*(self.of(person) for person in self._by))

    def labels(self, person: int | None = None) -> set[str]:
        chosen = self._by.values() if person is None else [self._by.get(person, {})]
        return {label for by_label in chosen for label in by_label}


_NONE = _Spans(None)


def _joined(*spans: Spans) -> Spans:
    return np.concatenate([np.zeros((0, 2)), *spans])


def _as_spans(spans: Sequence[tuple[float, float]]) -> Spans:
    return np.array(spans, np.float64).reshape(-1, 2)


def _first_of_each_name(segments: Sequence[Segments]) -> list[Segments]:
    by_name: dict[str, Segments] = {}
    for answer in segments:
        by_name.setdefault(answer.name, answer)
    return list(by_name.values())


def _person(
    analysis: Analysis,
    person: int,
    states: Mapping[str, _Spans],
    looks: _Spans,
    speaking: _Spans | None,
    spoken_s: float | None,
) -> PersonSummary:
    known = next((p for p in analysis.persons if p.person == person), None)
    seen_s = known.seen_s if known else 0.0
    target_s = _length(looks.of(person))
    targets = {label: _share(looks.of(person, label), target_s) for label in looks.labels(person)}
    return PersonSummary(
        person=person,
        label=person_label(person),
        seen=Share(seen_s, _ratio(seen_s, analysis.video.recorded_s), 1, seen_s),
        speaking=None if speaking is None else _share(speaking.of(person), spoken_s or 0.0),
        targets=dict(sorted(targets.items(), key=lambda item: (-item[1].seconds, item[0]))),
        states={name: _share(spans.of(person), seen_s) for name, spans in states.items()},
    )


def _targets(looks: _Spans, numbers: Sequence[int]) -> tuple[str, ...]:
    if looks is _NONE:
        return ()
    places = (TARGET_SCENE, TARGET_OFF_SCREEN, TARGET_CAMERA)
    usual = [person_label(n) for n in numbers if n > 0] + [target_label(t) for t in places]
    return tuple(usual + sorted(looks.labels() - set(usual)))


def _mutual(looks: _Spans, numbers: Sequence[int]) -> dict[tuple[int, int], Spans]:
    """For each pair of persons who look at each other at all the common spans."""
    pairs = {
        (a, b): _both(looks.of(a, person_label(b)), looks.of(b, person_label(a)))
        for k, a in enumerate(numbers)
        for b in numbers[k + 1 :]
        if person_label(b) in looks.labels(a) and person_label(a) in looks.labels(b)
    }
    return {pair: spans for pair, spans in pairs.items() if len(spans)}


def _pair_share(looks: _Spans, pair: tuple[int, int], spans: Spans) -> Share:
    a, b = (_merged(looks.of(n)) for n in pair)
    return _share(spans, _length(_both(a, b)))


def _episodes(
    segments: Sequence[Segments], pairs: Mapping[tuple[int, int], Spans]
) -> tuple[Episode, ...]:
    single = [
        Episode(start, end, s.name, (person,), score, label if s.name == CONTACT else "")
        for s in segments
        if s.name in EPISODES
        for person, start, end, score, label in zip(
            s.person.tolist(),
            s.start_s.tolist(),
            s.end_s.tolist(),
            s.score.tolist(),
            s.label,
            strict=True,
        )
    ]
    mutual = [
        Episode(start, end, MUTUAL, pair, None)
        for pair, spans in pairs.items()
        for start, end in spans.tolist()
    ]
    return tuple(sorted(single + mutual, key=lambda e: (e.start_s, e.end_s, e.kind, e.who)))


def _merged(spans: Spans) -> Spans:
    """Spans in the order of time without overlap."""
    if not len(spans):
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    fresh = np.append(True, spans[1:, 0] > reach[:-1])
    last = np.append(np.flatnonzero(fresh)[1:], len(spans)) - 1
    return np.stack([spans[fresh, 0], reach[last]], -1)


def _both(a: Spans, b: Spans) -> Spans:
    """What two lists of spans, each without overlap, have in common."""
    left, right = a.tolist(), b.tolist()
    i = j = 0
    common: list[tuple[float, float]] = []
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if end > start:
            common.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return _as_spans(common)


def _length(spans: Spans) -> float:
    return float((spans[:, 1] - spans[:, 0]).sum())


def _share(spans: Spans, whole_s: float) -> Share:
    lengths = spans[:, 1] - spans[:, 0]
    seconds = float(lengths.sum())
    longest = float(lengths.max()) if len(lengths) else 0.0
    return Share(seconds, _ratio(seconds, whole_s), len(lengths), longest)


def _ratio(part: float, whole: float) -> float | None:
    return min(1.0, part / whole) if whole > 0 else None
