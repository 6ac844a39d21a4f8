"""From a person in an image to what the network sees: boxes, body crop, head mask, body motion.

Boxes are `(x, y, width, height)` here, in pixels of the displayed image, as the benchmark keeps
them. The arithmetic is that of the published preparation, integer by integer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.interface import Pixels
from eyeline.systems.gaze_3d.sharpness import degraded

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FRAMES = 7
"""Frames that the network looks at together."""
SIZE = (256, 192)
"""Height and width of a body crop."""
JOINTS = 25
"""Joints of a person: OpenPose BODY_25."""
HEAD_JOINTS = (0, 1, 15, 16, 17, 18)
"""Nose, neck, eyes, ears."""
MEAN_RGB = (0.485, 0.456, 0.406)
"""Mean of the pixels, in [0, 1], that the network was trained on."""
STD_RGB = (0.229, 0.224, 0.225)
"""Their standard deviation."""
PIXELS = Pixels("RGB", MEAN_RGB, STD_RGB, 255.0)
"""How images become an input."""

Box = tuple[float, float, float, float]
"""x, y, width, height; may reach outside the image."""
Joints = npt.NDArray[Any]

_HEAD_GROWTH = (0.85, -0.2, 0.1, 0.1)
_BODY_GROWTH = (0.15, 0.05, 0.2, 0.2)


def tight_box(joints: Joints) -> Box:
    """The box around the joints that were found, in whole pixels.

    Args:
        joints: `(n, 2 or more)` x and y; 0 or NaN in either says that a joint is missing.

    Raises:
        DataError: all are missing.
    """
    xy = np.nan_to_num(np.asarray(joints, np.float64)[:, :2], posinf=0, neginf=0)
    result = xy[(xy != 0).all(axis=1)].astype(np.int64)
    if not len(result):
        raise DataError("no joint of the person was found")
    (x, y), (right, bottom) = result.min(axis=0).tolist(), result.max(axis=0).tolist()
    return x, y, right - x, bottom - y


def grown(box: Box, top: float, bottom: float, left: float, right: float) -> Box:
    """The box with padding: shares of its own size, cut to whole pixels."""
    x, y, w, h = box
    pads = int(w * left), int(h * top), int(w * right), int(h * bottom)
    return x - pads[0], y - pads[1], w + pads[0] + pads[2], h + pads[1] + pads[3]


def squared(box: Box) -> Box:
    """The box with its shorter side grown to the longer, about the same middle."""
    x, y, w, h = box
    if w <= h:
        return x - (h - w) // 2, y, h, h
    return x, y - (w - h) // 2, w, w


def portrait(box: Box) -> Box:
    """The box with its longer side cut to the proportions of `SIZE`; no longer whole pixels."""
    x, y, w, h = box
    if h * SIZE[1] > w * SIZE[0]:
        cut = h - w * SIZE[0] / SIZE[1]
        return x, y + cut // 2, w, h - cut
    cut = w - h * SIZE[1] / SIZE[0]
    return x + cut // 2, y, w - cut, h


def head_box_of(joints: Joints) -> Floats:
    """The square head box `(4,)`, xywh in whole pixels, of joints `(25, 2 or more)`.

    Raises:
        DataError: no joint of the head was found, or another number of joints.
    """
    check_shape(joints, f"{JOINTS} coordinates", "joints")
    return np.array(squared(grown(tight_box(joints[list(HEAD_JOINTS)]), *_HEAD_GROWTH)), np.float64)


def body_box_of(joints: Joints) -> Floats:
    """The box `(4,)` of the body crop, xywh, of joints `(25, 2 or more)`.

    Raises:
        DataError: no joint was found, or another number of joints.
    """
    check_shape(joints, f"{JOINTS} coordinates", "joints")
    return np.array(portrait(squared(grown(tight_box(joints), *_BODY_GROWTH))), np.float64)


def crop_body(image: Image, box: Box | Floats, *, degrade: bool = True) -> Image:
    """The body crop `(256, 192, 3)`; black where the box reaches outside the image.

    Args:
        image: `(h, w, 3)` uint8 RGB.
        box: xywh; edges are rounded half to even.
        degrade: first bring the image to the sharpness that the network was trained on, see
            `sharpness.degraded`.

    Raises:
        DataError: not a colour image, or a box of no numbers.
    """
    from PIL import Image as PillowImage

    check_shape(image, "h w 3", "image")
    height, width = image.shape[:2]
    left, top, right, bottom = _edges(box)
    part = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if part[0] >= part[2] or part[1] >= part[3]:
        return np.zeros((*SIZE, 3), np.uint8)
    if degrade:
        seen = degraded(image, part)
    else:
        seen = PillowImage.fromarray(image[part[1] : part[3], part[0] : part[2]])
    canvas = PillowImage.new("RGB", (right - left, bottom - top))
    canvas.paste(seen, (part[0] - left, part[1] - top))
    return np.asarray(canvas.resize((SIZE[1], SIZE[0]), PillowImage.Resampling.BILINEAR))


def normalised(images: Image) -> Floats:
    """What the network is given of body crops.

    Args:
        images: `(..., 256, 192, 3)` uint8 RGB.

    Returns:
        `(..., 3, 256, 192)` float32, channels first in memory.
    """
    # in this order and in float32, as the network's training had it
    mean = np.array(MEAN_RGB, np.float32) * np.float32(255)
    scale = np.reciprocal(np.array(STD_RGB, np.float32) * np.float32(255))
    pixels = images.astype(np.float32)
    pixels -= mean
    pixels *= scale
    return np.ascontiguousarray(np.moveaxis(pixels, -1, -3))


def normalise(images: Image, device: torch.device | str = "cpu") -> Tensor:
    """`normalised` as a tensor on a device."""
    import torch

    return torch.from_numpy(normalised(images)).to(device)


def relative_head_box(head_box: npt.ArrayLike, body_box: npt.ArrayLike) -> Floats:
    """Head boxes `(..., 4)` in units of body boxes `(..., 4)`, float32; both xywh.

    Raises:
        DataError: a body box without width or height.
    """
    head, body = np.asarray(head_box, np.float32), np.asarray(body_box, np.float32)
    _check_extent(body)
    corner, size = body[..., :2], body[..., 2:]
    return np.concatenate([(head[..., :2] - corner) / size, head[..., 2:] / size], axis=-1)


def head_mask(relative_box: npt.ArrayLike) -> Tensor:
    """`mask_of_head` as a tensor."""
    import torch

    return torch.from_numpy(mask_of_head(relative_box))


def mask_of_head(relative_box: npt.ArrayLike) -> Floats:
    """Masks `(..., 1, 256, 192)` float32, 1 inside relative head boxes `(..., 4)`.

    Raises:
        DataError: boxes of no finite numbers.
    """
    box = np.asarray(relative_box, np.float32)
    if not np.isfinite(box).all():
        raise DataError("a head box is not finite")
    height, width = (np.float32(n) for n in SIZE)
    left, top = box[..., 0] * width, box[..., 1] * height
    sides = np.stack([left, top, box[..., 2] * width + left, box[..., 3] * height + top], axis=-1)
    x1, y1, x2, y2 = np.moveaxis(np.clip(sides, 0, 4 * SIZE[0]).astype(np.int64)[..., None], -2, 0)
    row, column = np.arange(SIZE[0]), np.arange(SIZE[1])
    rows, columns = (row >= y1) & (row < y2), (column >= x1) & (column < x2)
    mask = rows[..., None, :, None] & columns[..., None, None, :]
    return np.asarray(mask, np.float32)


def body_motion(body_boxes: npt.ArrayLike, circular: bool) -> Floats:
    """Shift of the box's middle since the row before, in sizes of each row's own box.

    Args:
        body_boxes: `(n, 4)` xywh of one person, in the order of time.
        circular: the first row's shift is that from the last row, as in the published training and
            evaluation; otherwise it is 0.

    Returns:
        `(n, 2)` float32, right and down. As each middle is divided by its own box, a change of size
        also shifts.

    Raises:
        DataError: a box without width or height.
    """
    boxes = np.asarray(body_boxes, np.float32)
    _check_extent(boxes)
    centre = (boxes[:, :2] + boxes[:, 2:] / np.float32(2)) / boxes[:, 2:]
    motion = centre - np.roll(centre, 1, axis=0)
    if not circular:
        motion[:1] = 0
    return np.asarray(motion)


def _check_extent(body_box: Floats) -> None:
    if not (body_box[..., 2:] > 0).all():
        raise DataError("a body box has no width or height")


def _edges(box: Box | Floats) -> tuple[int, int, int, int]:
    x, y, w, h = (float(n) for n in box)
    if not all(map(math.isfinite, (x, y, w, h))):
        raise DataError(f"a body box is not finite: {x}, {y}, {w}, {h}")
    return round(x), round(y), round(x + w), round(y + h)
