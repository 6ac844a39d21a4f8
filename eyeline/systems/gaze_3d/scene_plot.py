"""A person, gaze and cameras in space, from the side and from above. SVG, complete in itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

from eyeline.results import Floats
from eyeline.systems.gaze_3d.plots import HIGH, WIDE, svg
from eyeline.systems.gaze_3d.skeleton import BONES

Colour = tuple[int, int, int]

COLOURS: Mapping[str, Colour] = {
    "gaze": (22, 138, 74), "head": (208, 110, 20), "body": (47, 109, 181),
}  # fmt: skip
"""Of directions, RGB."""

_TOP, _MARGIN = 58, 22
_ARROW_M, _CAMERA_M = 0.8, 0.35
_VIEWS = (("from the side", -60.0, 22.0), ("from above", -90.0, 90.0))
"""Name, azimuth and elevation in degrees of the place to look from."""


@dataclass(frozen=True)
class Scene:
    """What is known of one instant, in the world: metres, z up."""

    title: str
    cameras: Mapping[str, tuple[Floats, Floats]]
    """Name -> rotation `(3, 3)` camera frame to world, and position `(3,)`."""
    joints: Floats
    """`(25, 3)`, NaN where a joint is not known."""
    arrows: Mapping[str, tuple[Floats, Floats]]
    """Of `COLOURS`: where it begins and its direction, `(3,)` each."""

    @property
    def svg(self) -> str:
        """The drawing."""
        width = (WIDE - 3 * _MARGIN) / len(_VIEWS)
        body = []
        floor = _floor(self._points)
        whole = np.concatenate([self._points, floor.reshape(-1, 3)])
        for number, (name, azimuth, elevation) in enumerate(_VIEWS):
            left = _MARGIN + number * (width + _MARGIN)
            panel = _Panel.around(whole, (left, _TOP, width), (azimuth, elevation))
            body += [panel.line(a, b, "#e3e6ea", 0.7) for a, b in floor]
            body += [*self._drawn(panel)]
            body.append(f'<text class="s" x="{left:.0f}" y="{HIGH - 8}">{name}</text>')
        under = "directions: " + ", ".join(self.arrows) + "; squares of a metre"
        return svg(self.title, under, [*self._legend(), *body])

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.svg

    @property
    def _points(self) -> Floats:
        known = [position for _, position in self.cameras.values()]
        known += [start + _ARROW_M * way for start, way in self.arrows.values()]
        joints = self.joints[np.isfinite(self.joints).all(axis=1)]
        return np.concatenate([np.reshape(known, (-1, 3)), joints])

    def _drawn(self, panel: _Panel) -> Iterator[str]:
        for name, (rotation, position) in self.cameras.items():
            yield from _camera(panel, name, rotation, position)
        for a, b in BONES:
            if np.isfinite(self.joints[[a, b]]).all():
                yield panel.line(self.joints[a], self.joints[b], "#4a525c", 2)
        for x, y in (panel(joint) for joint in self.joints if np.isfinite(joint).all()):
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="#c89b00"/>'
        for start, way, colour in ((*self.arrows[part], COLOURS[part]) for part in self.arrows):
            yield panel.arrow(start, start + _ARROW_M * way, f"rgb{colour}")

    def _legend(self) -> Iterator[str]:
        for number, part in enumerate(self.arrows):
            x = WIDE - 230 + 75 * number
            yield f'<path d="M{x} 18h18" stroke="rgb{COLOURS[part]}" stroke-width="3"/>'
            yield f'<text x="{x + 23}" y="22">{part}</text>'


@dataclass(frozen=True)
class _Panel:
    """An orthographic view into a rectangle of the drawing."""

    axes: Floats
    """`(2, 3)` to the right and up."""
    scale: float
    shift: Floats
    """`(2,)` pixels of the world's origin."""

    @classmethod
    def around(
        cls, points: Floats, place: tuple[float, float, float], towards_deg: tuple[float, float]
    ) -> _Panel:
        """The view in which all points fit into a place: left, top and width."""
        (azimuth, elevation), (left, top, width) = np.radians(towards_deg), place
        s, c = np.sin(azimuth), np.cos(azimuth)
        up = [-c * np.sin(elevation), -s * np.sin(elevation), np.cos(elevation)]
        axes = np.array([[-s, c, 0], up])
        flat, height = points @ axes.T, HIGH - top - 30
        low, high = flat.min(axis=0) - _CAMERA_M, flat.max(axis=0) + _CAMERA_M
        scale = float(np.min([width, height] / (high - low)))
        centre = (low + high) / 2
        shift = np.array(
            [left + width / 2 - scale * centre[0], top + height / 2 + scale * centre[1]]
        )
        return cls(axes, scale, shift)

    def __call__(self, point: Floats) -> tuple[float, float]:
        x, y = self.axes @ point * self.scale
        return float(self.shift[0] + x), float(self.shift[1] - y)

    def line(self, a: Floats, b: Floats, colour: str, width: float) -> str:
        (x1, y1), (x2, y2) = self(a), self(b)
        return (
            f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}" stroke-linecap="round"/>'
        )

    def arrow(self, a: Floats, b: Floats, colour: str) -> str:
        """A line with a point at its end, unless it is seen end on."""
        (x1, y1), (x2, y2) = self(a), self(b)
        length = float(np.hypot(x2 - x1, y2 - y1))
        if length < 1:
            return f'<circle cx="{x2:.1f}" cy="{y2:.1f}" r="3" fill="{colour}"/>'
        u, v = 9 * (x2 - x1) / length, 9 * (y2 - y1) / length
        tip = f"{x2:.1f},{y2:.1f} {x2 - u - v / 2:.1f},{y2 - v + u / 2:.1f}"
        tip += f" {x2 - u + v / 2:.1f},{y2 - v - u / 2:.1f}"
        return f'{self.line(a, b, colour, 2.5)}<polygon points="{tip}" fill="{colour}"/>'


def _floor(points: Floats) -> Floats:
    """Ends `(line, 2, 3)` of the lines of a grid under all points, a metre apart."""
    low, high = np.floor(points[:, :2].min(axis=0)), np.ceil(points[:, :2].max(axis=0))
    lines = []
    for axis in (0, 1):
        for value in np.arange(low[axis], high[axis] + 1):
            ends = np.zeros((2, 3))
            ends[:, axis], ends[:, 1 - axis] = value, (low[1 - axis], high[1 - axis])
            lines.append(ends)
    return np.array(lines)


def _camera(panel: _Panel, name: str, rotation: Floats, position: Floats) -> Iterator[str]:
    """A pyramid that opens the way the camera looks."""
    corners = np.array([[-1, -0.75, 1.6], [1, -0.75, 1.6], [1, 0.75, 1.6], [-1, 0.75, 1.6]])
    ends = position + _CAMERA_M / 1.6 * corners @ rotation.T
    for number, end in enumerate(ends):
        yield panel.line(position, end, "#8a939d", 1)
        yield panel.line(end, ends[number - 1], "#8a939d", 1)
    x, y = panel(position)
    yield f'<text class="s m" x="{x:.1f}" y="{y - 6:.1f}">{escape(name)}</text>'
