"""How far apart the directions lie that several builders tell of the same persons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.geometry.directions import angle
from eyeline.results import Analysis, Directions, Floats, Ints, person_label


@dataclass(frozen=True)
class Difference:
    """Angles between two builders' directions of one person, or of everybody."""

    name: str
    """What is told: `gaze`, `head` or `body`."""
    first: str
    """The one builder, for example `gaze_3d/head_pose`."""
    second: str
    """The other."""
    who: str
    """The person's label, or `everybody`."""
    frames: int
    """Rows that both tell of."""
    mean_deg: float
    median_deg: float
    ninth_decile_deg: float
    """Nine of ten angles are smaller."""


def differences(analysis: Analysis) -> list[Difference]:
    """The first builder's directions against each other one's, by name, then person.

    An analysis in which one builder tells each direction has none. Agreement of two methods is no
    measure of either's error.
    """
    result: list[Difference] = []
    known: list[Directions] = analysis.of(Directions)
    for name in dict.fromkeys(d.name for d in known):
        first, *others = (d for d in known if d.name == name)
        for other in others:
            person, angles = _angles(first, other)
            everybody = [("everybody", angles)] if len(angles) else []
            each = [
                (analysis.shown(person_label(n)), angles[person == n])
                for n in np.unique(person).tolist()
            ]
            rows = [*each, *everybody] if len(each) > 1 else each
            result += [_difference(first, other, who, part) for who, part in rows]
    return result


def _angles(a: Directions, b: Directions) -> tuple[Ints, Floats]:
    """Persons and angles in degrees `(n,)` of the rows that both have."""
    keys, others = (d.frame.astype(np.int64) * (1 << 20) + d.person for d in (a, b))
    order = np.argsort(others, kind="stable")
    last = np.searchsorted(others[order], keys, "right") - 1
    i = np.flatnonzero((last >= 0) & (others[order[last]] == keys)) if len(order) else order
    j = order[last[i]]
    degrees = np.degrees(angle(a.direction[i].astype(float), b.direction[j].astype(float)))
    known = np.isfinite(degrees)
    return np.asarray(a.person[i][known]), degrees[known]


def _difference(a: Directions, b: Directions, who: str, angles: Floats) -> Difference:
    return Difference(
        a.name,
        f"{a.system}/{a.builder}",
        f"{b.system}/{b.builder}",
        who,
        len(angles),
        mean_deg=float(angles.mean()),
        median_deg=float(np.median(angles)),
        ninth_decile_deg=float(np.quantile(angles, 0.9)),
    )
