"""From an image to what the network sees, and boxes both ways.

The published way: the longer side at most 1333 pixels, the shorter at most 800, as OpenCV resizes
bilinearly; ImageNet's mean and deviation; zeros on the right and below, up to multiples of 32.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.interface import Pixels

if TYPE_CHECKING:
    from torch import Tensor

LONG_PX, SHORT_PX = 1333, 800
"""Most that the longer and the shorter side are."""

_MULTIPLE = 32
_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)
"""Of red, green and blue."""
PIXELS = Pixels("RGB", _MEAN, _STD)
"""How images become an input."""


class Shown(NamedTuple):
    """An image as the network sees it."""

    pixels: Tensor
    """`(3, h, w)` float32, RGB; sides are multiples of 32."""
    size_hw: tuple[int, int]
    """Of the image within it."""
    original_hw: tuple[int, int]
    """Of the image as given."""

    @property
    def scale_xyxy(self) -> Floats:
        """`(4,)` factors from coordinates of the image as given to those of `pixels`."""
        return scale_xyxy(self.original_hw, self.size_hw)


def read_image(path: Path) -> Image:
    """An image file as `(h, w, 3)` RGB, upright; DataError where it is none."""
    try:
        return decoded(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read the image {path}: {error}") from error
    except ValueError:
        raise DataError(f"{path} is no image that can be read") from None


def decoded(content: bytes) -> Image:
    """The pixels of an image file's content; ValueError where it is none."""
    import cv2

    result = (
        cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB) if content else None
    )
    if result is None:
        raise ValueError("no image")
    return np.asarray(result, np.uint8)


def size_for(original_hw: tuple[int, int], short_px: int = SHORT_PX) -> tuple[int, int]:
    """Height and width that an image is shown at; the longer side's most follows `short_px`."""
    h, w = original_hw
    scale = min(LONG_PX * short_px / SHORT_PX / max(h, w), short_px / min(h, w))
    return int(h * scale + 0.5), int(w * scale + 0.5)


def scale_xyxy(original_hw: tuple[int, int], size_hw: tuple[int, int]) -> Floats:
    """Factors `(4,)` from one size to the other, rounded to 32 bits as published."""
    y, x = (np.float32(b / a) for a, b in zip(original_hw, size_hw, strict=True))
    return np.array([x, y, x, y], np.float64)


def show(image: Image, *, short_px: int = SHORT_PX, mirrored: bool = False) -> Shown:
    """An image `(h, w, 3)` RGB uint8 as the network sees it, maybe `mirrored`.

    The published code reads BGR and turns it around at the end. DataError for another shape or kind
    of numbers, or an image without pixels.
    """
    import cv2
    import torch

    sizes = check_shape(image, "h w 3", "image")
    if image.dtype != np.uint8 or not image.size:
        raise DataError(f"image holds {image.dtype}, shape {image.shape}; expected uint8 pixels")
    original_hw = sizes["h"], sizes["w"]
    h, w = size_for(original_hw, short_px)
    if not h or not w:
        raise DataError(f"image of {sizes['w']} x {sizes['h']} is too long and thin to be shown")
    small = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
    pixels = torch.from_numpy(small).permute(2, 0, 1).float()
    if mirrored:
        pixels = pixels.flip(2)
    return Shown(_padded(_normalised(pixels), _even(h), _even(w)), (h, w), original_hw)


def batch(images: Sequence[Tensor]) -> Tensor:
    """Images `(3, h, w)` of several sizes as one `(batch, 3, h, w)`, zeros where one is smaller.

    Raises:
        DataError: there are none.
    """
    import torch

    if not images:
        raise DataError("a batch needs an image")
    h, w = (max(p.shape[axis] for p in images) for axis in (1, 2))
    return torch.stack([_padded(p, h, w) for p in images])


def _normalised(pixels: Tensor) -> Tensor:
    import torch

    mean, std = (torch.tensor(v)[:, None, None] for v in (_MEAN, _STD))
    return pixels.sub_(mean).mul_(1 / std)


def _padded(pixels: Tensor, h: int, w: int) -> Tensor:
    import torch.nn.functional as F

    return F.pad(pixels, (0, w - pixels.shape[2], 0, h - pixels.shape[1]))


def _even(side: int) -> int:
    return -(-side // _MULTIPLE) * _MULTIPLE
