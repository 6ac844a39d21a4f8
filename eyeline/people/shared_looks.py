"""Mutual gaze and joint attention, derived once from the targets of looks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.geometry import boxes
from eyeline.results import (
    TARGET_AREA,
    TARGET_CAMERA,
    TARGET_SCENE,
    Answer,
    Floats,
    Ints,
    Label,
    Points,
    Segments,
    make_segments,
    person_label,
    person_number,
    runs,
    target_label,
)

TARGETS = "gaze_target"
MUTUAL = "mutual_gaze"
JOINT = "joint_attention"
LABELS: Mapping[str, Label] = {
    MUTUAL: Label("mutual gaze", episode=True),
    JOINT: Label("joint attention", episode=True),
}
SHORTEST_S = 0.2
"""Shorter episodes are left out, as are shorter looks."""
BRIDGED_S = 0.3
"""Interruptions up to this long, as by a blink, do not end an episode."""
SAME_OBJECT_IOU = 0.5
"""Two boxes in the scene that overlap by this much are one object."""

Bools = npt.NDArray[np.bool_]
_Row = tuple[int, float, float, str, float]


def shared_looks(answers: Iterable[Answer], clock: Floats) -> list[Segments]:
    """`mutual_gaze` and `joint_attention` of every answer with targets.

    Mutual gaze has a row for each of the two persons, labelled with the other. Joint attention has
    a row for each person who takes part, labelled with the target and all who look at it with that
    person, for example `person 3 with person 1 and person 2`; the target is a person, the camera,
    or an object, where the builder gives boxes of objects. The score is the smallest of the
    probabilities of the persons' targets, averaged over frames; interruptions count as 0.

    Args:
        answers: of one video; `Points` called `gaze_target` count.
        clock: `(t, 3)` index, start and end of all analysed frames.

    """
    result = []
    for points in (a for a in answers if isinstance(a, Points) and a.name == TARGETS):
        grid, origin = _grid(points, clock), (points.system, points.builder)
        result.append(make_segments(*origin, MUTUAL, _mutual(grid)))
        result.append(make_segments(*origin, JOINT, _joint(grid)))
    return result


def joint_parts(label: str) -> tuple[str, tuple[int, ...]]:
    """Target and other persons of a label of joint attention."""
    target, _, others = label.partition(" with ")
    numbers = (person_number(name) for name in others.split(" and "))
    return target, tuple(n for n in numbers if n is not None)


@dataclass(frozen=True)
class _Grid:
    """Targets of all persons over the analysed frames."""

    persons: tuple[int, ...]
    start_s: Floats
    """`(t,)`."""
    end_s: Floats
    """`(t,)`."""
    target: Ints
    """`(t, persons)` as of `Points.target`, `_NONE` where there is none."""
    probability: Floats
    """`(t, persons)`."""
    box_xyxy: Floats
    """`(t, persons, 4)`."""

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Columns of all pairs."""
        return itertools.combinations(range(len(self.persons)), 2)

    def episodes(self, yes: Bools) -> list[slice]:
        """Frames that count, bridged, of at least `SHORTEST_S`."""
        spans: list[slice] = []
        for run in runs(self.start_s, self.end_s, yes):
            near = spans and self.start_s[run.start] - self.end_s[spans[-1].stop - 1] <= BRIDGED_S
            spans.append(slice(spans.pop().start if near else run.start, run.stop))
        ends_s, starts_s = self.end_s, self.start_s
        return [s for s in spans if ends_s[s.stop - 1] - starts_s[s.start] >= SHORTEST_S - 1e-6]

    def row(self, column: int, span: slice, label: str, score: Floats) -> _Row:
        """A segment of one person."""
        start, end = float(self.start_s[span.start]), float(self.end_s[span.stop - 1])
        return self.persons[column], start, end, label, float(score[span].mean())


_NONE = np.iinfo(np.int64).min


def _grid(points: Points, clock: Floats) -> _Grid:
    known = points.probability > 0
    frames = clock[:, 0].astype(np.int64)
    persons = np.unique(points.person[known])
    size = len(frames), len(persons)
    target, probability = np.full(size, _NONE), np.zeros(size)
    box = np.full((*size, 4), np.nan)
    at = np.searchsorted(frames, points.frame[known])
    column = np.searchsorted(persons, points.person[known])
    target[at, column] = points.target[known]
    probability[at, column] = points.probability[known]
    box[at, column] = points.target_xyxy[known]
    return _Grid(tuple(persons.tolist()), clock[:, 1], clock[:, 2], target, probability, box)


def _mutual(grid: _Grid) -> Iterator[_Row]:
    for a, b in grid.pairs():
        one, other = grid.persons[a], grid.persons[b]
        yes = (grid.target[:, a] == other) & (grid.target[:, b] == one)
        score = np.where(yes, grid.probability[:, [a, b]].min(axis=1), 0.0)
        for span in grid.episodes(yes):
            yield grid.row(a, span, person_label(other), score)
            yield grid.row(b, span, person_label(one), score)


def _joint(grid: _Grid) -> Iterator[_Row]:
    for target in np.unique(grid.target).tolist():
        if target > 0 or target in (TARGET_CAMERA, TARGET_SCENE) or _NONE < target <= TARGET_AREA:
            yield from _at_one_target(grid, target)


def _at_one_target(grid: _Grid, target: int) -> Iterator[_Row]:
    """Rows of each person while the same others look at the target, too."""
    mine, n = grid.target == target, len(grid.persons)
    together = np.zeros((n, *mine.shape), bool)
    for a, b in grid.pairs():
        yes = mine[:, a] & mine[:, b]
        if target == TARGET_SCENE and yes.any():
            yes[yes] = _one_object(grid.box_xyxy[yes, a], grid.box_xyxy[yes, b])
        for span in grid.episodes(yes):
            together[a, span, b] = together[b, span, a] = True
    for column in range(n):
        yield from _while_together(grid, column, target, together[column])


def _one_object(a: Floats, b: Floats) -> Bools:
    """Which rows of boxes `(n, 4)` overlap as one object; NaN does not."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    shared = boxes.area(np.concatenate([low, high], axis=1))
    return np.asarray(shared >= SAME_OBJECT_IOU * (boxes.area(a) + boxes.area(b) - shared))


def _while_together(grid: _Grid, column: int, target: int, others: Bools) -> Iterator[_Row]:
    """Rows of one person, cut where those `(t, persons)` who look along change."""
    groups, group = np.unique(others, axis=0, return_inverse=True)
    for number, members in enumerate(groups):
        if not members.any():
            continue
        names = " and ".join(person_label(grid.persons[k]) for k in np.flatnonzero(members))
        label = f"{target_label(target)} with {names}"
        everyone = [column, *np.flatnonzero(members)]
        yes = (grid.target[:, everyone] == target).all(axis=1)
        score = np.where(yes, grid.probability[:, everyone].min(axis=1), 0.0)
        for span in runs(grid.start_s, grid.end_s, group.ravel() == number):
            yield grid.row(column, span, label, score)
