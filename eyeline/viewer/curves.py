"""Scores and angles as curves, at the resolution of the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from eyeline.export.words import label_of
from eyeline.geometry.directions import to_yaw_pitch
from eyeline.results import Analysis, Directions, Floats, Ints, Scores
from eyeline.viewer.tables import plain

HEAD = "head"
ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")
Rows: TypeAlias = tuple[Ints, Floats, Floats]
"""Person, time and value of the rows of a curve."""


def curve_names(index: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The curves that there are: every score, angles of gaze, angles of the head."""
    answers = index["answers"]
    names = [
        {"id": f"scores/{a['name']}", "title": label_of(a["name"]).title, "unit": ""}
        | {"threshold": a["threshold"]}
        for a in answers
        if a["kind"] == "scores"
    ]
    directions = [a["name"] for a in answers if a["kind"] == "directions"]
    angles = [(f"directions/{name}/{a}", name, a) for name in directions for a in ANGLES[:2]]
    ours = ANGLES[2:] if HEAD in directions else ANGLES
    angles += [(f"people/{a}", HEAD, a) for a in ours]
    return names + [
        {"id": key, "title": f"{of} {angle.removesuffix('_deg')}", "unit": "deg"}
        for key, of, angle in angles
    ]


def curve(rows: Rows, start_s: float, end_s: float, pixels: int) -> list[dict[str, Any]]:
    """A curve a person: least, mean and largest value in each bin of a pixel."""
    person, time_s, value = rows
    edges = np.linspace(start_s, end_s, pixels + 1)
    return [
        {"person": int(p), **_binned(time_s[person == p], value[person == p], edges)}
        for p in np.unique(person)
    ]


def curve_rows(analysis: Analysis, name: str) -> Rows:
    """The rows of a curve out of an analysis in memory."""
    kind, _, rest = name.partition("/")
    if kind == "scores":
        scores = next(a for a in analysis.of(Scores) if a.name == rest)
        return scores.person, scores.time_s, scores.value
    if kind == "people":
        return analysis.people.person, analysis.people.time_s, getattr(analysis.people, rest)
    answer, _, angle = rest.partition("/")
    gaze = next(a for a in analysis.of(Directions) if a.name == answer)
    yaw, pitch = to_yaw_pitch(gaze.direction.astype(np.float64))
    return gaze.person, gaze.time_s, np.degrees(yaw if angle == ANGLES[0] else pitch)


def _binned(time_s: Floats, value: Floats, edges: Floats) -> dict[str, Any]:
    """Values `(n,)` by bin `(pixels,)`; where there are fewer of them than bins, as they are."""
    inside = (time_s >= edges[0]) & (time_s <= edges[-1])
    order = np.argsort(time_s[inside], kind="stable")
    time_s, value = time_s[inside][order], value[inside][order].astype(np.float64)
    if len(time_s) <= len(edges):
        return {"time_s": plain(time_s, 6), "mean": plain(value), "low": None, "high": None}
    known = np.isfinite(value)
    time_s, value = time_s[known], value[known]
    first = np.searchsorted(time_s, edges[:-1])
    used = np.flatnonzero(np.diff(np.append(first, len(time_s))) > 0)
    starts = first[used]
    count = np.diff(np.append(starts, len(time_s)))
    mean = np.add.reduceat(value, starts) / count if len(starts) else value
    low, high = (
        (f.reduceat(value, starts) if len(starts) else value) for f in (np.minimum, np.maximum)
    )
    centre = (edges[:-1] + edges[1:])[used] / 2
    columns = {"time_s": centre, "mean": mean, "low": low, "high": high}
    return {name: plain(column, 6) for name, column in columns.items()}
