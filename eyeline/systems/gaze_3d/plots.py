"""Images of scores: errors by yaw, and concentrations against errors. SVG, complete in itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDE, HIGH = 760, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 20, 54, 58
_COUNTS = 46
"""Height of the strip that says how many frames there are."""
_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#2a3038}.h{font-size:15px;font-weight:600}"
    ".s{fill:#5b6570}.a{stroke:#8a939d;stroke-width:.7}.g{stroke:#e3e6ea;stroke-width:.7}"
    ".b{fill:#2f6db5}.c{fill:#b9c2cc}.q{stroke:#1c3f6b;stroke-width:1.4}"
    ".r{fill:none;stroke:#d03b4f;stroke-width:1.2;stroke-dasharray:4 3}"
    ".p{fill:none;stroke:#2f6db5;stroke-width:1.8}.e{text-anchor:end}.m{text-anchor:middle}"
)


def errors_by_yaw(rows: Sequence[Mapping[str, Any]], mean_deg: float, title: str) -> str:
    """Bars of the mean angular error by where the person truly looks; 0 is the camera.

    Args:
        rows: as of `report.by_yaw`.
        mean_deg: of all frames, a dashed line.
        title: above it.
    """
    tops = [row["quartiles_deg"][1] for row in rows if row["quartiles_deg"]]
    top = _round_up(max([mean_deg, 1.0, *tops, *(r["mean_deg"] or 0.0 for r in rows)]))
    floor = HIGH - _BOTTOM - _COUNTS
    scale, most = (floor - _TOP) / top, max(max(row["frames"] for row in rows), 1)
    width = (WIDE - _LEFT - _RIGHT) / len(rows)
    body = [*_levels(top, floor, scale)]
    for i, row in enumerate(rows):
        body += _bar(row, _LEFT + i * width, width, floor, scale, most)
    line = floor - mean_deg * scale
    body.append(f'<path class="r" d="M{_LEFT} {line:.1f}H{WIDE - _RIGHT}"/>')
    for yaw in range(-180, 181, 45):
        x = _LEFT + (yaw + 180) / 360 * (WIDE - _LEFT - _RIGHT)
        body.append(f'<text class="m" x="{x:.1f}" y="{HIGH - 34}">{yaw}°</text>')
    below = "true yaw: 0° towards the camera, 90° to the right of the image, ±180° away"
    body.append(f'<text class="s m" x="{WIDE / 2}" y="{HIGH - 12}">{below}</text>')
    body.append(f'<text class="s e" x="{_LEFT - 6}" y="{HIGH - _BOTTOM - 4}">frames</text>')
    under = f"mean, middle half and number of frames; dashed: mean of all, {mean_deg:.1f}°"
    return svg(title, under, body)


def reliability_diagram(found: Mapping[str, Mapping[str, Any]], title: str) -> str:
    """Observed shares against promised ones, of the gaze's concentration.

    Args:
        found: by name, such as `calibrated`, what `calibration.reliability` gives.
        title: above it.
    """
    side = HIGH - _TOP - _BOTTOM
    body = [f'<path class="r" d="M{_LEFT} {_TOP + side}l{side} -{side}"/>']
    body += [
        f'<path class="g" d="M{_LEFT} {_TOP + side * (1 - i / 5):.1f}h{side}"/>'
        f'<text class="e" x="{_LEFT - 6}" y="{_TOP + side * (1 - i / 5) + 4:.1f}">{i * 20} %</text>'
        f'<text class="m" x="{_LEFT + side * i / 5:.1f}" y="{_TOP + side + 18}">{i * 20} %</text>'
        for i in range(6)
    ]
    for number, (name, values) in enumerate(found.items()):
        dash = f' stroke-dasharray="{2 * number} {2 * number}"' if number else ""
        points = [(0.0, 0.0), *((r["promised"], r["observed"]) for r in values["levels"]), (1, 1)]
        path = "L".join(f"{_LEFT + side * x:.1f} {_TOP + side * (1 - y):.1f}" for x, y in points)
        y = _TOP + 40 + 44 * number
        body.append(f'<path class="p"{dash} d="M{path}"/>')
        body.append(f'<path class="p"{dash} d="M{_LEFT + side + 40} {y - 4}h30"/>')
        known = (
            f"off by {100 * values['ece']:.1f} points of share, "
            f"{values['angular_ece_deg']:.1f}° of mean angle"
        )
        x = _LEFT + side + 78
        body.append(f'<text x="{x}" y="{y}">{escape(name)}</text>')
        body.append(f'<text class="s" x="{x}" y="{y + 16}">{known}</text>')
    below = "share of frames promised to lie within an angle"
    body.append(f'<text class="s m" x="{_LEFT + side / 2}" y="{HIGH - 16}">{below}</text>')
    return svg(title, "share of frames that do; dashed: every promise kept", body)


def _bar(
    row: Mapping[str, Any], left: float, width: float, floor: float, scale: float, most: int
) -> Iterator[str]:
    high = row["frames"] / most * (_COUNTS - 14)
    base = HIGH - _BOTTOM
    yield (
        f'<rect class="c" x="{left + 1:.1f}" y="{base - high:.1f}" width="{width - 2:.1f}" '
        f'height="{high:.1f}"/>'
    )
    if row["mean_deg"] is None:
        return
    high, (low, up) = row["mean_deg"] * scale, row["quartiles_deg"]
    yield (
        f'<rect class="b" x="{left + 1:.1f}" y="{floor - high:.1f}" width="{width - 2:.1f}" '
        f'height="{high:.1f}"><title>{row["from_deg"]:.0f}° to {row["to_deg"]:.0f}°: '
        f"{row['mean_deg']:.1f}°, {row['frames']} frames</title></rect>"
    )
    centre = left + width / 2
    yield (
        f'<path class="q" d="M{centre:.1f} {floor - low * scale:.1f}V{floor - up * scale:.1f}"/>'
    )


def _levels(top: float, floor: float, scale: float) -> Iterator[str]:
    for i in range(6):
        value = top * i / 5
        y = floor - value * scale
        yield f'<path class="{"g" if i else "a"}" d="M{_LEFT} {y:.1f}H{WIDE - _RIGHT}"/>'
        yield f'<text class="e" x="{_LEFT - 6}" y="{y + 4:.1f}">{value:g}°</text>'


def _round_up(value: float) -> float:
    return next(float(v) for v in (5, 10, 20, 30, 50, 75, 100, 150, 180) if v >= min(value, 180))


def svg(title: str, under: str, body: Sequence[str]) -> str:
    """A drawing of `WIDE` by `HIGH` pixels with a title and a line under it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" '
        f'height="{HIGH}"><style>{_STYLE}</style><rect width="{WIDE}" height="{HIGH}" '
        f'fill="#fff"/><text class="h" x="{_LEFT}" y="22">{escape(title)}</text>'
        f'<text class="s" x="{_LEFT}" y="40">{escape(under)}</text>{"".join(body)}</svg>\n'
    )
