"""An analysis on its way from what was computed to what people say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from eyeline.corrections.rows import Bools, Framewise
from eyeline.errors import DataError
from eyeline.export.intervals import length
from eyeline.export.spans import (
    all_segments,
    clock_for,
    clock_of,
    segments_from_points,
    spans_by_person,
)
from eyeline.people.shared_looks import JOINT, MUTUAL, joint_parts
from eyeline.results import (
    Analysis,
    Answer,
    AreaShape,
    Clock,
    Excluded,
    Floats,
    People,
    Person,
    Points,
    Scores,
    Segments,
    person_label,
    person_number,
)

DERIVED = (MUTUAL, JOINT)
"""Tiers that follow from the targets of looks."""


class InapplicableError(DataError):
    """A correction that does not fit the results; its message says why."""


@dataclass
class State:
    """Changed by one operation after another."""

    computed: Analysis
    people: People
    persons: dict[int, Person]
    answers: list[Answer]
    names: dict[str, str] = field(default_factory=dict)
    """What people call `person 1` or `area 1`."""
    areas: dict[str, AreaShape] = field(default_factory=dict)
    """By label."""
    notes: list[str] = field(default_factory=list)
    """What is to be known of the result."""
    excluded: list[Excluded] = field(default_factory=list)

    @classmethod
    def of(cls, computed: Analysis) -> State:
        """The state before any operation."""
        persons = {p.person: p for p in computed.persons}
        return cls(computed, computed.people, persons, list(computed.answers))

    @property
    def clock(self) -> Clock:
        """Of the analysed frames."""
        return clock_of(self.computed)

    def analysis(self) -> Analysis:
        """As it is by now."""
        persons = tuple(self.persons[n] for n in sorted(self.persons))
        return replace(
            self.computed, people=self.people, persons=persons, answers=tuple(self.answers)
        )

    def label(self, value: str) -> str:
        """The label of the results for one, or for a name that people gave."""
        by_name = {name: label for label, name in self.names.items()}
        return by_name.get(value, person_label(int(value)) if value.isdecimal() else value)

    def check_person(self, person: int) -> None:
        """InapplicableError unless there is such a person."""
        if person > 0 and person not in self.persons:
            have = ", ".join(map(str, sorted(self.persons))) or "nobody"
            raise InapplicableError(f"there is no person {person}; there are: {have}")

    def center_s(self, answer: Framewise | People) -> Floats:
        """`(n,)` the time that each row stands for."""
        clock = self.clock if isinstance(answer, People) else clock_for(answer, self.computed)
        return np.asarray((answer.time_s + clock.ends_of(answer.frame)) / 2)

    def within(self, answer: Framewise | People, start_s: float, end_s: float) -> Bools:
        """Which rows lie in a span."""
        time_s = self.center_s(answer)
        return np.asarray((time_s >= start_s) & (time_s < end_s))

    def tier(self, name: str) -> Tier:
        """Where an answer stands, by its name or name and builder; InapplicableError without it."""
        there: list[Answer] = [*self.analysis().of(Segments)]
        there += [a for a in self.answers if isinstance(a, Scores | Points)]
        for answer in there:
            if name in (answer.name, f"{answer.name} ({answer.builder})"):
                return self._tier(answer.name, answer.builder)
        have = ", ".join(dict.fromkeys(a.name for a in there)) or "none"
        raise InapplicableError(f"there is no tier '{name}'; there are: {have}")

    def _tier(self, name: str, builder: str) -> Tier:
        own = [k for k, a in enumerate(self.answers) if (a.name, a.builder) == (name, builder)]
        framewise = [k for k in own if isinstance(self.answers[k], Scores | Points)]
        segments = [k for k in own if isinstance(self.answers[k], Segments)]
        if not segments:
            analysis, answer = self.analysis(), self.answers[framewise[0]]
            made = [s for s in all_segments(analysis) if (s.name, s.builder) == (name, builder)]
            if not made and isinstance(answer, Points):
                made = [segments_from_points(answer, clock_for(answer, analysis))]
            self.answers += made
            segments = [len(self.answers) - 1]
        return Tier(self, segments[0], framewise[0] if framewise else None)

    def refresh(self, *people: int) -> None:
        """Make the records of some people anew from their rows; who has none is gone."""
        table = self.people
        spans = spans_by_person(table.person, table.frame, table.time_s, self.clock)
        for person in people:
            if person not in spans:
                self.persons.pop(person, None)
                continue
            own, before = spans[person], self.persons.get(person)
            tracks = tuple(np.unique(table.track_id[table.person == person]).tolist())
            record = before or Person(person, tracks, 0.0, 0.0, 0.0)
            self.persons[person] = replace(
                record,
                track_ids=tracks,
                first_s=float(own[0, 0]),
                last_s=float(own[-1, 1]),
                seen_s=length(own),
            )
        for number, one in self.persons.items():
            perhaps = tuple(p for p in one.perhaps_same_as if p[0] in self.persons)
            self.persons[number] = replace(one, perhaps_same_as=perhaps)


@dataclass
class Tier:
    """The segments of an answer, and the rows by frame that belong to them."""

    state: State
    at: int
    by_frame_at: int | None

    @property
    def segments(self) -> Segments:
        """By now."""
        return cast(Segments, self.state.answers[self.at])

    @segments.setter
    def segments(self, segments: Segments) -> None:
        self.state.answers[self.at] = segments

    @property
    def by_frame(self) -> Scores | Points | None:
        """By now."""
        at = self.by_frame_at
        return None if at is None else cast(Scores | Points, self.state.answers[at])

    @by_frame.setter
    def by_frame(self, answer: Scores | Points) -> None:
        assert self.by_frame_at is not None
        self.state.answers[self.by_frame_at] = answer


def everyone(tier: str, person: int, label: str) -> list[tuple[int, str]]:
    """Person and label of all rows that an episode has: one for each who takes part."""
    if tier == MUTUAL:
        other = person_number(label)
        if other is None or other == person:
            raise InapplicableError(
                f"mutual gaze is with another person, such as 'person 2', not '{label}'"
            )
        return [(person, label), (other, person_label(person))]
    if tier == JOINT:
        target, others = joint_parts(label)
        members = [person, *others]
        if not others or len(set(members)) < len(members):
            raise InapplicableError(
                f"joint attention is at something with others, such as 'person 3 with person 2', "
                f"not '{label}'"
            )
        labels = {one: person_label(one) for one in sorted(members)}
        return [
            (one, f"{target} with {' and '.join(n for m, n in labels.items() if m != one)}")
            for one in members
        ]
    return [(person, label)]
