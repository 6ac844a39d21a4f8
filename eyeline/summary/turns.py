"""Turn-taking: who speaks after whom, the gaps and overlaps between, and gaze at the turn's end."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.export.intervals import Spans, both, merged
from eyeline.export.summary import SPEAKING, TARGET
from eyeline.results import WEARER, person_label
from eyeline.summary.measures import Measure, Row
from eyeline.summary.observed import EDGE_S, Observed

TURNS = "turn_taking"


@dataclass(frozen=True)
class Transfer:
    """Somebody takes the floor from another one."""

    speaker: int
    taker: int
    turn_start_s: float
    turn_end_s: float
    """Where the speaker's last episode of the turn ends."""
    taken_s: float
    """Where the other's turn starts."""

    @property
    def offset_s(self) -> float:
        """The gap, or minus the overlap."""
        return self.taken_s - self.turn_end_s


@dataclass(frozen=True)
class Turns:
    """Who had the floor."""

    transfers: tuple[Transfer, ...]
    within: tuple[tuple[int, int, float], ...]
    """Speech that ends before the speaker's turn does: speaker, the other, its start."""


def turns_of(episodes: Sequence[tuple[float, float, int]]) -> Turns:
    """The floor passes to whoever speaks on when the speaker has ended.

    Args:
        episodes: start, end and person, also of voices that are nobody's.
    """
    transfers, within = list[Transfer](), list[tuple[int, int, float]]()
    floor: tuple[int, float, float] | None = None
    for start, end, person in sorted(episodes):
        if floor is None:
            floor = (person, start, end)
            continue
        holder, since, until = floor
        if person == holder:
            floor = (holder, since, max(until, end))
        elif end <= until:
            within.append((holder, person, start))
        else:
            transfers.append(Transfer(holder, person, since, until, start))
            floor = (person, start, end)
    return Turns(tuple(transfers), tuple(within))


@dataclass(frozen=True)
class SeenTransfer:
    """A transfer between two visible persons, and where both look as the turn ends."""

    transfer: Transfer
    speaker_looks_at: str | None
    """None where it could not be measured."""
    taker_looks_at: str | None


def transfers_of(observed: Observed) -> list[SeenTransfer]:
    """Transfers between visible persons whose second turn starts within the span."""
    return [
        SeenTransfer(
            one,
            _looks_at(observed, one.speaker, one.turn_end_s),
            _looks_at(observed, one.taker, one.turn_end_s),
        )
        for one in _turns(observed).transfers
        if min(one.speaker, one.taker) > WEARER and _holds(observed.window, one.taken_s)
    ]


def turn_rows(observed: Observed) -> Iterator[Row]:
    """Measures of turn-taking, of each person with each other and with anybody."""
    if SPEAKING not in observed.tiers:
        return
    seen, source = transfers_of(observed), observed.source(SPEAKING)
    within = [w for w in _turns(observed).within if _holds(observed.window, w[2])]
    people = [person for person in observed.persons if person > WEARER]
    for person in people:
        name = observed.video.name_of(person)
        for partner in [None, *(p for p in people if p != person)]:
            takers = people if partner is None else [partner]
            mine = [t for t in seen if t.transfer.speaker == person and t.transfer.taker in takers]
            inside: int | None = sum(a == person and b in takers for a, b, _ in within)
            if not _judged(observed, person, partner):
                mine, inside = [], None
            partner_name = "" if partner is None else observed.video.name_of(partner)
            for measure in _measures(mine, inside):
                yield Row(name, partner_name, TURNS, "", measure, source)


def _measures(seen: Sequence[SeenTransfer], within: int | None) -> Iterator[Measure]:
    """Of some transfers; all are unknown where `within` is."""
    offsets = [one.transfer.offset_s for one in seen]
    gaps = [offset for offset in offsets if offset >= 0]
    overlaps = [-offset for offset in offsets if offset < 0]

    def number(n: int) -> float | None:
        return None if within is None else n

    yield Measure("transfers", "transfers", number(len(offsets)))
    yield Measure("gaps", "transfers", number(len(gaps)), number(len(offsets)))
    yield Measure("overlaps", "transfers", number(len(overlaps)), number(len(offsets)))
    yield Measure("overlaps_within", "episodes", within)
    for name, values in (("gap", gaps), ("overlap", overlaps)):
        mean = statistics.fmean(values) if values else None
        yield Measure(f"mean_{name}_s", "s", mean, number(len(values)))
    median = statistics.median(offsets) if offsets else None
    yield Measure("median_offset_s", "s", median, number(len(offsets)))
    at_taker = [one.speaker_looks_at == person_label(one.transfer.taker)
                for one in seen if one.speaker_looks_at is not None]  # fmt: skip
    at_speaker = [one.taker_looks_at == person_label(one.transfer.speaker)
                  for one in seen if one.taker_looks_at is not None]  # fmt: skip
    for name, looks in (("speaker_looks", at_taker), ("taker_looks", at_speaker)):
        fraction = sum(looks) / len(looks) if looks else None
        yield Measure(f"{name}_at_turn_end", "1", fraction, number(len(looks)))


def _turns(observed: Observed) -> Turns:
    spans = observed.video.observations.spans[SPEAKING]
    episodes = [
        (start, end, person)
        for person in spans.persons
        for start, end in merged(spans.of(person)).tolist()
    ]
    return turns_of(episodes)


def _looks_at(observed: Observed, person: int, time_s: float) -> str | None:
    """Target just before a moment; None where it could not be measured then."""
    if TARGET not in observed.tiers:
        return None
    whole = observed.video.within(observed.video.whole)
    if not _holds(whole.measured(TARGET, person), time_s - EDGE_S):
        return None
    return whole.value_at(TARGET, person, time_s)


def _judged(observed: Observed, person: int, partner: int | None) -> bool:
    """Whether it could be measured of both, at any time of the span, that they speak."""
    others = [p for p in observed.persons if p > WEARER and p != person]
    both_s = [
        len(both(observed.measured(SPEAKING, person), observed.measured(SPEAKING, other)))
        for other in (others if partner is None else [partner])
    ]
    return any(both_s)


def _holds(spans: Spans, time_s: float) -> bool:
    return bool(np.any((spans[:, 0] <= time_s) & (time_s < spans[:, 1])))
