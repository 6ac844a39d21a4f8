"""What one video holds within a span of interest: episodes, and where each could be measured."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eyeline.export.columns import COMPUTED
from eyeline.export.coverage import excluded_spans
from eyeline.export.intervals import Spans, as_spans, both, joined, merged, without
from eyeline.export.spans import seen_spans
from eyeline.export.summary import SPEAKING, TARGET, LabelledSpans, Observations, observe
from eyeline.export.words import label_of
from eyeline.people.shared_looks import BRIDGED_S, JOINT, MUTUAL, SHORTEST_S, joint_parts
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
    TARGET_SCENE,
    UNSURE,
    WEARER,
    Analysis,
    Segments,
    make_segments,
    person_label,
    person_number,
    target_label,
)
from eyeline.summary.corpus import sources_of

VISIBLE = "visible"
"""Tier of the time in which a person is seen."""
ANY_PERSON = "any person"
"""Value of looks at whichever person."""
EDGE_S = 1e-3
"""What holds just before a moment held by so much."""
PLACES = (target_label(TARGET_SCENE), target_label(TARGET_OFF_SCREEN))
"""Targets that nobody shares by looking at them."""


@dataclass(frozen=True)
class Video:
    """All that is measured of one video."""

    name: str
    observations: Observations
    whole: Spans
    """The time that was recorded and analysed."""
    sources: Mapping[str, str]
    """By tier: computed or corrected."""
    names: Mapping[int, str]
    """Of the persons."""

    @classmethod
    def of(cls, name: str, analysis: Analysis) -> Video:
        """An analysis, with `mutual_gaze` and `joint_attention` where it has none stored."""
        kept, sources = observe(analysis), sources_of(analysis)
        spans = dict(kept.spans)
        for tier, derive in ((MUTUAL, mutual_gaze), (JOINT, joint_attention)):
            if TARGET in spans and tier not in spans:
                spans[tier] = LabelledSpans(derive(spans[TARGET]))
                sources[tier] = sources.get(TARGET, COMPUTED)
        sources[VISIBLE] = sources["people"]
        missing = (*analysis.video.gaps, *analysis.video.not_analysed)
        gaps = as_spans(sorted((gap.start_s, gap.end_s) for gap in missing))
        whole = without(as_spans([(0.0, analysis.video.duration_s)]), merged(gaps))
        names = {person.person: analysis.shown(person.label) for person in analysis.persons}
        observations = Observations(analysis, spans, kept.measured)
        return cls(name, observations, whole, sources, names)

    def within(self, window: Spans) -> Observed:
        """What lies in a span of interest, in one piece or in several."""
        return Observed(self, both(self.whole, merged(window)))

    def name_of(self, person: int) -> str:
        """How a person, or a voice that is nobody's, is called."""
        return self.names.get(person, person_label(person))

    def value_name(self, value: str) -> str:
        """A value, with the names that people have given."""
        return self.observations.analysis.shown(value)


@dataclass(frozen=True)
class Observed:
    """A video within a span of interest."""

    video: Video
    window: Spans
    """The recorded and analysed time of the span."""

    @cached_property
    def persons(self) -> list[int]:
        """Visible persons, then whoever else has episodes."""
        others = {p for spans in self.video.observations.spans.values() for p in spans.persons}
        known = set(self.video.names) | {p for p in others if p > WEARER}
        return sorted(known) + sorted((p for p in others if p <= WEARER), reverse=True)

    @property
    def tiers(self) -> list[str]:
        """Names of all kinds of episodes, visibility first."""
        return [VISIBLE, *self.video.observations.spans]

    def episodes(self, tier: str, person: int) -> dict[str, Spans]:
        """Episodes of a person by value, cut at the edges of the span; "" for all values.

        The value of joint attention is the target, that of mutual gaze the other person. Episodes
        of one value that touch are one.
        """
        if tier == VISIBLE:
            return {"": self._seen(person, None)}
        spans = self.video.observations.spans[tier]
        by_value: dict[str, Spans] = {"": spans.of(person)}
        for value in self.values(tier):
            labels = [n for n in spans.labels(person) if value == _value(tier, n)]
            by_value[value] = joined(*(spans.of(person, label) for label in labels))
        if tier == TARGET:
            people = [n for n in spans.labels(person) if person_number(n)]
            by_value[ANY_PERSON] = joined(*(spans.of(person, label) for label in people))
        return {value: self._inside(found) for value, found in by_value.items()}

    def shared_with(self, tier: str, person: int, partner: int) -> Spans:
        """Mutual gaze or joint attention of two persons, whatever the target."""
        spans = self.video.observations.spans[tier]
        label = person_label(partner)
        mine = [
            spans.of(person, one)
            for one in spans.labels(person)
            if one == label or (tier == JOINT and partner in joint_parts(one)[1])
        ]
        return self._inside(joined(*mine))

    def measured(self, tier: str, person: int, partner: int | None = None) -> Spans:
        """Where a tier could be measured of a person, or of two.

        Not where people found that it is not codable. Where nothing says so: whenever the person is
        seen; for the camera's wearer, voices that are nobody's, and visibility itself: always.
        """
        observations = self.video.observations
        if tier == VISIBLE or person <= WEARER:
            name = None if tier == VISIBLE else tier
            return without(self.window, excluded_spans(observations.analysis, name, person))
        spans = observations.measured_spans(tier, person, partner)
        inside = self._seen(person, tier) if spans is None else self._inside(spans)
        if tier == SPEAKING:
            unsure = observations.spans[SPEAKING].of(UNSURE)
            return without(inside, merged(unsure))
        return inside

    def value_at(self, tier: str, person: int, time_s: float) -> str | None:
        """The value that holds just before a moment, None where none does."""
        spans = self.video.observations.spans[tier]
        for label in sorted(spans.labels(person)):
            mine = spans.of(person, label)
            if np.any((mine[:, 0] < time_s - EDGE_S) & (time_s - EDGE_S <= mine[:, 1])):
                return label
        return None

    def source(self, tier: str) -> str:
        """Whether a tier is as computed, or was corrected."""
        return self.video.sources.get(tier, COMPUTED)

    def _seen(self, person: int, name: str | None) -> Spans:
        """Where a person is seen, without what people found not codable."""
        analysis = self.video.observations.analysis
        seen = self._inside(seen_spans(analysis).get(person, as_spans([])))
        return without(seen, excluded_spans(analysis, name, person))

    def _inside(self, spans: Spans) -> Spans:
        return both(merged(spans), self.window)

    def values(self, tier: str) -> list[str]:
        """What the values of a tier tell apart; none where there is but one, or the partner is it.

        All persons, areas and places can be looked at, whether or not somebody does.
        """
        labels = self.video.observations.spans[tier].labels()
        values = {_value(tier, label) for label in labels}
        if tier == TARGET:
            places = (TARGET_SCENE, TARGET_OFF_SCREEN, TARGET_CAMERA)
            values |= {person_label(person) for person in self.video.names}
            values |= {target_label(place) for place in places}
            corrected = self.video.observations.analysis.corrected
            values |= {area.label for area in (corrected.areas if corrected else ())}
        several = len(values) > 1 or tier in (TARGET, JOINT) or label_of(tier).partner
        return sorted(values) if several and tier != MUTUAL else []


def _value(tier: str, label: str) -> str:
    return joint_parts(label)[0] if tier == JOINT else label


def mutual_gaze(looks: LabelledSpans) -> Segments:
    """Spans in which two persons look at each other, from the targets of their looks."""
    pairs = [
        (a, looks.of(a, person_label(b)), looks.of(b, person_label(a)), person_label(b))
        for a, b in itertools.permutations([p for p in looks.persons if p > WEARER], 2)
    ]
    return _together(MUTUAL, pairs)


def joint_attention(looks: LabelledSpans) -> Segments:
    """Spans in which two persons or more look at one person or area, from their targets."""
    pairs = [
        (a, looks.of(a, target), looks.of(b, target), f"{target} with {person_label(b)}")
        for target in sorted(looks.labels() - {*PLACES})
        for a, b in itertools.permutations([p for p in looks.persons if p > WEARER], 2)
    ]
    return _together(JOINT, pairs)


def _together(name: str, pairs: Sequence[tuple[int, Spans, Spans, str]]) -> Segments:
    """Where both lists of spans hold; gaps and short spans as the analysis treats them."""
    rows = []
    for person, one, other, label in pairs:
        bridged: list[tuple[float, float]] = []
        for start, end in both(merged(one), merged(other)).tolist():
            near = bridged and start - bridged[-1][1] <= BRIDGED_S
            bridged.append((bridged.pop()[0] if near else start, end))
        long = [(s, e) for s, e in bridged if e - s >= SHORTEST_S - 1e-6]
        rows += [(person, s, e, label, 1.0) for s, e in long]
    return make_segments("summary", "episodes", name, rows)
