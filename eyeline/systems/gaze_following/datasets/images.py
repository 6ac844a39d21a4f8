"""Sizes of images, which the text formats do not tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from eyeline.errors import DataError

Size = tuple[float, float]
"""Width and height in pixels."""
SizeOf = Callable[[str], Size]
"""From an image's name."""


def in_folder(folder: Path | str) -> SizeOf:
    """Sizes of image files, of which only the heads are read."""
    folder = Path(folder)

    @lru_cache(maxsize=4096)
    def size(name: str) -> Size:
        from PIL import Image, UnidentifiedImageError

        try:
            with Image.open(folder / name) as image:
                return float(image.width), float(image.height)
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(f"cannot read the image {folder / name}: {error}") from error

    return size


def in_clips(folder: Path | str) -> SizeOf:
    """The same where all images of a folder are of one size, as the frames of a clip are."""
    one, first = in_folder(folder), dict[str, Size]()

    def size(name: str) -> Size:
        clip = name.rpartition("/")[0]
        if clip not in first:
            first[clip] = one(name)
        return first[clip]

    return size


def always(width_px: float, height_px: float) -> SizeOf:
    """One size for all."""
    return lambda _: (float(width_px), float(height_px))


def unknown(name: str) -> Size:
    """Of images that are not at hand."""
    return float("nan"), float("nan")
