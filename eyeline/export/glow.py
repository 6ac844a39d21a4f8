"""A heatmap laid over a frame: the likelier a place, the warmer and the less transparent."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from eyeline.export.glyphs import Sprite
from eyeline.results import Image

Parts = npt.NDArray[np.uint16]

_STOPS = ((0.0, (66, 24, 140)), (0.5, (214, 42, 150)), (0.8, (255, 128, 60)), (1.0, (255, 236, 96)))
"""Shares of the peak, and their colours."""
_FAINTEST = 0.1
"""Smaller shares of the peak are not drawn."""
_OPACITY = 0.55
_BROAD = 0.06
"""Share of the image above which what is likely is drawn ever fainter: it tells little."""
_CONTOUR = 0.5
"""Share of the peak at which a line is drawn."""
_LINE_OPACITY = 0.8


def lay_over(rgb: Image, heatmap: Image) -> None:
    """Draw a heatmap onto a frame, in place.

    Args:
        rgb: `(height, width, 3)` uint8.
        heatmap: `(rows, columns)` uint8 over the whole frame.
    """
    created = _glow(
        heatmap.tobytes(), heatmap.shape[0], heatmap.shape[1], rgb.shape[1], rgb.shape[0]
    )
    if created is not None:
        sprite, left, top = created
        sprite.blend(rgb, left, top)


@lru_cache(maxsize=2)
def _glow(
    content: bytes, rows: int, columns: int, width: int, height: int
) -> tuple[Sprite, int, int] | None:
    """What is laid over, and where: many frames in a row show the same."""
    import cv2

    small = np.frombuffer(content, np.uint8).reshape(rows, columns)
    level = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    left, top, w, h = cv2.boundingRect((level >= 255 * _FAINTEST).astype(np.uint8))
    if not w:
        return None
    level = level[top : top + h, left : left + w]
    likely = (level >= 255 * _CONTOUR).astype(np.uint8)
    broad = max(1.0, float(likely.sum()) / (_BROAD * width * height))
    colour, through = _shades(broad**-0.5)
    sprite = Sprite(colour[level], through[level])
    edges, _ = cv2.findContours(likely, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    line = np.zeros(level.shape, np.uint8)
    cv2.drawContours(line, edges, -1, 255, max(1, round(min(width, height) / 480)), cv2.LINE_AA)
    _draw_line(sprite, line)
    return sprite, left, top


def _shades(strength: float) -> tuple[Parts, Parts]:
    """For each level 0 to 255 the colour `(256, 3)` and what shows through `(256, 1)`."""
    fraction = np.arange(256) / 255
    at = [stop for stop, _ in _STOPS]
    channels = [np.interp(fraction, at, [colour[c] for _, colour in _STOPS]) for c in range(3)]
    fading = np.clip((fraction - _FAINTEST) / (_CONTOUR - _FAINTEST), 0, 1)
    opacity = (_OPACITY * strength * fading)[:, None]
    colour = np.rint(np.stack(channels, axis=-1) * opacity * 256).astype(np.uint16)
    return colour, np.rint((1 - opacity) * 256).astype(np.uint16)


def _draw_line(sprite: Sprite, line: Image) -> None:
    """Add white where a mask says."""
    y, x = np.nonzero(line)
    lit = line[y, x, None] * (_LINE_OPACITY / 255)
    sprite.colour[y, x] = np.rint(sprite.colour[y, x] * (1 - lit) + 255 * 256 * lit)
    sprite.through[y, x] = np.rint(sprite.through[y, x] * (1 - lit))
