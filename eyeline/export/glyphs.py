"""Small images with soft edges (words, signs, labels), made once and quickly blended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.export.colours import Colour
from eyeline.results import Image

WHITE: Colour = (255, 255, 255)
INK: Colour = (18, 22, 28)
_FINE = 4
"""Shapes are drawn so many times larger and made smaller, which gives them soft edges."""


@dataclass(frozen=True)
class Sprite:
    """An image with soft edges, ready to be blended."""

    colour: npt.NDArray[np.uint16]
    """`(h, w, 3)` multiplied by the opacity."""
    through: npt.NDArray[np.uint16]
    """`(h, w, 1)` 256 where the frame shows through whole, 0 where it does not at all."""

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.colour.shape[0])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.colour.shape[1])

    def blend(self, rgb: Image, x: int, y: int) -> None:
        """Lay it over a frame with the upper left corner at a pixel, cut at the border."""
        top, left = max(0, -y), max(0, -x)
        bottom, right = min(self.height, rgb.shape[0] - y), min(self.width, rgb.shape[1] - x)
        if bottom <= top or right <= left:
            return
        part = rgb[y + top : y + bottom, x + left : x + right]
        mixed = part * self.through[top:bottom, left:right]
        mixed += self.colour[top:bottom, left:right]
        mixed >>= 8
        part[:] = mixed


class Canvas:
    """Draws the shapes of a sprite, each over the one before."""

    def __init__(self, width_px: int, height_px: int) -> None:
        """An empty sprite of that size."""
        self._colour = np.zeros((height_px, width_px, 3), np.float32)
        self._opacity = np.zeros((height_px, width_px, 1), np.float32)

    def cover(self, mask: npt.NDArray[np.uint8], colour: Colour, opacity: float = 1.0) -> None:
        """Add a colour where a mask `(h, w)` of 0 to 255 says."""
        added = mask[..., None].astype(np.float32) * (opacity / 255)
        self._colour = self._colour * (1 - added) + np.array(colour, np.float32) * added
        self._opacity = self._opacity * (1 - added) + added

    def shape(self, draw: Any, colour: Colour, opacity: float = 1.0) -> None:
        """Add a shape: `draw(mask, unit)` draws in 255 on a mask whose pixels are `1 / unit`."""
        import cv2

        height, width = self._opacity.shape[:2]
        mask = np.zeros((height * _FINE, width * _FINE), np.uint8)
        draw(mask, _FINE)
        small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
        self.cover(np.asarray(small, np.uint8), colour, opacity)

    def sprite(self) -> Sprite:
        """What was drawn."""
        colour = np.rint(self._colour * 256).astype(np.uint16)
        return Sprite(colour, np.rint((1 - self._opacity) * 256).astype(np.uint16))


@lru_cache(maxsize=512)
def word(text: str, size_px: int, weight: int = 600) -> npt.NDArray[np.uint8]:
    """A mask `(h, w)` of a line of text with its own margin; all lines of a size are as high."""
    import cv2

    face = cv2.FontFace("sans")
    box = cv2.getTextSize((0, 0), text, (0, 0), face, size_px, weight)
    mask = np.zeros((round(size_px * 1.3), max(1, box[0] + box[2] + 1)), np.uint8)
    layers = np.zeros((*mask.shape, 3), np.uint8)
    cv2.putText(layers, text, (0, size_px), WHITE, face, size_px, weight)
    return np.ascontiguousarray(layers[..., 0])


def pill(
    canvas: Canvas, x: int, y: int, width: int, height: int, colour: Colour, opacity: float = 1.0
) -> None:
    """Add a rectangle with round corners."""
    import cv2

    def draw(mask: Image, unit: int) -> None:
        left, top, right, bottom = x * unit, y * unit, (x + width) * unit, (y + height) * unit
        radius = min(height // 3, width // 2) * unit
        cv2.rectangle(mask, (left + radius, top), (right - radius - 1, bottom - 1), 255, -1)
        cv2.rectangle(mask, (left, top + radius), (right - 1, bottom - radius - 1), 255, -1)
        for cx in (left + radius, right - radius - 1):
            for cy in (top + radius, bottom - radius - 1):
                cv2.circle(mask, (cx, cy), radius, 255, -1)

    canvas.shape(draw, colour, opacity)


def sign(kind: str, canvas: Canvas, x: int, y: int, size: int, colour: Colour) -> None:
    """Add a sign of `size` by `size`: `speaks`, `contact`, `camera`, `gaze` or `target`."""
    canvas.shape(lambda mask, unit: _SIGNS[kind](mask, x * unit, y * unit, size * unit), colour)


def _speaks(mask: Image, x: int, y: int, size: int) -> None:
    import cv2

    bar = size // 6
    for k, fraction in enumerate((0.45, 0.95, 0.65)):
        left, half = x + bar // 2 + k * 2 * bar, int(size * fraction / 2)
        centre = y + size // 2
        cv2.rectangle(mask, (left, centre - half), (left + bar, centre + half), 255, -1)


def _contact(mask: Image, x: int, y: int, size: int) -> None:
    import cv2

    centre, line = (x + size // 2, y + size // 2), max(1, size // 9)
    cv2.ellipse(mask, centre, (size // 2 - line // 2, int(size * 0.3)), 0, 0, 360, 255, line)
    cv2.circle(mask, centre, int(size * 0.17), 255, -1)


def _camera(mask: Image, x: int, y: int, size: int) -> None:
    import cv2

    top, bottom = y + int(size * 0.24), y + int(size * 0.84)
    cv2.rectangle(mask, (x, top), (x + size, bottom), 255, -1)
    cv2.rectangle(mask, (x + int(size * 0.3), y + size // 9), (x + int(size * 0.7), top), 255, -1)
    centre = (x + size // 2, (top + bottom) // 2)
    cv2.circle(mask, centre, int(size * 0.2), 0, -1)
    cv2.circle(mask, centre, int(size * 0.1), 255, -1)


def _gaze(mask: Image, x: int, y: int, size: int) -> None:
    import cv2

    centre, line = y + size // 2, max(1, size // 7)
    cv2.line(mask, (x, centre), (x + int(size * 0.6), centre), 255, line)
    tip = [(x + size, centre), (x + size // 2, y + size // 5), (x + size // 2, y + size * 4 // 5)]
    cv2.fillConvexPoly(mask, np.array(tip, np.int32), 255)


def _target(mask: Image, x: int, y: int, size: int) -> None:
    import cv2

    line, radius = max(1, size // 9), int(size * 0.26)
    centre = y + size // 2
    for k in range(2):
        left = x + k * size // 3
        cv2.line(mask, (left, centre), (left + size // 7, centre), 255, line)
    cv2.circle(mask, (x + size - radius - line, centre), radius, 255, line)


_SIGNS = {
    "speaks": _speaks,
    "contact": _contact,
    "camera": _camera,
    "gaze": _gaze,
    "target": _target,
}
