"""Corrections applied to computed results: the same analysis, as people say it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eyeline.corrections import areas, episodes, identities
from eyeline.corrections.model import (
    Area,
    ChangeEpisode,
    Corrections,
    DeleteArea,
    MergePeople,
    Operation,
    SplitPerson,
)
from eyeline.corrections.rows import Row, rows_of, with_rows
from eyeline.corrections.state import DERIVED, InapplicableError, State
from eyeline.people.shared_looks import TARGETS, shared_looks
from eyeline.results import (
    Analysis,
    Corrected,
    Points,
    Segments,
    person_label,
)
from eyeline.rounding import to_digits

OPERATIONS = identities.OPERATIONS | episodes.OPERATIONS


def apply(
    results: Analysis,
    corrections: Corrections,
    tracks: areas.Tracks | None = None,
    *,
    derive: bool = True,
) -> Analysis:
    """What people say the results are; every row says whether it was corrected.

    Areas come first, then all other operations in their order. Mutual gaze and joint attention are
    derived anew where targets of looks have changed; what people say of these tiers comes last. An
    operation that does not fit the results is passed over and named in `Analysis.corrected`.

    Args:
        results: as computed, see `export.stored.load`.
        corrections: the list of operations.
        tracks: corners of tracked areas by id of their operation; an area that is to be tracked
            and is not in it is interpolated.
        derive: bring mutual gaze and joint attention after the targets; without it the result only
            says which operations fit.
    """
    state, unapplied = State.of(results), list[tuple[int, str]]()
    later: list[Any] = []
    drawn = _areas(corrections, unapplied)
    areas.draw(state, drawn, tracks or {})
    for op in corrections.operations:
        if isinstance(op, Area | DeleteArea):
            continue
        try:
            if _tier_of(op) in DERIVED:
                later.append(op)
            else:
                OPERATIONS[op.kind](state, op)
                later = [_followed(one, op, state) for one in later]
        except InapplicableError as error:
            unapplied.append((op.id, str(error)))
    if derive or later:
        _derive(state)
    for op in later:
        try:
            OPERATIONS[op.kind](state, op)
        except InapplicableError as error:
            unapplied.append((op.id, str(error)))
    return _finished(state, corrections, sorted(unapplied))


def _areas(corrections: Corrections, unapplied: list[tuple[int, str]]) -> list[tuple[int, Area]]:
    """The areas that hold, each with a number that undoing others leaves alone."""
    every = (e.name for e in corrections.entries if isinstance(e, Area))
    numbers = {name: k for k, name in enumerate(dict.fromkeys(every), start=1)}
    drawn: dict[str, Area] = {}
    for op in corrections.operations:
        if isinstance(op, Area):
            drawn[op.name] = op
        elif isinstance(op, DeleteArea) and not drawn.pop(op.name, None):
            unapplied.append((op.id, f"there is no area '{op.name}'"))
    return [(numbers[name], area) for name, area in drawn.items()]


def _tier_of(op: Operation) -> str:
    return str(getattr(op, "tier", None) or "").partition(" (")[0]


def _followed(op: Any, by: Operation, state: State) -> Any:
    """An operation on a derived tier after people were merged or split: it names who is meant."""
    if isinstance(by, MergePeople):
        for old in by.people:
            op = _renamed(op, old, by.into) if old != by.into else op
    elif isinstance(by, SplitPerson):
        start = op.old.from_s if isinstance(op, ChangeEpisode) else op.from_s
        if start >= by.at_s:
            op = _renamed(op, by.person, by.new_person or max(state.persons))
    return op


def _renamed(op: Any, old: int, new: int) -> Any:
    label = re.compile(rf"\b{person_label(old)}\b")
    changes: dict[str, Any] = {}
    for name in op.model_fields_set & {"person", "value", "old", "new"}:
        value = getattr(op, name)
        if name == "person":
            changes[name] = new if value == old else value
        elif name == "value":
            changes[name] = label.sub(person_label(new), value)
        else:
            inner = {"value": label.sub(person_label(new), value.value)}
            changes[name] = value.model_copy(update=inner)
    return op.model_copy(update=changes)


def _derive(state: State) -> None:
    """Mutual gaze and joint attention of targets that have changed; rows as before stay."""
    before = {(p.name, p.builder): p for p in state.computed.of(Points)}
    clock = np.stack([state.clock.frame, state.clock.start_s, state.clock.end_s], -1)
    for points in [a for a in state.answers if isinstance(a, Points) and a.name == TARGETS]:
        if before.get((points.name, points.builder)) is points:
            continue
        for new in shared_looks([points], clock.astype(np.float64)):
            new = replace(new, score=to_digits(new.score))
            # what was there before to the microsecond is as it was before
            named = new.name, new.builder
            old = [s for s in state.computed.of(Segments) if (s.name, s.builder) == named]
            known = {_key(row): row for s in old[:1] for row in rows_of(s)}
            rows = [known.get(_key(r), r._replace(corrected=True)) for r in rows_of(new)]
            own = (
                k
                for k, a in enumerate(state.answers)
                if isinstance(a, Segments) and (a.name, a.builder) == named
            )
            at = next(own, len(state.answers))
            state.answers[at : at + 1] = [with_rows(new, rows)]


def _key(row: Row) -> tuple[int, int, int, str]:
    return row.person, round(row.start_s * 1e6), round(row.end_s * 1e6), row.label


def _finished(
    state: State, corrections: Corrections, unapplied: Sequence[tuple[int, str]]
) -> Analysis:
    people = {person_label(p) for p in state.persons}
    words = {e.id: e.kind.replace("_", " ") for e in corrections.entries}
    warnings = (
        f"correction {n} ({words[n]}) is kept and not applied: {why}" for n, why in unapplied
    )
    corrected = Corrected(
        revision=corrections.revision,
        names={k: v for k, v in state.names.items() if k in people or k in state.areas},
        excluded=tuple(dict.fromkeys(state.excluded)),
        applied=len(corrections.operations) - len(unapplied),
        unapplied=tuple(unapplied),
        areas=tuple(state.areas.values()),
        people=state.computed.people,
    )
    result = state.analysis()
    return replace(
        result, corrected=corrected, warnings=(*result.warnings, *state.notes, *warnings)
    )
