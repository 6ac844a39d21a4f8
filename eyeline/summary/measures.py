"""The measures of episodes, each defined in docs/summary.md: pure functions of spans of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eyeline.export.intervals import Spans, as_spans, both, length, without
from eyeline.export.spans import VOICE
from eyeline.people.shared_looks import JOINT, MUTUAL
from eyeline.results import WEARER, person_number
from eyeline.summary.observed import VISIBLE, Observed

SHARED = (MUTUAL, JOINT)
"""Tiers of what several persons do together."""
_SHORTEST_S = 1e-6


DEFINITIONS: Mapping[str, tuple[str, str, str]] = {
    "measured_s": ("|M|", "s", "seconds of the span |W|"),
    "not_codable_s": ("|V without M|", "s", "seconds in view |V|"),
    "duration_s": ("|E|", "s", "seconds measured |M|"),
    "count": ("n, the number of episodes in E", "episodes", "none"),
    "rate_per_min": ("n / (|M| / 60)", "1/min", "minutes measured"),
    "latency_s": ("|W before the first episode|", "s", "seconds measured until then"),
    "mean_episode_s": ("|E| / n", "s", "episodes"),
    "longest_episode_s": ("the longest of E", "s", "episodes"),
    "proportion": ("|E and M| / |M|", "1", "seconds measured |M|"),
    "transfers": ("passes of the floor from the person to the partner", "transfers", "none"),
    "gaps": ("transfers with an offset of at least 0", "transfers", "transfers"),
    "overlaps": ("transfers with an offset below 0", "transfers", "transfers"),
    "overlaps_within": ("the partner's episodes inside the person's turn", "episodes", "none"),
    "mean_gap_s": ("mean offset of the gaps", "s", "gaps"),
    "mean_overlap_s": ("minus the mean offset of the overlaps", "s", "overlaps"),
    "median_offset_s": ("median offset", "s", "transfers"),
    "speaker_looks_at_turn_end": (
        "transfers at whose end the person looks at the partner / transfers measured",
        "1",
        "transfers at whose end the person's target could be measured",
    ),
    "taker_looks_at_turn_end": (
        "transfers at whose end the partner looks at the person / transfers measured",
        "1",
        "transfers at whose end the partner's target could be measured",
    ),
}
"""Of every measure the formula, the unit and the denominator, as docs/summary.md has them.

W is the recorded time of the span, V the time in view, M where the tier could be measured, E the
episodes."""


@dataclass(frozen=True)
class Measure:
    """A number with its unit and what it is of."""

    name: str
    unit: str
    number: float | None
    """None where it could not be measured, or there is nothing to measure."""
    of: float | None = None
    """The denominator, or the time in which it was measured; None where there is none."""


@dataclass(frozen=True)
class Row:
    """A measure of a person, a tier and a value."""

    person: str
    partner: str
    tier: str
    value: str
    measure: Measure
    source: str


def episode_measures(episodes: Spans, measured: Spans, window: Spans) -> Iterator[Measure]:
    """Durations, counts, rates, latency and proportion of the episodes of one value.

    Args:
        episodes: `(n, 2)` within the window, without overlap.
        measured: `(m, 2)` where there could have been any, within the window.
        window: `(k, 2)` the span of interest.
    """
    measured_s, count = length(measured), len(episodes)
    minutes = measured_s / 60
    known = measured_s > _SHORTEST_S
    lengths = (episodes[:, 1] - episodes[:, 0]).tolist()
    total_s = float(sum(lengths))
    said = known or count > 0
    yield Measure("duration_s", "s", total_s if said else None, measured_s)
    yield Measure("count", "episodes", count if said else None)
    yield Measure("rate_per_min", "1/min", count / minutes if known else None, minutes)
    before = as_spans([(float("-inf"), episodes[0, 0])]) if count else as_spans([])
    yield Measure(
        "latency_s", "s", length(both(window, before)) if count else None,
        length(both(measured, before)) if count else measured_s,
    )  # fmt: skip
    yield Measure("mean_episode_s", "s", total_s / count if count else None, count)
    yield Measure("longest_episode_s", "s", max(lengths, default=None), count)
    inside = length(both(episodes, measured))
    yield Measure("proportion", "1", inside / measured_s if known else None, measured_s)


def person_rows(observed: Observed) -> Iterator[Row]:
    """All measures of all persons of a video within a span."""
    for person in observed.persons:
        for tier in observed.tiers:
            episodes = observed.episodes(tier, person)
            if len(episodes[""]) or (person > WEARER and tier != VOICE):
                yield from _tier_rows(observed, person, tier, episodes)


def _tier_rows(
    observed: Observed, person: int, tier: str, by_value: dict[str, Spans]
) -> Iterator[Row]:
    name, source = observed.video.name_of(person), observed.source(tier)
    measured, seen = observed.measured(tier, person), observed.episodes(VISIBLE, person)[""]
    for coverage in (
        Measure("measured_s", "s", length(measured), length(observed.window)),
        Measure("not_codable_s", "s", length(without(seen, measured)), length(seen)),
    ):
        yield Row(name, "", tier, "", coverage, source)
    for value, episodes in by_value.items():
        if person_number(value) != person:  # nobody looks at themselves
            said = observed.video.value_name(value)
            for measure in episode_measures(episodes, measured, observed.window):
                yield Row(name, "", tier, said, measure, source)
    if tier in SHARED and person > WEARER:
        yield from _pair_rows(observed, person, tier)


def _pair_rows(observed: Observed, person: int, tier: str) -> Iterator[Row]:
    """What a person shares with each other one."""
    name_of = observed.video.name_of
    for partner in observed.persons:
        if partner > WEARER and partner != person:
            episodes = observed.shared_with(tier, person, partner)
            measured = observed.measured(tier, person, partner)
            for measure in episode_measures(episodes, measured, observed.window):
                source = observed.source(tier)
                yield Row(name_of(person), name_of(partner), tier, "", measure, source)
