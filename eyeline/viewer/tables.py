"""What the page draws, by span of time and at the resolution of the screen, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from eyeline.export.colours import hex_colour, person_colour
from eyeline.export.columns import COMPUTED, CORRECTED
from eyeline.export.coverage import Coverage
from eyeline.export.spans import clock_of, everyone
from eyeline.export.timeline import FrameView, Timeline
from eyeline.export.words import label_of
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
    TARGET_SCENE,
    Analysis,
    Floats,
    Ints,
    Segments,
    person_label,
    person_number,
    target_label,
)

LOOKS = "gaze_target"
_BLOCK_PX = 2
"""Widest block of episodes that are narrower than a pixel."""
FACE = (
    "person", "x1", "y1", "x2", "y2", "eyes_x", "eyes_y", "seen_x", "seen_y", "seen_z", "cone_rad",
    "target", "target_x", "target_y", "detected", "speaks", "contact", "camera",
)  # fmt: skip
"""Columns of a face of `overlay`."""


def person_card(person: int, name: str = "") -> dict[str, Any]:
    """How the page calls and paints somebody."""
    label = person_label(person)
    return {
        "person": person,
        "label": label,
        "name": name,
        "colour": hex_colour(person_colour(person)),
    }


def overlay(analysis: Analysis, start_s: float, end_s: float) -> dict[str, Any]:
    """All frames of a span with their faces, areas, and where the camera wearer looks."""
    timeline, clock = Timeline(analysis), clock_of(analysis)
    frames = [
        _frame(timeline.at(int(clock.frame[k])), float(clock.start_s[k]), float(clock.end_s[k]))
        | {"areas": _areas(analysis, k)}
        for k in np.flatnonzero((clock.start_s < end_s) & (clock.end_s > start_s)).tolist()
    ]
    return {"start_s": start_s, "end_s": end_s, "columns": list(FACE), "frames": frames}


def _areas(analysis: Analysis, k: int) -> list[Any]:
    """Name and corners of the areas that are there in a frame."""
    return [
        [analysis.shown(area.label), [plain(corner, 1) for corner in area.corners_px[k]]]
        for area in (analysis.corrected.areas if analysis.corrected else ())
        if np.isfinite(area.corners_px[k]).all()
    ]


def _frame(view: FrameView, start_s: float, end_s: float) -> dict[str, Any]:
    cone = np.full(len(view), np.nan) if view.cone_rad is None else view.cone_rad
    states = (view.detected, view.speaks, view.contact, view.camera)
    columns = [
        view.person, view.box_xyxy, view.eyes_px, view.seen, cone, view.target, view.target_px,
        *states,
    ]  # fmt: skip
    rows = np.column_stack([np.asarray(column, np.float64) for column in columns])
    return {
        "start_s": round(start_s, 6),
        "end_s": round(end_s, 6),
        "faces": [plain(row, 4) for row in rows],
        "marks": [[mark.x_px, mark.y_px, mark.name] for mark in view.marks],
        "unseen_speech": view.unseen_speech,
    }


def plain(values: Floats, decimals: int = 4) -> list[float | int | None]:
    """Numbers for JSON: rounded, whole ones short, None for what is not known."""
    rounded = np.round(np.asarray(values, np.float64), decimals)
    return [None if not np.isfinite(v) else int(v) if v == int(v) else v for v in rounded.tolist()]


def tiers(
    segments: Sequence[Segments], analysis: Analysis, start_s: float, end_s: float, pixels: int
) -> list[dict[str, Any]]:
    """A tier for each person and question; neighbours narrower than a pixel become one block."""
    pixel_s = (end_s - start_s) / pixels
    result = []
    for person in everyone(analysis, list(segments)):
        for answer in segments:
            mine = answer.person == person
            if np.any(mine):
                inside = np.flatnonzero(mine & (answer.start_s < end_s) & (answer.end_s > start_s))
                rows = inside[np.argsort(answer.start_s[inside], kind="stable")]
                spans = _blocks(answer, rows, pixel_s)
                title = label_of(answer.name).title
                tier = {"tier": answer.name, "builder": answer.builder, "title": title}
                result.append(tier | {"person": person, "spans": spans})
    return result


def tier_names(segments: Sequence[Segments], analysis: Analysis) -> list[dict[str, Any]]:
    """The tiers with the values that they have or could have, and whom they are about."""
    people = [person.label for person in analysis.persons]
    places = [target_label(t) for t in (TARGET_SCENE, TARGET_OFF_SCREEN, TARGET_CAMERA)]
    return [
        {
            "tier": answer.name,
            "title": label_of(answer.name).title,
            "persons": sorted({*answer.person.tolist()}),
            "values": list(
                dict.fromkeys((*(people + places if answer.name == LOOKS else ()), *answer.label))
            ),
        }
        for answer in {one.name: one for one in reversed(segments)}.values()
    ][::-1]


def _blocks(answer: Segments, rows: Ints, pixel_s: float) -> list[list[Any]]:
    """Start, end, value (None for several), number of episodes and seconds of each block."""
    blocks: list[list[Any]] = []
    columns = (answer.start_s[rows].tolist(), answer.end_s[rows].tolist(), rows.tolist())
    for start, end, row in zip(*columns, strict=True):
        last, value = blocks[-1] if blocks else None, answer.label[row]
        small = end - start < pixel_s and last is not None and last[4] < _BLOCK_PX * pixel_s
        if last is not None and small and end - last[0] < _BLOCK_PX * pixel_s:
            last[1], last[3], last[4] = max(last[1], end), last[3] + 1, last[4] + end - start
            last[2] = last[2] if last[2] == value else None
        else:
            blocks.append([start, end, value, 1, end - start])
    return blocks


def episodes(
    segments: Iterable[Segments],
    start_s: float,
    end_s: float,
    *,
    tier: str | None = None,
    person: int | None = None,
    limit: int = 500,
) -> dict[str, Any]:
    """The first episodes, by time, that reach into a span, and how many there are in all."""
    chosen = [answer for answer in segments if tier in (None, answer.name)]
    rows = [_reaching(answer, start_s, end_s, person) for answer in chosen]
    which = np.concatenate([np.zeros(0, int), *(np.full(len(r), k) for k, r in enumerate(rows))])
    row = np.concatenate([np.zeros(0, int), *rows])
    begin, end = (
        np.concatenate(
            [np.zeros(0), *(getattr(a, c)[r] for a, r in zip(chosen, rows, strict=True))]
        )
        for c in ("start_s", "end_s")
    )
    first = np.lexsort((which, end, begin))[:limit]
    return {
        "total": len(row),
        "episodes": [_episode(chosen[which[k]], int(row[k])) for k in first.tolist()],
    }


def _episode(answer: Segments, row: int) -> dict[str, Any]:
    known = answer.corrected
    return {
        "tier": answer.name,
        "person": int(answer.person[row]),
        "value": answer.label[row],
        "from_s": float(answer.start_s[row]),
        "to_s": float(answer.end_s[row]),
        "score": plain(answer.score[row : row + 1])[0],
        "source": CORRECTED if known is not None and known[row] else COMPUTED,
    }


def _reaching(answer: Segments, start_s: float, end_s: float, person: int | None) -> Ints:
    wanted = (answer.start_s < end_s) & (answer.end_s > start_s)
    return np.flatnonzero(wanted if person is None else wanted & (answer.person == person))


def matrix(segments: Iterable[Segments], start_s: float, end_s: float) -> dict[str, Any]:
    """Seconds that each person looks at each target within a span."""
    seconds: dict[tuple[int, str], float] = {}
    for answer in segments:
        if answer.name == LOOKS:
            for k in _reaching(answer, start_s, end_s, None).tolist():
                inside = min(end_s, float(answer.end_s[k])) - max(start_s, float(answer.start_s[k]))
                at = int(answer.person[k]), answer.label[k]
                seconds[at] = seconds.get(at, 0.0) + inside
    who = sorted({person for person, _ in seconds})
    targets = sorted({target for _, target in seconds} | {*map(person_label, who)}, key=_order)
    cells = [[round(seconds.get((p, t), 0.0), 3) for t in targets] for p in who]
    return {"persons": who, "targets": targets, "seconds": cells}


def _order(target: str) -> tuple[int, int, str]:
    """Persons by number, then scene, off screen and camera, then others by name."""
    number = person_number(target)
    special = [target_label(t) for t in (TARGET_SCENE, TARGET_OFF_SCREEN, TARGET_CAMERA)]
    if number is not None:
        return 0, number, target
    return (1, special.index(target), target) if target in special else (2, 0, target)


def not_codable(
    coverages: Sequence[Coverage], start_s: float, end_s: float
) -> list[dict[str, Any]]:
    """Where a person is in view and a question could not be answered, by tier and person."""
    return [
        {
            "tier": c.name,
            "person": person,
            "spans": spans[(spans[:, 0] < end_s) & (spans[:, 1] > start_s)].round(6).tolist(),
        }
        for c in coverages
        for person, spans in c.missing.items()
        if len(spans)
    ]
