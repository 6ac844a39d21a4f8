"""What the network sees of a face: which frame at which tick, and which square of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.people.published_face import published_face
from eyeline.people.tracks import Track
from eyeline.results import Floats, Image, Ints
from eyeline.speech.lips import nearest_rows
from eyeline.speech.mouths import TICK_HZ, TICK_S, track_ticks
from eyeline.speech.reel import images_due
from eyeline.speech.syncnet.model import FACE_PX

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

Edges = Literal["repeated", "published"]
"""How medians are taken at a track's ends: of values repeated, or of zeros as published, which
draws the first and last faces towards the image's corner."""
Clock = Literal["by_time", "as_they_come"]
"""`by_time`: every 40 ms the frame nearest in time. `as_they_come`: frame k is taken for that of
tick k whatever its time, as the published conversion does with videos of fewer than 25 frames a
second, so that lips run ahead of the audio; of quicker videos it drops frames by time."""


_SMALLER = 0.5  # part of the half side that is added all round
_MEDIANS = (5, 5, 7)  # ticks under the running medians of half side, x and y
_AS_FAST = 1.02  # a rate above this many times 25 Hz is quicker


class Squares(NamedTuple):
    """Where a face is at each of `n` ticks, smoothed."""

    half_px: Floats
    """`(n,)` mean of half the width and half the height of the box."""
    x_px: Floats
    """`(n,)` middle of the box."""
    y_px: Floats
    """`(n,)` likewise, downwards."""

    def at(self, rows: Any) -> Squares:
        """The same at some ticks."""
        return Squares(*(column[rows] for column in self))


def squares(box_xyxy: Floats, edges: Edges = "repeated") -> Squares:
    """Smoothed places of a face.

    Args:
        box_xyxy: `(n, 4)` one a tick, pixels.
        edges: how to smooth at the ends.
    """
    from scipy.ndimage import median_filter

    check_shape(box_xyxy, "n 4", "face boxes")
    x1, y1, x2, y2 = np.asarray(box_xyxy, np.float64).T
    raw = (((x2 - x1) + (y2 - y1)) / 4, (x1 + x2) / 2, (y1 + y2) / 2)
    mode = {"repeated": "nearest", "published": "constant"}[edges]
    return Squares(
        *(median_filter(v, size, mode=mode) for v, size in zip(raw, _MEDIANS, strict=True))
    )


def cut(image: Image, half_px: float, x_px: float, y_px: float) -> Image:
    """The network's view of a face in a frame.

    Args:
        image: `(h, w, 3)` in any order of colours.
        half_px: half side of the face.
        x_px: its middle.
        y_px: likewise, downwards.

    Returns:
        `(224, 224, 3)`, bilinear; beyond the image it is black. A face of no size, or wholly
        outside, is black too.
    """
    import cv2

    height, width = image.shape[:2]
    border = int(half_px * (1 + 2 * _SMALLER))
    rows = _span(y_px + border, half_px, half_px * (1 + 2 * _SMALLER), height + 2 * border)
    sideways = half_px * (1 + _SMALLER)
    columns = _span(x_px + border, sideways, sideways, width + 2 * border)
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        return np.zeros((FACE_PX, FACE_PX, 3), np.uint8)
    square = _inside(image, *(a - border for a in (*rows, *columns)))
    return np.asarray(cv2.resize(square, (FACE_PX, FACE_PX)), np.uint8)


def _span(centre: float, before: float, after: float, end: int) -> tuple[int, int]:
    """Whole pixels of the padded image, cut as a slice of it would be."""
    return max(0, int(centre - before)), min(end, int(centre + after))


def _inside(image: Image, top: int, bottom: int, left: int, right: int) -> npt.NDArray[np.uint8]:
    """Rows and columns of an image that is black beyond its border."""
    height, width = image.shape[:2]
    if top >= 0 and left >= 0 and bottom <= height and right <= width:
        return image[top:bottom, left:right]
    square = np.zeros((bottom - top, right - left, 3), np.uint8)
    y1, y2, x1, x2 = max(top, 0), min(bottom, height), max(left, 0), min(right, width)
    if y1 < y2 and x1 < x2:
        square[y1 - top : y2 - top, x1 - left : x2 - left] = image[y1:y2, x1:x2]
    return square


@dataclass(frozen=True)
class Reel:
    """The images of one track in the order in which the network sees them."""

    first: int
    """Tick of the audio that goes with image 0."""
    row: Ints
    """`(n,)` row of the track that each image shows."""
    image: Ints
    """`(m,)` image of each of the ticks `track_ticks(track)`."""
    squares: Squares
    """`(n,)` where the face is."""


def reel(track: Track, clock: Clock = "by_time", edges: Edges = "repeated") -> Reel:
    """Lay a track on the ticks.

    Args:
        track: at any rate; with `as_they_come` every frame of the video must be in it.
        clock: how frames become ticks.
        edges: how squares are smoothed at the ends.
    """
    ticks = track_ticks(track)
    nearest: Any = nearest_rows(track, np.arange(ticks.start, ticks.stop) * TICK_S)
    length_s = float(track.end_s[-1] - track.time_s[0])
    slow = length_s <= 0 or len(track) / length_s <= _AS_FAST * TICK_HZ
    row, first, image = nearest, ticks.start, np.arange(len(nearest))
    if clock == "as_they_come" and slow:
        row, first, image = np.arange(len(track)), int(track.frame[0]), nearest
    return Reel(first, row, image, squares(published_face(track)[row], edges))


def faces(
    tracks: Sequence[Track],
    reels: Sequence[Reel],
    wanted: Sequence[npt.NDArray[np.bool_]],
    frames: Iterable[Frame],
) -> Iterator[tuple[int, int, Image]]:
    """Faces of all tracks in one pass over the frames.

    Args:
        tracks: the faces.
        reels: of each.
        wanted: which images of each are needed, `(n,)`.
        frames: on which the tracks were made, in order. Where one is missing, the next one stands
            in.

    Yields:
        Index of the track, number of the image and the face `(224, 224, 3)` BGR; images of a
        track come in order, those for which no frame is left do not come.
    """
    due = [np.flatnonzero(w) for w in wanted]
    shown = [t.frame[r.row[d]] for t, r, d in zip(tracks, reels, due, strict=True)]
    for frame, images in images_due(shown, frames):
        bgr = np.ascontiguousarray(frame.rgb()[..., ::-1])
        for i, nth in images:
            k = int(due[i][nth])
            yield i, k, cut(bgr, *(float(v) for v in reels[i].squares.at(k)))
