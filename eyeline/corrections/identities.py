"""Names, merged and split people, and faces that are none: in all tables, tiers and targets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from eyeline.corrections.areas import at_areas
from eyeline.corrections.model import DeleteFace, MergePeople, NamePerson, SplitPerson
from eyeline.corrections.rows import Row, Table, carved, chosen, laid, marked, rows_of, with_rows
from eyeline.corrections.state import InapplicableError, State
from eyeline.export.intervals import as_spans, merged, without
from eyeline.export.summary import SPEAKING, TARGET
from eyeline.results import (
    TARGET_SCENE,
    UNSURE,
    People,
    Points,
    Segments,
    person_label,
    target_label,
)


def name_person(state: State, op: NamePerson) -> None:
    """Names show in exports; tables keep the numbers beside them."""
    state.check_person(op.person)
    label = person_label(op.person)
    other = next((k for k, name in state.names.items() if name == op.name and k != label), None)
    if other:
        raise InapplicableError(
            f"{other} is called '{op.name}'; merge them, or choose another name"
        )
    state.names[label] = op.name


def merge_people(state: State, op: MergePeople) -> None:
    """Rows of all become rows of one; where several are seen in one frame, the first one's stay."""
    for person in op.people:
        state.check_person(person)
    others = [p for p in dict.fromkeys(op.people) if p != op.into]
    ranks = {person: rank for rank, person in enumerate([op.into, *others])}
    doubled = _doubled(state.people, ranks)
    for person in others:
        _renumber(state, person, op.into, doubled=doubled)
        name = state.names.pop(person_label(person), None)
        if name:
            state.names.setdefault(person_label(op.into), name)
    images = [state.persons[p].thumbnail for p in ranks if state.persons[p].thumbnail is not None]
    state.persons[op.into] = replace(
        state.persons[op.into], thumbnail=images[0] if images else None
    )
    state.refresh(*ranks)


def split_person(state: State, op: SplitPerson) -> None:
    """What a person has from a time on becomes another's."""
    state.check_person(op.person)
    new = op.new_person or max(state.persons) + 1
    if new in state.persons:
        raise InapplicableError(f"person {new}, who was to be new, is there already")
    mine = state.people.person == op.person
    late = state.within(state.people, op.at_s, np.inf)[mine]
    if late.all() or not late.any():
        when = "before" if late.all() else "after"
        raise InapplicableError(f"person {op.person} is not seen {when} {op.at_s:g} s")
    _renumber(state, op.person, new, from_s=op.at_s)
    state.refresh(op.person, new)


def _doubled(people: People, ranks: dict[int, int]) -> set[tuple[int, int]]:
    """Frame and person of rows that give way to another person's of the same frame."""
    mine = np.flatnonzero(np.isin(people.person, list(ranks)))
    rank = np.array([ranks[p] for p in people.person[mine].tolist()], np.int64)
    order = mine[np.lexsort((rank, people.frame[mine]))]
    frame = people.frame[order]
    again = np.append(False, frame[1:] == frame[:-1])
    return set(zip(frame[again].tolist(), people.person[order][again].tolist(), strict=True))


def _renumber(
    state: State,
    old: int,
    new: int,
    *,
    from_s: float = 0.0,
    doubled: set[tuple[int, int]] | None = None,
) -> None:
    """Give a person's rows, from a time on, another number, wherever the number stands."""
    state.excluded = [
        replace(span, person=new) if span.person == old and span.start_s >= from_s else span
        for span in state.excluded
    ]
    people = _renumbered(state, state.people, old, new, from_s, doubled)
    state.people = chosen(people, np.lexsort((people.person, people.frame)))
    for k, answer in enumerate(state.answers):
        if isinstance(answer, Segments):
            state.answers[k] = _segments_renumbered(answer, old, new, from_s)
            continue
        changed: Any = _renumbered(state, answer, old, new, from_s, doubled)
        if isinstance(changed, Points):
            changed = _targets_renumbered(state, changed, old, new, from_s)
        state.answers[k] = changed


def _renumbered(
    state: State,
    table: Table,
    old: int,
    new: int,
    from_s: float,
    doubled: set[tuple[int, int]] | None,
) -> Table:
    if doubled:
        pairs = zip(table.frame.tolist(), table.person.tolist(), strict=True)
        gone = np.array([pair[1] == old and pair in doubled for pair in pairs], bool)
        table = chosen(table, np.flatnonzero(~gone))
    mine = (table.person == old) & state.within(table, from_s, np.inf)
    return marked(table, mine, person=np.where(mine, new, table.person))


def _targets_renumbered(state: State, points: Points, old: int, new: int, from_s: float) -> Points:
    """Looks at a person; one at oneself cannot be, and is not known."""
    at = (points.target == old) & state.within(points, from_s, np.inf)
    target = np.where(at, new, points.target)
    oneself = (target == points.person) & (target == new)
    probability = np.where(oneself, 0.0, points.probability)
    target = np.where(oneself, TARGET_SCENE, target)
    return marked(points, at | oneself, target=target, probability=probability)


def _segments_renumbered(segments: Segments, old: int, new: int, from_s: float) -> Segments:
    label = re.compile(rf"\b{person_label(old)}\b")
    rows = rows_of(segments)
    about = {row for row in rows if row.person == old or label.search(row.label)}
    rest, mine = carved(rows, from_s, np.inf, about.__contains__)
    named = [
        row._replace(
            person=new if row.person == old else row.person,
            label=label.sub(person_label(new), row.label),
            corrected=True,
        )
        for row in mine
    ]
    named = [r for r in named if not re.search(rf"\b{person_label(r.person)}\b", r.label)]
    return with_rows(segments, _beside(rest, named))


def _beside(rows: list[Row], new: list[Row]) -> list[Row]:
    """Rows with new ones where there was nothing of their persons; what touches is joined."""
    pieces: list[Row] = []
    for person in {row.person for row in new}:
        there = merged(as_spans([(r.start_s, r.end_s) for r in rows if r.person == person]))
        for row in (r for r in new if r.person == person):
            first = int(np.searchsorted(there[:, 1], row.start_s, "right"))
            last = int(np.searchsorted(there[:, 0], row.end_s, "left"))
            left = without(as_spans([(row.start_s, row.end_s)]), there[first:last])
            pieces += [row._replace(start_s=a, end_s=b) for a, b in left.tolist()]
    return laid(rows, pieces)


def delete_face(state: State, op: DeleteFace) -> None:
    """The person has no rows in the span; who looked there looked at the scene."""
    state.check_person(op.person)
    start_s, end_s = op.from_s, np.inf if op.to_s is None else op.to_s
    gone = (state.people.person == op.person) & state.within(state.people, start_s, end_s)
    if not gone.any():
        until = "the end" if op.to_s is None else f"{op.to_s:g} s"
        raise InapplicableError(f"person {op.person} is not seen from {start_s:g} s to {until}")
    state.people = chosen(state.people, np.flatnonzero(~gone))
    for k, answer in enumerate(state.answers):
        if isinstance(answer, Segments):
            state.answers[k] = _without_face(answer, op.person, start_s, end_s)
            continue
        own = (answer.person == op.person) & state.within(answer, start_s, end_s)
        rest: Any = chosen(answer, np.flatnonzero(~own))
        if isinstance(rest, Points):
            at = (rest.target == op.person) & state.within(rest, start_s, end_s)
            box = np.where(at[:, None], np.nan, rest.target_xyxy)
            target = np.where(at, TARGET_SCENE, rest.target)
            rest = marked(rest, at, target=target, target_xyxy=box)
        state.answers[k] = rest
    state.refresh(op.person)
    at_areas(state)


def _without_face(segments: Segments, person: int, start_s: float, end_s: float) -> Segments:
    """Its own episodes go, its speech is not sure whose, looks at it are at the scene."""
    name = re.compile(rf"\b{person_label(person)}\b")
    rest, own = carved(rows_of(segments), start_s, end_s, lambda row: row.person == person)
    rest, at = carved(rest, start_s, end_s, lambda row: bool(name.search(row.label)))
    if segments.name == SPEAKING:
        rest = laid(rest, [r._replace(person=UNSURE, corrected=True) for r in own])
    if segments.name == TARGET:
        scene = target_label(TARGET_SCENE)
        rest = laid(rest, [r._replace(label=scene, corrected=True) for r in at])
    return with_rows(segments, rest)


OPERATIONS: dict[str, Callable[..., None]] = {
    "name_person": name_person,
    "merge_people": merge_people,
    "split_person": split_person,
    "delete_face": delete_face,
}
