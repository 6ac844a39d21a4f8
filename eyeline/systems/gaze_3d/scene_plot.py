"""A person, gaze and cameras in space, from the side and from above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eyeline.datasets.drawing import arrow, blank, encoded, legend, pixel, side_by_side, tag
from eyeline.export.colours import Colour
from eyeline.results import Floats, Image
from eyeline.systems.gaze_3d.skeleton import BONES

COLOURS: Mapping[str, Colour] = {
    "gaze": (22, 138, 74),
    "head": (208, 110, 20),
    "body": (47, 109, 181),
}
"""Of directions, RGB."""

_PANEL_PX, _MARGIN_PX = 640, 40
_ARROW_M, _CAMERA_M = 0.8, 0.35
_VIEWS = (("from the side", -60.0, 22.0), ("from above", -90.0, 90.0))
"""Name, azimuth and elevation in degrees of the place to look from."""
_FLOOR, _EDGE, _BONE, _JOINT = (214, 218, 224), (138, 147, 157), (74, 82, 92), (200, 155, 0)


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
    def image(self) -> Image:
        """The views side by side, squares of a metre on the floor."""
        points = self._points
        floor = _floor(points)
        whole = np.concatenate([points, floor.reshape(-1, 3)])
        panels = [self._view(_Panel.around(whole, *view[1:]), floor, view[0]) for view in _VIEWS]
        if len(person := self._person):
            name, *place = _VIEWS[0]
            near = self._view(_Panel.around(person, *place), floor, f"the person, {name}")
            panels.insert(0, near)
        result = side_by_side(panels)
        tag(result, (8, 8), self.title)
        legend(result, {name: COLOURS[name] for name in self.arrows})
        return result

    def _repr_png_(self) -> bytes:
        """For notebooks."""
        return encoded(self.image, ".png")

    @property
    def _points(self) -> Floats:
        cameras = [position for _, position in self.cameras.values()]
        return np.concatenate([np.reshape(cameras, (-1, 3)), self._person])

    @property
    def _person(self) -> Floats:
        """Joints that are known, and the ends of the arrows."""
        ends = [start + _ARROW_M * way for start, way in self.arrows.values()]
        joints = self.joints[np.isfinite(self.joints).all(axis=1)]
        return np.concatenate([np.reshape(ends, (-1, 3)), joints])

    def _view(self, panel: _Panel, floor: Floats, name: str) -> Image:
        import cv2

        rgb = blank(_PANEL_PX, _PANEL_PX, (255, 255, 255))
        for a, b in floor:
            panel.line(rgb, a, b, _FLOOR, 1)
        for own, (rotation, position) in self.cameras.items():
            _camera(rgb, panel, own, rotation, position)
        for a, b in BONES:
            if np.isfinite(self.joints[[a, b]]).all():
                panel.line(rgb, self.joints[a], self.joints[b], _BONE, 2)
        for joint in self.joints[np.isfinite(self.joints).all(axis=1)]:
            cv2.circle(rgb, pixel(panel(joint)), 3, _JOINT, -1, cv2.LINE_AA)
        for part, (start, way) in self.arrows.items():
            arrow(rgb, panel(start), panel(start + _ARROW_M * way), COLOURS[part], 3)
        tag(rgb, (8, _PANEL_PX - 60), name, (91, 101, 112))
        return rgb


@dataclass(frozen=True)
class _Panel:
    """An orthographic view into a square image."""

    axes: Floats
    """`(2, 3)` to the right and down."""
    scale: float
    shift: Floats
    """`(2,)` pixels of the world's origin."""

    @classmethod
    def around(cls, points: Floats, azimuth_deg: float, elevation_deg: float) -> _Panel:
        """The view in which all points fit."""
        azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
        s, c = np.sin(azimuth), np.cos(azimuth)
        down = [c * np.sin(elevation), s * np.sin(elevation), -np.cos(elevation)]
        axes = np.array([[-s, c, 0], down])
        flat = points @ axes.T
        low, high = flat.min(axis=0) - _CAMERA_M, flat.max(axis=0) + _CAMERA_M
        scale = float((_PANEL_PX - 2 * _MARGIN_PX) / (high - low).max())
        return cls(axes, scale, _PANEL_PX / 2 - scale * (low + high) / 2)

    def __call__(self, point: Floats) -> Floats:
        return np.asarray(self.axes @ point * self.scale + self.shift)

    def line(self, rgb: Image, a: Floats, b: Floats, colour: Colour, width: int) -> None:
        import cv2

        cv2.line(rgb, pixel(self(a)), pixel(self(b)), colour, width, cv2.LINE_AA)


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


def _camera(rgb: Image, panel: _Panel, name: str, rotation: Floats, position: Floats) -> None:
    """A pyramid that opens the way the camera looks."""
    corners = np.array([[-1, -0.75, 1.6], [1, -0.75, 1.6], [1, 0.75, 1.6], [-1, 0.75, 1.6]])
    ends = position + _CAMERA_M / 1.6 * corners @ rotation.T
    for number, end in enumerate(ends):
        panel.line(rgb, position, end, _EDGE, 1)
        panel.line(rgb, end, ends[number - 1], _EDGE, 1)
    x, y = pixel(panel(position))
    tag(rgb, (x + 6, y - 22), name, _EDGE)
