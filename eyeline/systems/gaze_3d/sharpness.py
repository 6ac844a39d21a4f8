"""The sharpness of an image 720 pixels wide, at any size, for a part of the image alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from eyeline.results import Image

if TYPE_CHECKING:
    from PIL.Image import Image as ImageItem

SEEN_WIDTH_PX = 720
"""Width of the image whose sharpness every crop has."""


def degraded(image: Image, part: tuple[int, int, int, int]) -> ImageItem:
    """A part of an image after the image was made 720 pixels wide, and as large as it was again.

    The passes run as in Pillow, across before down and small before large, so that the same comes
    out as for the whole image.

    Args:
        image: `(h, w, 3)` uint8.
        part: left, top, right, bottom within it.
    """
    from PIL import Image as PillowImage

    height, width = image.shape[:2]
    x = _Span.of(part[0], part[2], width, SEEN_WIDTH_PX)
    y = _Span.of(part[1], part[3], height, max(int(height * SEEN_WIDTH_PX / width), 1))
    read = PillowImage.fromarray(image[slice(*y.read), slice(*x.read)])
    few = _resized(read, 0, x.source, x.small)
    few = _resized(few, 1, y.source, y.small)
    many = _resized(few, 0, x.inner, x.large)
    many = _resized(many, 1, y.inner, y.large)
    left, top = part[0] - x.first, part[1] - y.first
    return many.crop((left, top, left + part[2] - part[0], top + part[3] - part[1]))


def _resized(image: ImageItem, axis: int, box: tuple[int, int], length: int) -> ImageItem:
    """The pixels within `box` along one axis as `length` pixels; the other axis stays."""
    from PIL.Image import Resampling

    width, height = image.size
    if axis == 0:
        return image.resize((length, height), Resampling.BICUBIC, (box[0], 0, box[1], height))
    return image.resize((width, length), Resampling.BICUBIC, (0, box[0], width, box[1]))


class _Span(NamedTuple):
    """What is computed along one axis, as first and end of pixels, and as numbers of pixels.

    Both sizes of the image have a pixel's edge at the ends of each box. Elsewhere Pillow, which
    keeps boxes as float32, would shift the image by some 1e-4 pixels.
    """

    read: tuple[int, int]
    """Of the image: `source` and what the filter reaches beside it."""
    source: tuple[int, int]
    """Of `read`: what is made small."""
    small: int
    """How many pixels become of that."""
    inner: tuple[int, int]
    """Of those: what is made large again."""
    large: int
    """How many pixels become of that."""
    first: int
    """Where they begin in the image."""

    @classmethod
    def of(cls, first: int, end: int, length: int, small_length: int) -> _Span:
        """The least work that gives the pixels from `first` to `end`."""
        many, few = (n // math.gcd(length, small_length) for n in (length, small_length))
        scale, pieces = many / few, length // many
        begin, stop = first // many, min(-(-end // many), pieces)
        beside = math.ceil(_reach(1 / scale) / few)
        a, b = max(begin - beside, 0), min(stop + beside, pieces)
        read = max(a * many - _reach(scale), 0), min(b * many + _reach(scale), length)
        return cls(
            read, (a * many - read[0], b * many - read[0]), (b - a) * few,
            ((begin - a) * few, (stop - a) * few), (stop - begin) * many, begin * many,
        )  # fmt: skip


def _reach(scale: float) -> int:
    """Pixels on each side that a cubic reads where `scale` of them become one."""
    return math.ceil(2 * max(scale, 1.0)) + 1
