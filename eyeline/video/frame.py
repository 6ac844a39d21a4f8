"""One decoded frame: its place in time, and its pixels, upright and square, when asked for."""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.results import Image

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

_LUMA_FIRST = frozenset(
    {"gray", "nv12", "nv16", "nv21", "nv24", "yuva420p"}
    | {f"yuv{kind}p" for kind in (410, 411, 420, 422, 440, 444)}
    | {f"yuvj{kind}p" for kind in (420, 422, 440, 444)}
)
"""Formats whose first plane is the luma, one byte a pixel."""
_WIDEST = 8
"""A pixel aspect beyond this, or its inverse, is taken for an error in the file."""


@dataclass(frozen=True)
class Upright:
    """How stored images become upright ones with square pixels."""

    stored_wh: tuple[int, int]
    """Width and height as decoded."""
    pixel_aspect: Fraction = Fraction(1)
    """Width over height of a stored pixel."""
    turn_deg: int = 0
    """Clockwise turn that makes the image upright: 0, 90, 180 or 270."""
    mirrored: bool = False
    """Whether left and right are swapped before the turn."""

    @property
    def square_wh(self) -> tuple[int, int]:
        """Size before the turn, with square pixels; one side grows, none shrinks."""
        width, height = self.stored_wh
        if self.pixel_aspect >= 1:
            return max(1, round(width * self.pixel_aspect)), height
        return width, max(1, round(height / self.pixel_aspect))

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright image."""
        return self.before_turn(*self.square_wh)

    def before_turn(self, width: int, height: int) -> tuple[int, int]:
        """Size that an image must have before the turn to have the given size after it."""
        return (height, width) if self.turn_deg in (90, 270) else (width, height)

    def turned(self, image: Image) -> Image:
        """Mirror and turn `(h, w)` or `(h, w, 3)` pixels; the same array if nothing is to do."""
        if not self.turn_deg and not self.mirrored:
            return image
        import cv2

        done: Any = cv2.flip(image, 1) if self.mirrored else image
        turns = {
            90: cv2.ROTATE_90_CLOCKWISE,
            180: cv2.ROTATE_180,
            270: cv2.ROTATE_90_COUNTERCLOCKWISE,
        }
        if self.turn_deg:
            done = cv2.rotate(done, turns[self.turn_deg])
        return np.asarray(done, np.uint8)


def upright(image: VideoFrame, pixel_aspect: Fraction | None, turn_deg: int = 0) -> Upright:
    """Read off a frame how it is to be shown.

    Args:
        image: the first decoded frame, which carries the display matrix.
        pixel_aspect: width over height of a stored pixel, None where the file does not say.
        turn_deg: clockwise turn beyond what the file says: 0, 90, 180 or 270.
    """
    stated_deg, mirrored = _orientation(image)
    aspect = pixel_aspect or Fraction(1)
    if not Fraction(1, _WIDEST) <= aspect <= _WIDEST:
        aspect = Fraction(1)
    return Upright((image.width, image.height), aspect, (stated_deg + turn_deg) % 360, mirrored)


@dataclass(frozen=True)
class Pixels:
    """Scales and converts frames of one video; every thread has scalers of its own."""

    upright: Upright
    _scalers: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def rgb(self, image: VideoFrame) -> Image:
        """`(h, w, 3)` in full size."""
        return self._converted(image, self.upright.square_wh, "rgb24")

    def small_rgb(self, image: VideoFrame, width: int, height: int) -> Image:
        """`(height, width, 3)`, scaled in one step from the stored image."""
        return self._converted(image, self.upright.before_turn(width, height), "rgb24")

    def gray(self, image: VideoFrame) -> Image:
        """`(h, w)` luma in full size."""
        ready = image.format.name in _LUMA_FIRST and image.planes[0].line_size > 0
        if not ready or (image.width, image.height) != self.upright.square_wh:
            image = self._scaled(image, self.upright.square_wh, "yuv420p")
        plane = image.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * image.height]
        luma = rows.reshape(image.height, plane.line_size)[:, : image.width]
        return self.upright.turned(luma.copy())

    def _converted(self, image: VideoFrame, size_wh: tuple[int, int], kind: str) -> Image:
        pixels = np.ascontiguousarray(self._scaled(image, size_wh, kind).to_ndarray(), np.uint8)
        return self.upright.turned(pixels)

    def _scaled(self, image: VideoFrame, size_wh: tuple[int, int], kind: str) -> VideoFrame:
        from av.video.reformatter import Interpolation

        width, height = size_wh
        shrinks = width < image.width or height < image.height
        return self._scaler(size_wh, kind).reformat(
            image,
            width=width,
            height=height,
            format=kind,
            interpolation=Interpolation.AREA if shrinks else Interpolation.BILINEAR,
            threads=1,
        )

    def _scaler(self, size_wh: tuple[int, int], kind: str) -> VideoReformatter:
        from av.video.reformatter import VideoReformatter

        mine: dict[Any, VideoReformatter] = self._scalers.__dict__
        key = f"{kind} {size_wh}"
        if key not in mine:
            mine[key] = VideoReformatter()
        return mine[key]


class Frame:
    """A decoded frame, upright and with square pixels; times are seconds on the video's clock.

    Attributes:
        index: number of the frame among all that were decoded, from 0.
        time_s: when it begins to be shown.
        end_s: when the next frame that is yielded begins, or the video ends.
        damaged: whether it was decoded from damaged data or predicted from such frames.
    """

    __slots__ = ("_asked", "_image", "_pixels", "damaged", "end_s", "index", "time_s")

    def __init__(
        self,
        image: VideoFrame,
        pixels: Pixels,
        *,
        index: int,
        time_s: float,
        end_s: float,
        damaged: bool = False,
    ) -> None:
        """Wrap a decoded frame; `pixels` is shared by all frames of a video."""
        self.index = index
        self.time_s = time_s
        self.end_s = end_s
        self.damaged = damaged
        self._image = image
        self._pixels = pixels
        self._asked: dict[str, Image | None] = {}

    def __repr__(self) -> str:
        """For example `Frame(12, 0.5005 s to 0.5422 s)`."""
        return f"Frame({self.index}, {self.time_s:.4f} s to {self.end_s:.4f} s)"

    def at(self, time_s: float, end_s: float) -> Frame:
        """The same frame at another time."""
        return Frame(
            self._image,
            self._pixels,
            index=self.index,
            time_s=time_s,
            end_s=end_s,
            damaged=self.damaged,
        )

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright image in pixels."""
        return self._pixels.upright.size_wh

    def rgb(self) -> Image:
        """`(h, w, 3)` RGB. What is asked for twice is kept and shared: do not write into it."""
        return self._kept("rgb", lambda: self._pixels.rgb(self._image))

    def gray(self) -> Image:
        """`(h, w)` luma as the file stores it, mostly 16 to 235; shared like `rgb`."""
        return self._kept("gray", lambda: self._pixels.gray(self._image))

    def small_rgb(self, width: int, height: int) -> Image:
        """`(height, width, 3)` RGB, averaged straight from the stored pixels; shared like `rgb`."""
        name = f"{width}x{height}"
        return self._kept(name, lambda: self._pixels.small_rgb(self._image, width, height))

    def _kept(self, name: str, make: Callable[[], Image]) -> Image:
        kept = self._asked.get(name)
        if kept is not None:
            return kept
        created = make()
        self._asked[name] = created if name in self._asked else None
        return created


def _orientation(image: VideoFrame) -> tuple[int, bool]:
    """Clockwise turn in degrees and whether to mirror before, from the display matrix.

    The matrix maps a stored point `(x, y)`, y down, to `(a x + c y, b x + d y)`.
    """
    entries: Any = image.side_data
    for data in entries:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
            turn_deg = math.degrees(math.atan2(-c, d))
            return round(turn_deg / 90) % 4 * 90, a * d - b * c < 0
    return 0, False
