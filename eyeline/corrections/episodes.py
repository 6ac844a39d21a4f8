"""Episodes that are added, changed, deleted or split, and spans in which nothing can be said."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from eyeline.corrections.areas import boxes_of
from eyeline.corrections.model import (
    AddEpisode,
    ChangeEpisode,
    DeleteEpisode,
    Episode,
    NotCodable,
    SplitEpisode,
)
from eyeline.corrections.rows import Bools, Row, carved, marked, rows_of, with_rows
from eyeline.corrections.state import DERIVED, InapplicableError, State, Tier, everyone
from eyeline.export.summary import SPEAKING
from eyeline.people.shared_looks import MUTUAL
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
    TARGET_SCENE,
    UNSEEN,
    UNSURE,
    Excluded,
    Floats,
    Points,
    Scores,
    Segments,
    area_number,
    person_label,
    person_number,
    target_label,
)

_SAME_S = 2e-3
"""Bounds that differ by less are one: exports are rounded to the millisecond."""
_PLACES = {target_label(t): t for t in (TARGET_SCENE, TARGET_OFF_SCREEN, TARGET_CAMERA)}


def add_episode(state: State, op: AddEpisode) -> None:
    """What the tier said of the person in that span gives way."""
    state.check_person(op.person)
    _add(state, state.tier(op.tier), op.person, op)


def change_episode(state: State, op: ChangeEpisode) -> None:
    """The old episode goes, the new one is added."""
    state.check_person(op.person)
    tier = state.tier(op.tier)
    new = state.label(op.new.value)
    _check_value(state, tier, op.person, new)
    _remove(state, tier, op.person, op.old)
    _add(state, tier, op.person, op.new)


def delete_episode(state: State, op: DeleteEpisode) -> None:
    """Scores in its span are a no; what was looked at instead is not known."""
    _remove(state, state.tier(op.tier), op.person, op)


def split_episode(state: State, op: SplitEpisode) -> None:
    """One row becomes two of the same value."""
    tier = state.tier(op.tier)
    rows = rows_of(tier.segments)
    for person, label in everyone(tier.segments.name, op.person, state.label(op.value)):
        row = _find(rows, tier, person, label, op)
        rows.remove(row)
        rows += [row._replace(end_s=op.at_s, corrected=True)]
        rows += [row._replace(start_s=op.at_s, corrected=True)]
    tier.segments = with_rows(tier.segments, rows)


def _add(state: State, tier: Tier, person: int, episode: Episode) -> None:
    label = state.label(episode.value)
    _check_value(state, tier, person, label)
    rows, name = rows_of(tier.segments), tier.segments.name
    new = [
        Row(one, episode.from_s, episode.to_s, what, 1.0)
        for one, what in everyone(name, person, label)
    ]
    for row in new:
        state.check_person(row.person)
        rows = _cleared(rows, name, row)
    if name == SPEAKING and person > 0:
        nobody = (UNSURE, UNSEEN)
        rows, _ = carved(rows, episode.from_s, episode.to_s, lambda r: r.person in nobody)
    tier.segments = with_rows(tier.segments, [*rows, *new])
    _paint(state, tier, person, episode, label)


def _cleared(rows: list[Row], name: str, new: Row) -> list[Row]:
    """Rows without what they say of a person in the span of a new row.

    Mutual gaze that is cut for one of two is cut for the other.
    """
    rest, gone = carved(rows, new.start_s, new.end_s, lambda r: r.person == new.person)
    if name != MUTUAL:
        return rest
    for row in gone:
        other = row._replace(person=person_number(row.label) or 0, label=person_label(row.person))
        mirrored = {r for r in rest if (r.person, r.label) == (other.person, other.label)}
        rest, _ = carved(rest, row.start_s, row.end_s, mirrored.__contains__)
    return rest


def _remove(state: State, tier: Tier, person: int, episode: Episode) -> None:
    label, rows = state.label(episode.value), rows_of(tier.segments)
    for one, what in everyone(tier.segments.name, person, label):
        rows.remove(_find(rows, tier, one, what, episode))
    tier.segments = with_rows(tier.segments, rows)
    _paint(state, tier, person, episode, None)


def _find(rows: list[Row], tier: Tier, person: int, label: str, episode: Episode) -> Row:
    for row in rows:
        near = (
            abs(row.start_s - episode.from_s) <= _SAME_S
            and abs(row.end_s - episode.to_s) <= _SAME_S
        )
        if near and (row.person, row.label) == (person, label):
            return row
    raise InapplicableError(
        f"tier '{tier.segments.name}' has no episode '{label}' of {person_label(person)} from "
        f"{episode.from_s:g} to {episode.to_s:g} s"
    )


def _check_value(state: State, tier: Tier, person: int, label: str) -> None:
    """InapplicableError for a value that the tier cannot have."""
    number, name = person_number(label), tier.segments.name
    if number is not None:
        state.check_person(number)
        if number == person:
            raise InapplicableError(
                f"{person_label(person)} cannot be the value of the same person"
            )
    if isinstance(tier.by_frame, Points) and number is None:
        have = [*_PLACES, *state.areas, *(state.names[a] for a in state.areas)]
        if label not in have:
            raise InapplicableError(
                f"'{label}' is no target; a value of '{name}' is 'person N', {', '.join(have)}"
            )
    elif isinstance(tier.by_frame, Scores) and number is None:
        used = sorted(set(tier.segments.label))
        if used and label not in used and label not in _OTHER:
            raise InapplicableError(f"'{label}' is no value of '{name}'; it has: {', '.join(used)}")


_OTHER = ("unknown partner", "camera", "contact")
"""Values of eye contact that need not be in every video."""


def _paint(state: State, tier: Tier, person: int, episode: Episode, label: str | None) -> None:
    """Bring the rows by frame after an episode, or after there is none where the label is None."""
    answer = tier.by_frame
    if answer is None:
        return
    rows = (answer.person == person) & state.within(answer, episode.from_s, episode.to_s)
    if isinstance(answer, Scores):
        value = np.where(rows, 0.0 if label is None else 1.0, answer.value)
        tier.by_frame = marked(answer, rows, value=value)
    elif label is None:
        tier.by_frame = marked(answer, rows, probability=np.where(rows, 0.0, answer.probability))
    else:
        tier.by_frame = _looking_at(state, answer, rows, label)


def _looking_at(state: State, points: Points, rows: Bools, label: str) -> Points:
    target = person_number(label)
    if target is None:
        area = label.removeprefix("area ")
        target = _PLACES[label] if label in _PLACES else area_number(int(area))
    box = points.target_xyxy.copy()
    box[rows] = _boxes(state, points, rows, label)
    point = points.point_px.copy()
    stays = rows & (points.target == target) & np.isfinite(point).all(axis=1)
    moved = rows & ~stays
    point[moved] = (box[moved, :2] + box[moved, 2:]) / 2
    return marked(
        points,
        rows,
        point_px=point,
        target=np.where(rows, target, points.target),
        probability=np.where(rows, 1.0, points.probability),
        target_xyxy=box,
    )


def _boxes(state: State, points: Points, rows: Bools, label: str) -> Floats:
    """The boxes `(m, 4)` of a target in the frames of some rows, NaN where it has none."""
    frames = points.frame[rows]
    if label in state.areas:
        return boxes_of(state.areas[label].corners_px[np.searchsorted(state.clock.frame, frames)])
    people, number = state.people, person_number(label)
    mine = np.flatnonzero(people.person == number) if number else np.zeros(0, np.int64)
    boxes = dict(zip(people.frame[mine].tolist(), people.box_xyxy[mine], strict=True))
    nowhere = np.full(4, np.nan)
    return np.array([boxes.get(f, nowhere) for f in frames.tolist()]).reshape(-1, 4)


def not_codable(state: State, op: NotCodable) -> None:
    """Episodes in the span go, rows by frame have no value, and the time counts nowhere."""
    if op.person is not None:
        state.check_person(op.person)
    tier = state.tier(op.tier) if op.tier else None
    name = tier.segments.name if tier else None
    for k, answer in enumerate(state.answers):
        if tier and (answer.name, answer.builder) != (tier.segments.name, tier.segments.builder):
            continue
        if isinstance(answer, Segments):
            meant = partial(_meant, op, answer.name)
            rows, _ = carved(rows_of(answer), op.from_s, op.to_s, meant)
            state.answers[k] = with_rows(answer, rows)
        elif isinstance(answer, Scores | Points):
            unknown = state.within(answer, op.from_s, op.to_s)
            if op.person is not None:
                unknown &= answer.person == op.person
            scored = isinstance(answer, Scores)
            column, nothing = ("value", np.nan) if scored else ("probability", 0.0)
            values = np.where(unknown, nothing, getattr(answer, column))
            state.answers[k] = marked(answer, unknown, **{column: values})
    state.excluded.append(Excluded(op.from_s, op.to_s, name, op.person))


def _meant(op: NotCodable, name: str, row: Row) -> bool:
    """Whether a span of one person's is about a row, also of others with whom the person is."""
    if op.person is None or row.person == op.person:
        return True
    if name not in DERIVED:
        return False
    return person_label(op.person) in row.label.rpartition(" with ")[2].split(" and ")


OPERATIONS: dict[str, Callable[..., None]] = {
    "add_episode": add_episode,
    "change_episode": change_episode,
    "delete_episode": delete_episode,
    "split_episode": split_episode,
    "not_codable": not_codable,
}
