"""Draws docs/eye_contact_calibration.svg and prints the tables of docs/eye_contact.md.

`python scripts/make_eye_contact_card.py OUT/report.json`, with the report that
`eyeline train eye_contact/ecs_landmarks --data DIR --out OUT` left.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

IMAGE = Path(__file__).parents[1] / "docs" / "eye_contact_calibration.svg"

_SIDE, _MARGIN = 320, 44


def curve(bins: Sequence[Mapping[str, Any]]) -> str:
    """An SVG of the share of contact against the probability given; areas are frames."""
    most = max(b["count"] for b in bins)
    marks, points = [], []
    for b in bins:
        x, y = _at(b["mean_probability"], b["positive_share"])
        radius = 2 + 9 * (b["count"] / most) ** 0.5
        points.append(f"{x:.1f},{y:.1f}")
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill-opacity=".55"/>')
    whole = _SIDE + 2 * _MARGIN
    size = f'viewBox="0 0 {whole} {whole}" width="{whole}" height="{whole}"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        "<title>Calibration of landmarks_tcn on held-out videos</title>",
        f'<rect width="{whole}" height="{whole}" fill="#fff"/>',
        *_frame(),
        f'<polyline points="{" ".join(points)}" fill="none" stroke="#1f6f8b" stroke-width="1.5"/>',
        f'<g fill="#1f6f8b">{"".join(marks)}</g>',
        "</svg>", "",
    ])  # fmt: skip


def calibration_table(bins: Sequence[Mapping[str, Any]]) -> str:
    """A row for each bin."""
    rows = [
        f"| {_percent(b['mean_probability'])} | {_percent(b['positive_fraction'])} "
        f"| {_count(b['count'])} |"
        for b in bins
    ]
    head = ["| probability given, mean | share of contact | frames |", "|---|---|---|"]
    return "\n".join(head + rows)


def slice_table(slices: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """A row for each kind of frame."""
    rows = ["| kind | frames | contact | accuracy | AUC |", "|---|---|---|---|---|"]
    for measure, bands in slices.items():
        for band, s in bands.items():
            cells = (_percent(s[name]) for name in ("positive", "accuracy", "auc"))
            rows.append(f"| {measure}: {band} | {_count(s['frames'])} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _at(x: float, y: float) -> tuple[float, float]:
    return _MARGIN + _SIDE * x, _MARGIN + _SIDE * (1 - y)


def _frame() -> list[str]:
    """Axes from 0 to 1, and the line of perfect calibration."""
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = _at(tick, tick)
        low, left = _MARGIN + _SIDE, _MARGIN
        parts += [
            f'<path d="M{x} {_MARGIN}V{low}M{left} {y}H{left + _SIDE}" stroke="#ddd"/>',
            f'<text x="{x}" y="{low + 16}" text-anchor="middle">{tick:g}</text>',
            f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{tick:g}</text>',
        ]
    (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
    centre = _MARGIN + _SIDE / 2
    return [
        *parts,
        f'<path d="M{x0} {y0}L{x1} {y1}" stroke="#888" stroke-dasharray="4 4"/>',
        _word("probability given", centre, _SIDE + 2 * _MARGIN - 8),
        _word("share of contact", 12, centre, f' transform="rotate(-90 12 {centre})"'),
    ]


def _word(text: str, x: float, y: float, turn: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle"{turn}>{text}</text>'


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _count(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def main() -> None:
    """Read the report, write the image, print the tables."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    bins = report["calibration"]["bins"]
    IMAGE.write_text(curve(bins), encoding="utf-8")
    print(calibration_table(bins), "", slice_table(report["slices"]), sep="\n")


if __name__ == "__main__":
    main()
