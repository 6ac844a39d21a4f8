"""Heads as the published system marks them: squares about tracked faces, and ellipses in maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Image, Ints
from eyeline.speech.syncnet.crops import Squares

GROWN = 1.8
"""Half side of a head over that of its face."""
ACROSS, DOWN = 0.6, 0.7
"""Half axes of an ellipse over the half side of its head."""
NOBODY = -1
"""For the index of a speaker: no head."""


class Heads(NamedTuple):
    """Heads over time, or those of one frame: whole pixels, any leading shape."""

    x_px: Ints
    y_px: Ints
    half_px: Ints

    @property
    def box_xyxy(self) -> Ints:
        """`(..., 4)` boxes, which may leave the image."""
        x, y, half = self
        return np.stack([x - half, y - half, x + half, y + half], axis=-1)

    @property
    def corners_px(self) -> Ints:
        """`(..., 4, 2)` corners: left top, right top, right bottom, left bottom."""
        box = self.box_xyxy
        return np.stack([box[..., [i, j]] for i, j in ((0, 1), (2, 1), (2, 3), (0, 3))], axis=-2)

    def at(self, rows: Any) -> Heads:
        """The same at some places of the leading axis."""
        return Heads(*(column[rows] for column in self))


class Maps(NamedTuple):
    """Where heads are in one frame, `(h, w)` each."""

    speaker: Image
    others: Image


def heads(faces: Squares) -> Heads:
    """Heads of smoothed faces; fractions of pixels are cut off, before and after growing."""
    half, x, y = (np.trunc(np.asarray(column)).astype(np.int64) for column in faces)
    return Heads(x, y, np.trunc(half * GROWN).astype(np.int64))


def aligned(tracks: Sequence[Squares], speakers: int, frames: int) -> Heads:
    """Heads `(tracks, n)` by place in the track, as published: all tracks count from frame 0.

    Of the first n frames, n the least of the video's frames, of those for which it is known who
    speaks, and of the first track's. DataError without a track, or for one shorter than the first:
    the published code then failed.
    """
    if not tracks:
        raise DataError("no tracks to mark heads by")
    count = min(len(tracks[0].x_px), speakers, frames)
    short = [i for i, track in enumerate(tracks) if len(track.x_px) < count]
    if short:
        raise DataError(
            f"track {short[0]} has {len(tracks[short[0]].x_px)} frames, the first one {count}; the "
            "published order knows no track that ends early: use heads by frame number"
        )
    each = [heads(track.at(slice(count))) for track in tracks]
    return Heads(*(np.stack(columns) for columns in zip(*each, strict=True)))


def ellipse(
    x_px: int, y_px: int, half_px: int, size_wh: tuple[int, int], *, published: bool = False
) -> npt.NDArray[np.bool_]:
    """Pixels `(h, w)` of a head about a centre, with half a side, in an image of that size.

    With `published`, beyond the right and lower border pixels pile up on it, beyond the left and
    upper one they come in again at the other side; by default they are left out.
    """
    width, height = size_wh
    mask = np.zeros((height, width), bool)
    down, across = DOWN * half_px, ACROSS * half_px
    if half_px <= 0:
        return mask
    rows = np.arange(np.ceil(y_px - down), np.floor(y_px + down) + 1).astype(np.int64)
    columns = np.arange(np.ceil(x_px - across), np.floor(x_px + across) + 1).astype(np.int64)
    inside = ((rows - y_px) / down)[:, None] ** 2 + ((columns - x_px) / across) ** 2 < 1
    row, column = rows[np.nonzero(inside)[0]], columns[np.nonzero(inside)[1]]
    if published:
        row, column = np.minimum(row, height - 1), np.minimum(column, width - 1)
        seen = (row >= -height) & (column >= -width)
    else:
        seen = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    mask[row[seen], column[seen]] = True
    return mask


def maps(
    frame_heads: Heads,
    speaks: npt.NDArray[np.bool_],
    size_wh: tuple[int, int],
    *,
    published: bool = False,
) -> Maps:
    """Speakers and others of one frame, whose heads and `speaks` are `(n,)` each.

    With `published`, heads that overlap leave 254, 253, ... instead of 255; and as of `ellipse`.
    """
    check_shape(speaks, f"{len(frame_heads.x_px)}", "who speaks")
    width, height = size_wh
    count = np.zeros((2, height, width), np.int64)
    for x, y, half, loud in zip(*frame_heads, speaks, strict=True):
        mask = ellipse(int(x), int(y), int(half), size_wh, published=published)
        count[0 if loud else 1] += mask
    levels = (count * 255 if published else np.minimum(count, 1) * 255).astype(np.uint8)
    return Maps(levels[0], levels[1])
