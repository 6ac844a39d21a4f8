"""What follows what: transitions between the values of a tier, and events by their lag."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eyeline.export.intervals import Spans
from eyeline.export.summary import SPEAKING, TARGET
from eyeline.people.shared_looks import BRIDGED_S
from eyeline.results import WEARER
from eyeline.summary.measures import SHARED
from eyeline.summary.observed import ANY_PERSON, Observed

LAGS = 3
SEQUENCE_TIERS = (TARGET, SPEAKING)
"""Whose episodes are the events of a sequence."""

Event = tuple[str, str, str]
"""Person, tier and value."""


@dataclass(frozen=True)
class Transition:
    """From one value of a person's tier to another one."""

    person: str
    tier: str
    before: str
    after: str
    count: int
    of: int
    """All transitions from that value."""

    @property
    def probability(self) -> float | None:
        """Of that value after this one; None where there is no transition from it."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True)
class Lagged:
    """How often an event comes so many events after another one."""

    given: Event
    then: Event
    lag: int
    count: int
    of: int
    """Times of the given event that have an event at this lag."""
    expected: float
    """Count if the events were independent."""
    z: float | None
    """Adjusted residual; None where one of the two events is all there is."""


def transitions(observed: Observed) -> Iterator[Transition]:
    """Transitions of all persons in tiers with several values, those that never are as zero."""
    for person in observed.persons:
        for tier in observed.tiers[1:]:
            values = observed.values(tier)
            if person <= WEARER or tier in SHARED or len(values) < 2:
                continue
            by_value = {v: s for v, s in observed.episodes(tier, person).items() if v in values}
            counts = count_transitions(by_value, observed.window)
            there = [value for value, spans in by_value.items() if len(spans)]
            for before, after in itertools.permutations(there, 2):
                of = sum(n for (value, _), n in counts.items() if value == before)
                yield Transition(
                    observed.video.name_of(person), tier, observed.video.value_name(before),
                    observed.video.value_name(after), counts[before, after], of,
                )  # fmt: skip


def count_transitions(by_value: dict[str, Spans], window: Spans) -> Counter[tuple[str, str]]:
    """Successions of episodes of other values with no more than a blink between them.

    Args:
        by_value: `(n, 2)` episodes of each value, within the window.
        window: `(k, 2)`; from one of its pieces to the next there is no transition.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for low, high in window.tolist():
        inside = sorted(
            (start, end, value)
            for value, spans in by_value.items()
            for start, end in spans.tolist()
            if low <= start and end <= high
        )
        for (_, end, before), (start, _, after) in itertools.pairwise(inside):
            if before != after and start - end <= BRIDGED_S + 1e-6:
                counts[before, after] += 1
    return counts


def events_of(observed: Observed) -> list[Event]:
    """Onsets of all persons' looks and speech within the span, in the order of time."""
    rows = []
    for tier in (t for t in SEQUENCE_TIERS if t in observed.tiers):
        for person in (p for p in observed.persons if p > WEARER):
            name = observed.video.name_of(person)
            by_value = observed.episodes(tier, person)
            by_name = {v: s for v, s in by_value.items() if v not in ("", ANY_PERSON)}
            for value, spans in (by_name or {"": by_value[""]}).items():
                said = observed.video.value_name(value)
                rows += [(start, (name, tier, said)) for start in spans[:, 0].tolist()]
    return [event for _, event in sorted(rows)]


def lag_table(events: Sequence[Event], lags: int = LAGS) -> Iterator[Lagged]:
    """All pairs of events that occur at a lag, with what chance would give.

    The adjusted residual is that of Allison and Liker (1982) for the table of all events that have
    a successor at the lag, by what that is.
    """
    for lag in range(1, lags + 1):
        pairs = Counter(zip(events, events[lag:], strict=False))
        n = sum(pairs.values())
        first, second = Counter[Event](), Counter[Event]()
        for (given, then), count in pairs.items():
            first[given] += count
            second[then] += count
        for (given, then), count in sorted(pairs.items()):
            expected = first[given] * second[then] / n
            spread = expected * (1 - first[given] / n) * (1 - second[then] / n)
            z = (count - expected) / math.sqrt(spread) if spread > 0 else None
            yield Lagged(given, then, lag, count, first[given], expected, z)
