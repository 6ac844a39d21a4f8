"""The agreement of two codings as one page that is opened from disk, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.agreement.compare import Agreement, TierAgreement
from eyeline.agreement.counting import LEVELS, Counted, disagreements
from eyeline.agreement.measures import NONE
from eyeline.codings.coding import Interval
from eyeline.codings.table import Dialect, csv_bytes, text_of
from eyeline.export.report import template
from eyeline.export.words import clock, percent
from eyeline.files import write_bytes

CSV = "agreement.csv"
JSON = "agreement.json"
PAGE = "agreement.html"
COLOURS = (
    "#2f6fb5", "#d9822b", "#3a9a5b", "#b5447a", "#7a63c4", "#b8a02c", "#2f9aa8", "#a3603c",
    "#6b8e23", "#c25450", "#5f7a94", "#8c4a9e",
)  # fmt: skip
"""Of values, in their order; further ones begin anew."""
_STRIPS = 12
"""Videos of a tier whose timelines are drawn."""
_MATRIX = 25
"""With more values the matrix is left to the JSON."""
_BARS = 400
"""A lane with more is drawn as one shape a colour."""
_SPANS = 40
"""Disagreements of a video that are listed, the longest."""


def write(agreement: Agreement, folder: Path, dialect: Dialect = "excel") -> tuple[Path, Path]:
    """Write `agreement.json`, `.csv` and `.html`; OutputError where that cannot be."""
    agreement.report.write(folder / JSON)
    write_bytes(folder / CSV, csv_bytes(as_csv(agreement, dialect), dialect))
    page = render(agreement).encode("utf-8", "replace")
    return folder / JSON, write_bytes(folder / PAGE, page)


def as_csv(agreement: Agreement, dialect: Dialect = "excel") -> str:
    """A row for each tier with its figures and their intervals; what there is none of is empty."""
    names = ("kappa", "ac1", "agreement", *(f"f1@{level:g}" for level in LEVELS))
    spreads = [(s, key) for s in ("onset_s", "offset_s") for key in ("median", "absolute_90")]
    head = ["tier", "videos", "compared_s", *names]
    head += [f"{name}_{end}" for name in names for end in ("low", "high")]
    head += [f"{side.removesuffix('_s')}_{key}_s" for side, key in spreads]
    rows = []
    for tier in agreement.tiers:
        figures = tier.figures
        row = [tier.name, *(figures[name] for name in ("videos", "compared_s", *names))]
        row += [end for name in names for end in figures["interval"][name] or (None, None)]
        rows.append([*row, *(figures[side][key] for side, key in spreads)])
    return text_of(head, rows, dialect)


def render(agreement: Agreement) -> str:
    """The page as text; everything that comes from outside is escaped."""
    filters: dict[str, Callable[..., object]] = {
        "figure": figure,
        "span": span,
        "percents": lambda pair: f"{percent(pair[0])} to {percent(pair[1])}" if pair else "",
        "seconds": lambda value: f"{value:.2f} s",
        "signed": lambda value: f"{value:+.2f} s".replace("-", "−"),
        "bounds": bounds,
    }
    report = agreement.report
    page: str = template("agreement.html.j2", filters=filters).render(
        report=report,
        levels=[f"{level:g}" for level in LEVELS],
        videos=agreement.videos,
        tiers=[_tier(tier, n) for n, tier in enumerate(agreement.tiers)],
        compared_s=max((t.figures["compared_s"] for t in agreement.tiers), default=0.0),
    )
    return page


def figure(value: float | None) -> str:
    """Two decimals, with a true minus; a dash where there is none."""
    if value is None or np.isnan(value):
        return "–"
    return f"{value:.2f}".replace("-", "−")


def span(interval: Sequence[float] | None) -> str:
    """An interval: `0.61 to 0.82`."""
    return f"{figure(interval[0])} to {figure(interval[1])}" if interval else ""


def bounds(spread: Mapping[str, Any]) -> str:
    """Differences of bounds: what half and what 90 % of them do not exceed."""
    if not spread["pairs"]:
        return "–"
    return f"{spread['absolute_median']:.2f} / {spread['absolute_90']:.2f} s"


def _tier(tier: TierAgreement, number: int) -> dict[str, Any]:
    colours = {value: COLOURS[n % len(COLOURS)] for n, value in enumerate(tier.values[1:])}
    names = [value or NONE for value in tier.values]
    table = np.array(tier.figures["confusion_s"])
    rows = table.sum(1, keepdims=True)
    fractions = np.divide(table, rows, out=np.zeros_like(table), where=rows > 0)
    confusion = [
        {
            "name": name,
            "cells": [
                {"s": s, "fraction": fraction, "same": i == j}
                for j, (s, fraction) in enumerate(
                    zip(table[i].tolist(), fractions[i].tolist(), strict=True)
                )
            ],
            "sum": float(table[i].sum()),
        }
        for i, name in enumerate(names)
    ]
    return {
        "id": f"tier-{number}",
        "name": tier.name,
        "figures": tier.figures,
        "names": names,
        "colours": colours,
        "confusion": confusion if len(names) <= _MATRIX else [],
        "sums": table.sum(0).tolist(),
        "videos": [_video(counted, colours) for counted in tier.videos[:_STRIPS]],
        "more_videos": max(0, len(tier.videos) - _STRIPS),
    }


def _video(counted: Counted, colours: Mapping[str, str]) -> dict[str, Any]:
    first = float(counted.spans[0, 0]) if len(counted.spans) else 0.0
    last = float(counted.spans[-1, 1]) if len(counted.spans) else 1.0
    apart = disagreements(counted)
    longest = sorted(apart, key=lambda i: i.from_s - i.to_s)[:_SPANS]

    def bars(intervals: Sequence[Interval]) -> list[dict[str, Any]]:
        scale = 100 / (last - first)
        spans = [
            ((max(i.from_s, first) - first) * scale, (min(i.to_s, last) - first) * scale, i)
            for i in intervals
            if i.to_s > first and i.from_s < last
        ]
        if len(spans) > _BARS:
            shapes: dict[str, list[str]] = {}
            for left, right, i in spans:
                shape = f"M{left:.3f} 0V10H{right:.3f}V0z"
                shapes.setdefault(colours.get(i.value, ""), []).append(shape)
            return [{"path": "".join(parts), "colour": c} for c, parts in shapes.items()]
        return [
            {
                "path": f"M{left:.4f} 0V10H{right:.4f}V0z",
                "colour": colours.get(i.value, ""),
                "title": f"{i.value}, {clock(i.from_s)} to {clock(i.to_s)}",
            }
            for left, right, i in spans
        ]

    return {
        "name": counted.video,
        "from_s": first,
        "to_s": last,
        "lanes": [
            ("A", bars(counted.tier.a.intervals)),
            ("B", bars(counted.tier.b.intervals)),
            ("differ", bars(apart)),
            *([("left out", bars(counted.tier.left_out))] if counted.tier.left_out else []),
        ],
        "apart": sorted(longest, key=lambda i: i.from_s),
        "more": max(0, len(apart) - _SPANS),
    }
