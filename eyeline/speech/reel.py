"""Face crops at a true 25 Hz out of a stream of frames at any rate, a track at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import Floats, Image, Ints
from eyeline.speech.lips import nearest_rows
from eyeline.speech.mouths import TICK_S, track_ticks

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

CROP_PX = 112
"""Side of a crop."""

_SIDE = 1.4  # side of the cut-out square over the half side of the face box
_ABOVE = 0.3  # how far the square reaches above the middle of the box, in the same unit
_MEDIAN_TICKS = 13  # boxes are smoothed by a running median over about half a second
_BORDER = 110  # grey beyond the edge of the image


@dataclass(frozen=True)
class Plan:
    """Which square of which frame each tick of a track shows."""

    first: int
    """The first tick."""
    frame: Ints
    """`(n,)` index of the frame nearest in time."""
    corner_px: Floats
    """`(n, 2)` left top corner of the square."""
    side_px: Floats
    """`(n,)`."""


def plan(track: Track) -> Plan:
    """Squares around the mouth, by the rule under which the published network is used.

    A square box around the face, as large as the longer side; its middle and size smoothed; of it
    the part from a little above the middle to below the chin. (The original pads its running median
    with zeros, which pulls the first and last six squares; here the ends are repeated.)
    """
    from scipy.ndimage import median_filter

    ticks = track_ticks(track)
    time_s = np.arange(ticks.start, ticks.stop) * TICK_S
    row = nearest_rows(track, time_s)
    box = track.box_xyxy[row]
    half = np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) / 2
    centre = (box[:, :2] + box[:, 2:]) / 2
    geometry = np.column_stack([centre, half])
    x, y, half = median_filter(geometry, (_MEDIAN_TICKS, 1), mode="nearest").T
    corner = np.stack([x - _SIDE / 2 * half, y - _ABOVE * half], axis=1)
    return Plan(ticks.start, track.frame[row], corner, _SIDE * half)


def crop(gray: Image, corner_px: Floats, side_px: float) -> Image:
    """The square of a grey frame `(h, w)` at 112x112, bilinear; beyond the image it is grey."""
    import cv2

    step = side_px / CROP_PX
    shift = np.asarray(corner_px) + (step - 1) / 2
    matrix = np.array([[step, 0, shift[0]], [0, step, shift[1]]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(gray, matrix, (CROP_PX, CROP_PX), flags=how, borderValue=_BORDER)
    return np.asarray(out, np.uint8)


def images_due(
    shown: Sequence[Ints], frames: Iterable[Frame]
) -> Iterator[tuple[Frame, list[tuple[int, int]]]]:
    """Frames that are shown, each with all that it is for.

    Args:
        shown: of each track `(n,)` the index of the frame that each of its images shows, never
            falling.
        frames: in order, none more than needed is asked for. Where one is missing, the next one
            stands in.

    Yields:
        The frame, and pairs of the index of a track and the number of an image; images of a
        track come in order and without a hole, those for which no frame is left do not come.
    """
    done = [0] * len(shown)
    waiting = sorted((int(s[0]), i) for i, s in enumerate(shown) if len(s))
    active: list[int] = []
    if not waiting:
        return
    for frame in frames:
        while waiting and waiting[0][0] <= frame.index:
            active.append(waiting.pop(0)[1])
        due = []
        for i in active:
            stop = int(np.searchsorted(shown[i], frame.index, side="right"))
            due += [(i, k) for k in range(done[i], stop)]
            done[i] = stop
        if due:
            yield frame, due
        active = [i for i in active if done[i] < len(shown[i])]
        if not active and not waiting:
            return


def reels(tracks: Sequence[Track], frames: Iterable[Frame]) -> Iterator[tuple[int, Image]]:
    """Crops of all tracks in one pass over the frames.

    Args:
        tracks: the faces.
        frames: the frames on which the tracks were made, in order. Where one is missing, the next
            one stands in.

    Yields:
        Index of the track and the crop `(112, 112)` of its next tick; ticks of a track come in
        order and without a hole, those for which no frame is left do not come.
    """
    import cv2

    plans = [plan(track) for track in tracks]
    for frame, due in images_due([p.frame for p in plans], frames):
        # in full range, as the network was trained on; the stored luma may lack both ends
        gray = np.asarray(cv2.cvtColor(frame.rgb(), cv2.COLOR_RGB2GRAY), np.uint8)
        for i, k in due:
            yield i, crop(gray, plans[i].corner_px[k], float(plans[i].side_px[k]))
