"""One tier of two coders as counts that add up over videos, and the figures of their sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyeline.agreement.match import MatchedTier
from eyeline.agreement.measures import (
    NONE,
    cohen_kappa,
    event_matches,
    events,
    grid,
    gwet_ac1,
    percent_agreement,
    pieces,
    table_of,
    values_at,
)
from eyeline.codings.coding import Interval
from eyeline.evaluation.bootstrap import intervals
from eyeline.evaluation.metrics import f1_from_counts
from eyeline.export.intervals import Spans
from eyeline.results import Floats, Ints

LEVELS = (0.1, 0.25, 0.5)
"""Overlaps from which on two events are one."""


@dataclass(frozen=True)
class Counted:
    """One tier of one video, as counts that add up over videos."""

    video: str
    tier: MatchedTier
    spans: Spans
    """What is compared."""
    seconds: Floats
    """`(values, values)` exact."""
    cells: Floats
    """`(values, values)` of the grid."""
    event_counts: Ints
    """`(2,)` events of A and of B."""
    matched: Ints
    """`(levels,)` pairs."""
    differences: Floats
    """`(pairs, 2)` onset and offset of B less those of A, seconds."""


def count(
    video: str, tier: MatchedTier, values: Sequence[str], spans: Spans, step_s: float
) -> Counted:
    """One tier of one video.

    Args:
        video: its name.
        tier: of both coders.
        values: all of them, nothing first.
        spans: what is compared.
        step_s: of the grid.
    """

    def table(time_s: Floats, weight: Floats | None) -> Floats:
        a, b = (values_at(t.intervals, time_s, values) for t in (tier.a, tier.b))
        return table_of(a, b, len(values), weight)

    centre, length = pieces(tier.a.intervals, tier.b.intervals, spans)
    a, b = (events(t.intervals, values, spans) for t in (tier.a, tier.b))
    matched, differences = event_matches(a, b, LEVELS)
    return Counted(
        video,
        tier,
        spans,
        table(centre, length),
        table(grid(spans, step_s), None),
        np.array([len(a), len(b)]),
        matched,
        differences,
    )


def figures_of(counted: Sequence[Counted], values: Sequence[str], samples: int) -> dict[str, Any]:
    """All figures of a tier, and their intervals by `samples` draws of several videos."""
    names = ("seconds", "cells", "event_counts", "matched")
    seconds, cells, counts, matched = (np.stack([getattr(c, n) for c in counted]) for n in names)

    def f1(level: int) -> Any:
        def of(drawn: Ints) -> float:
            tp, (own, other) = matched[drawn, level].sum(), counts[drawn].sum(0)
            return f1_from_counts(tp, other - tp, own - tp) if own + other else float("nan")

        return of

    scores: dict[str, Any] = {
        "kappa": lambda drawn: cohen_kappa(cells[drawn].sum(0)),
        "ac1": lambda drawn: gwet_ac1(cells[drawn].sum(0)),
        "agreement": lambda drawn: percent_agreement(seconds[drawn].sum(0)),
        **{f"f1@{level:g}": f1(n) for n, level in enumerate(LEVELS)},
    }
    whole = np.arange(len(counted))
    several = len(counted) > 1 and samples > 0
    drawn = intervals(scores, len(counted), samples=samples) if several else {}
    table = seconds.sum(0)
    return {
        "videos": len(counted),
        "compared_s": float(table.sum()),
        **{name: score(whole) for name, score in scores.items()},
        "interval": {name: drawn.get(name) for name in scores},
        "events": dict(zip("ab", counts.sum(0).tolist(), strict=True)),
        "onset_s": _spread(np.concatenate([c.differences[:, 0] for c in counted])),
        "offset_s": _spread(np.concatenate([c.differences[:, 1] for c in counted])),
        "values": list(values),
        "confusion_s": table.tolist(),
        "by_value": {
            value or NONE: {
                "a_s": float(table[n].sum()),
                "b_s": float(table[:, n].sum()),
                "agreement": f1_from_counts(
                    table[n, n], table[:, n].sum() - table[n, n], table[n].sum() - table[n, n]
                )
                if table[n].sum() + table[:, n].sum() > 0
                else None,
            }
            for n, value in enumerate(values)
        },
    }


def _spread(differences: Floats) -> dict[str, Any]:
    """Of B less A: the median, and the absolute difference that 50 and 90 % do not exceed."""
    if not len(differences):
        return {"pairs": 0, "median": None, "absolute_median": None, "absolute_90": None}
    half, high = np.quantile(np.abs(differences), [0.5, 0.9])
    return {
        "pairs": len(differences),
        "median": float(np.median(differences)),
        "absolute_median": float(half),
        "absolute_90": float(high),
    }


def disagreements(counted: Counted) -> list[Interval]:
    """Spans in which the coders differ, with what each said; joined where that stays the same."""
    a, b = counted.tier.a.intervals, counted.tier.b.intervals
    values = ["", *dict.fromkeys((*counted.tier.a.values, *counted.tier.b.values))]
    centre, length = pieces(a, b, counted.spans)
    said = [values_at(side, centre, values).tolist() for side in (a, b)]
    result: list[Interval] = []
    for at, long, x, y in zip(centre.tolist(), length.tolist(), *said, strict=True):
        if x == y:
            continue
        value = f"{values[x] or NONE} / {values[y] or NONE}"
        start, end = at - long / 2, at + long / 2
        if result and result[-1].value == value and abs(result[-1].to_s - start) < 1e-6:
            result[-1] = result[-1]._replace(to_s=end)
        else:
            result.append(Interval(start, end, value))
    return result
