"""Which parts of which images a clip's boxes ask for, and how such a part is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.results import Image, Ints
from eyeline.systems.ego_social.inputs import SIZE, crop_face
from eyeline.systems.ego_social.recordings.annotations import Clip
from eyeline.systems.ego_social.recordings.store import ORDERS
from eyeline.systems.ego_social.recordings.tracklets import filled

_FAR_PX = 1e9
"""Beyond any image, and still a whole number."""


@dataclass(frozen=True)
class Settings:
    """How crops are kept.

    Measured on crops of 50 to 200 pixels out of two videos of 720 lines: JPEG of quality 95 is off
    by 0.7 of 255 levels in the mean, 3 at the 99th of a hundred, 13 at most, and takes 2 to 16 kB,
    a half to a third of PNG. (The published preparation goes through JPEG images of the
    whole frame, which are off by 2.5.)
    """

    lossless: bool = False
    """As PNG, from which `store` makes the very crop that the decoded image gives."""
    quality: int = 95
    """Of JPEG, 1 to 100, with colours as fine as the rest."""

    def __post_init__(self) -> None:
        """Check the number."""
        if not 1 <= self.quality <= 100:
            raise UsageError(f"a quality of {self.quality}; 1 to 100 can be")


@dataclass(frozen=True)
class Asked:
    """Which cut shows a track at a frame."""

    start: Ints
    """`(track + 1,)` first row of each track."""
    frame: Ints
    """`(row,)` annotation frame, ascending within a track, none of them twice."""
    cut: Ints
    """`(row,)`."""


@dataclass(frozen=True)
class Cuts:
    """The distinct cuts of a clip, in the order of its images."""

    image: Ints
    """`(cut,)` number in the clip, from 0: one less than the annotation frame, as published."""
    sides: Ints
    """`(cut, 4)` left, top, right, bottom in whole pixels; may lie outside the image."""
    asked: Mapping[str, Asked]
    """By the order of entries, one of `store.ORDERS`: looks have one, talk the other."""


def cuts_of(clip: Clip) -> Cuts:
    """All cuts that looking-at-me and talking-to-me need of a clip."""
    starts, keys = [], []
    for order in ORDERS:
        start = [0]
        for track in clip.tracks:
            boxes = filled(track, sort=order == ORDERS[0])
            frame, row = _last_of_each(boxes.frame)
            sides = np.clip(boxes.box_xyxy[row], 0, _FAR_PX).astype(np.int64)
            keys.append(np.concatenate([frame[:, None], sides], axis=1))
            start.append(start[-1] + len(frame))
        starts.append(np.array(start, np.int64))
    whole = np.concatenate([np.zeros((0, 5), np.int64), *keys])
    distinct, which = np.unique(whole, axis=0, return_inverse=True)
    halves = np.split(np.arange(len(whole)), [starts[0][-1]])
    asked = {
        order: Asked(start, whole[half, 0], which.ravel()[half])
        for order, start, half in zip(ORDERS, starts, halves, strict=True)
    }
    return Cuts(distinct[:, 0] - 1, distinct[:, 1:], asked)


def cut_out(image: Image, sides: Ints) -> Image | None:
    """The part of an image `(h, w, 3)` that `inputs.crop_face` stretches; None if it is empty.

    Parts with more pixels than a crop are brought to its size.
    """
    left, top, right, bottom = sides.tolist()
    part = image[top:bottom, left:right]
    if 0 in part.shape:
        return None
    if part.shape[0] * part.shape[1] <= SIZE * SIZE:
        return part
    return crop_face(part, (0, 0, part.shape[1], part.shape[0]))


def encoded(part: Image, settings: Settings) -> npt.NDArray[np.uint8]:
    """The bytes `(n,)` of a part `(h, w, 3)` RGB."""
    import cv2

    if settings.lossless:
        kind, options = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]
    else:
        kind = ".jpg"
        options = [
            cv2.IMWRITE_JPEG_QUALITY,
            settings.quality,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ]
    created = cv2.imencode(kind, np.ascontiguousarray(part[..., ::-1]), options)[1]
    return np.asarray(created, np.uint8).ravel()


def _last_of_each(frame: Ints) -> tuple[Ints, Ints]:
    """Frames in order, each once, and the last row that has it."""
    result, from_end = np.unique(frame[::-1], return_index=True)
    return result, len(frame) - 1 - from_end
