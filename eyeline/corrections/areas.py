"""Areas of interest: their shape in every frame, and the looks that go to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from eyeline.corrections.model import Area
from eyeline.corrections.rows import Bools, Row, laid, marked, rows_of, with_rows
from eyeline.corrections.state import State, Tier
from eyeline.export.spans import clock_for
from eyeline.people.shared_looks import SHORTEST_S
from eyeline.results import (
    TARGET_SCENE,
    AreaShape,
    Clock,
    Floats,
    Ints,
    Points,
    area_number,
    runs,
    target_label,
)

NEAR_S = 1e-3
"""Times of frames and of key frames that differ by less are one."""
Tracks = Mapping[int, Floats]
"""By id of an operation, the corners `(frames, corners, 2)` of an area that was tracked."""


def corners_of(area: Area) -> Floats:
    """The corners `(key frames, corners, 2)` of an area; a box has four."""
    points = np.array([frame.points for frame in area.keyframes], np.float64)
    if area.shape == "polygon":
        return points
    low, high = points.min(axis=1), points.max(axis=1)
    x, y = np.stack([low, high], -1).transpose(1, 0, 2)
    return np.stack(
        [np.stack([x[:, i], y[:, j]], -1) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))], 1
    )


def shapes(area: Area, clock: Clock) -> Floats:
    """The corners `(frames, corners, 2)` by interpolation, NaN in frames where it is not."""
    corners, times = corners_of(area), np.array([frame.time_s for frame in area.keyframes])
    flat = corners.reshape(len(times), -1)
    at = np.stack([np.interp(clock.start_s, times, column) for column in flat.T], -1)
    at[~holds(area, clock)] = np.nan
    return at.reshape(len(clock), *corners.shape[1:])


def holds(area: Area, clock: Clock) -> Bools:
    """In which frames an area is: from its first key frame to its last.

    With one key frame it is there in all, or, where it is tracked, from there on.
    """
    first, last = area.keyframes[0].time_s, area.keyframes[-1].time_s
    if area.between == "track":
        late = clock.start_s > last + NEAR_S
        return np.asarray((clock.start_s >= first - NEAR_S) & ~(late & (last > first)))
    if last == first:
        return np.ones(len(clock), bool)
    return np.asarray((clock.end_s > first) & (clock.start_s <= last))


def draw(state: State, areas: Iterable[tuple[int, Area]], tracks: Tracks) -> None:
    """Place areas, each with its number, and turn looks at the scene there into looks at them."""
    for number, area in areas:
        label = target_label(area_number(number))
        corners = tracks.get(area.id)
        if area.between == "track":
            state.notes += _of_tracking(area, corners, state.clock)
        corners = shapes(area, state.clock) if corners is None else corners
        state.areas[label] = AreaShape(label, area.id, area.between, corners)
        state.names[label] = area.name
    if state.areas:
        at_areas(state)


def _of_tracking(area: Area, corners: Floats | None, clock: Clock) -> list[str]:
    """What is to be known of an area that was to be tracked."""
    if corners is None:
        why = "the tracker has not followed it through the video, which must be there when exports"
        return [f"area '{area.name}' is interpolated between its key frames: {why} are written"]
    lost = np.flatnonzero(holds(area, clock) & np.isnan(corners).any(axis=(1, 2)))
    if not len(lost):
        return []
    where = f"in {len(lost)} of {len(clock)} frames, first at {clock.start_s[lost[0]]:.2f} s"
    return [f"area '{area.name}' is lost by the tracker {where}: add a key frame there"]


def at_areas(state: State) -> None:
    """Give looks at the scene whose point lies in an area that target; the smallest area counts."""
    for answer in [a for a in state.answers if isinstance(a, Points)]:
        target, box = _targets(state, answer)
        changed = target != answer.target
        if not changed.any():
            continue
        tier = state.tier(f"{answer.name} ({answer.builder})")
        after = marked(answer, changed, target=target, target_xyxy=box)
        tier.by_frame = after
        lay_runs(tier, after, changed)


def _targets(state: State, points: Points) -> tuple[Ints, Floats]:
    """Targets `(n,)` and boxes `(n, 4)` with the areas among them."""
    target, box = points.target.copy(), points.target_xyxy.copy()
    open_ = (points.target == TARGET_SCENE) & (points.probability > 0)
    rows = np.flatnonzero(open_ & np.isfinite(points.point_px).all(axis=1))
    frames = np.searchsorted(state.clock.frame, points.frame[rows])
    smallest = np.full(len(rows), np.inf)
    for label, shape in state.areas.items():
        corners = shape.corners_px[frames]
        x, y = corners[..., 0], corners[..., 1]
        twice = x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)
        size = np.abs(twice.sum(axis=1)) / 2
        hit = inside(points.point_px[rows], corners) & (size < smallest)
        smallest[hit] = size[hit]
        target[rows[hit]] = area_number(int(label.removeprefix("area ")))
        box[rows[hit]] = boxes_of(corners[hit])
    return target, box


def boxes_of(corners: Floats) -> Floats:
    """Boxes `(n, 4)` about corners `(n, corners, 2)`."""
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def inside(point: Floats, corners: Floats) -> Bools:
    """Which points `(n, 2)` lie within polygons `(n, corners, 2)`, by the even-odd rule."""
    x, y = point[:, :1], point[:, 1:]
    x1, y1 = corners[..., 0], corners[..., 1]
    x2, y2 = np.roll(x1, -1, axis=1), np.roll(y1, -1, axis=1)
    crosses = (y1 > y) != (y2 > y)
    height = np.where(y2 == y1, 1.0, y2 - y1)
    left = x < (x2 - x1) * (y - y1) / height + x1
    return np.asarray((crosses & left).sum(axis=1) % 2 == 1)


def lay_runs(tier: Tier, points: Points, changed: Bools) -> None:
    """Bring the segments of looks after their points; pieces too short for a look are left out."""
    ends = clock_for(points, tier.state.computed).ends_of(points.frame)
    new: list[Row] = []
    for person in np.unique(points.person[changed]).tolist():
        mine = np.flatnonzero(points.person == person)
        mine = mine[np.argsort(points.frame[mine], kind="stable")]
        for target in np.unique(points.target[mine][changed[mine]]).tolist():
            yes = changed[mine] & (points.target[mine] == target)
            for run in runs(points.time_s[mine], ends[mine], yes):
                span = mine[run]
                start, end = float(points.time_s[span[0]]), float(ends[span[-1]])
                score = float(points.probability[span].mean())
                new.append(Row(person, start, end, target_label(target), score))
    before = set(rows_of(tier.segments))
    rows = laid(before, new)
    kept = [r for r in rows if r in before or r.end_s - r.start_s >= SHORTEST_S - 1e-6]
    tier.segments = with_rows(tier.segments, kept)
