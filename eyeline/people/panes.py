"""Split screens: parts of the image that have a camera each, between seams that stand still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeline.geometry.camera import Camera
from eyeline.people.detect import input_size
from eyeline.people.tracks import Pane
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

EVERY_S = 0.5
"""Time between two images that are compared, at first; in a long shot it grows."""
FEWEST, MOST = 3, 24
"""Images compared in a shot; in a shorter one nothing can be said to stand still."""
LONGEST_PX = 480
"""Longer side of the images that are compared."""
EDGE = 10.0
"""Step in grey levels from one side of a seam to the other."""
STANDS = 0.85
"""Fraction of the images that show the step."""
SEAM = 0.85
"""Fraction of a seam along which there is a step. `scripts/measure_panes.py`: real images of one
camera have up to 0.56, or 0.82 where all is noise, joined ones nearly always more than 0.85."""
ALONE = 0.4
"""By how much that is more than around it."""
NARROWEST = 0.2
"""Least width and height of a pane, of the image's."""
DARK = 28.0
"""Brightest grey level of a bar."""
STAYS = 0.95
"""Fraction of its frames that a face must be in one pane."""

Box = tuple[int, int, int, int]


class PaneFinder:
    """Keeps a few small images of each shot while they stream by, and finds the panes in them."""

    def __init__(self) -> None:
        self.shots: list[list[Floats]] = []
        """By shot: the panes `(4,)` in pixels; the whole image where there is one camera."""
        self._images: list[Image] = []
        self._every_s, self._next_s = EVERY_S, float("-inf")
        self._size_wh = 0, 0

    def watch(self, frames: Iterable[tuple[Frame, bool]]) -> Iterator[tuple[Frame, bool]]:
        """All frames, as they come; each says whether it begins a new shot."""
        for frame, cut in frames:
            if cut and self._size_wh[0]:  # the first frame begins none
                self._end_shot()
            self._size_wh = frame.size_wh
            if frame.time_s >= self._next_s:
                self._images.append(frame.small_rgb(*input_size(*frame.size_wh, LONGEST_PX)))
                if len(self._images) == 2 * MOST:
                    self._images, self._every_s = self._images[::2], 2 * self._every_s
                self._next_s = frame.time_s + self._every_s
            yield frame, cut
        self._end_shot()

    def _end_shot(self) -> None:
        width, height = self._size_wh
        boxes: list[Floats] = []
        if len(self._images) >= FEWEST:
            stack = np.stack(self._images)
            scale = np.tile([width / stack.shape[2], height / stack.shape[1]], 2)
            boxes = [np.array(box) * scale for box in panes_of(stack)]
        self.shots.append(boxes or [np.array([0.0, 0.0, width, height])])
        self._images, self._every_s, self._next_s = [], EVERY_S, float("-inf")


def panes_of(images: npt.NDArray[Any]) -> list[Box]:
    """The parts `(left, top, right, bottom)` of images that have a camera each; bars are in none.

    Args:
        images: `(time, height, width, 3)` of one shot, 0 to 255.
    """
    least = NARROWEST * np.array(images.shape[2:0:-1])
    return [*_split(images, (0, 0, images.shape[2], images.shape[1]), least)]


def _split(images: npt.NDArray[Any], box: Box, least_wh: Floats) -> Iterator[Box]:
    left, top, right, bottom = _without_bars(images, box)
    part = images[:, top:bottom, left:right]
    down, fits_down = _seam(part, int(least_wh[0]))
    across, fits_across = _seam(part.swapaxes(1, 2), int(least_wh[1]))
    if max(fits_down, fits_across) < SEAM:
        yield left, top, right, bottom
    elif fits_down >= fits_across:
        yield from _split(images, (left, top, left + down, bottom), least_wh)
        yield from _split(images, (left + down, top, right, bottom), least_wh)
    else:
        yield from _split(images, (left, top, right, top + across), least_wh)
        yield from _split(images, (left, top + across, right, bottom), least_wh)


def _seam(images: npt.NDArray[Any], least: int) -> tuple[int, float]:
    """The best column to split at, and the fraction of its rows in which a step stands still."""
    width = images.shape[2]
    if width < 2 * least + 2 or images.shape[1] < 8:
        return 0, 0.0
    before, behind = images[:, 2:-2, :-2], images[:, 2:-2, 2:]
    step = _brightest(np.maximum(before, behind) - np.minimum(before, behind))
    stands = (_quantile(step, 1 - STANDS) > EDGE).mean(axis=0)
    inner = stands[least - 1 : width - least - 1]
    at = int(inner.argmax()) + least - 1
    around = np.r_[stands[max(0, at - 12) : max(0, at - 3)], stands[at + 4 : at + 13]]
    alone = stands[at] - np.median(around) if len(around) else 0.0
    return at + 1, float(stands[at]) if alone >= ALONE else 0.0


def _brightest(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The greatest of the three channels; numpy's own `max` of so short an axis is slow."""
    return np.asarray(np.maximum(np.maximum(images[..., 0], images[..., 1]), images[..., 2]))


def _quantile(images: npt.NDArray[Any], fraction: float) -> Floats:
    """Over time, as `np.quantile`, but images of bytes stay bytes."""
    at = fraction * (len(images) - 1)
    pair = [int(at), min(int(at) + 1, len(images) - 1)]
    low, high = np.partition(images, pair, axis=0)[pair].astype(np.float32)
    return np.asarray(low + (at - pair[0]) * (high - low))


def _without_bars(images: npt.NDArray[Any], box: Box) -> Box:
    """A box without dark bars, which lie on both sides and are equally wide."""
    left, top, right, bottom = box
    part = images[:, top:bottom, left:right]
    dark: Any = (_brightest(part) < DARK).all(axis=0)
    left_bar, right_bar = _bars(dark.all(axis=0))
    top_bar, bottom_bar = _bars(dark.all(axis=1))
    return left + left_bar, top + top_bar, right - right_bar, bottom - bottom_bar


def _bars(dark: npt.NDArray[np.bool_]) -> tuple[int, int]:
    if dark.all():
        return 0, 0
    before, behind = int(dark.argmin()), int(dark[::-1].argmin())
    alike = abs(before - behind) <= max(2, 0.03 * len(dark))
    return (before, behind) if alike else (0, 0)


def place(
    rows: npt.NDArray[Any], shots: Sequence[Sequence[Floats]], camera: Camera
) -> dict[int, Pane]:
    """The pane of each track, by its number; tracks of a shot with one camera have none.

    A shot in which a face moves from one pane to another has no panes.

    Args:
        rows: the table of `rows.Rows`.
        shots: by shot its panes in pixels, as of `PaneFinder.shots`.
        camera: assumed for the whole image, centred; the longer side of a pane spans its angle.
    """
    result: dict[int, Pane] = {}
    whole = np.array([0, 0, 2 * camera.cx_px, 2 * camera.cy_px])
    for shot in np.unique(rows["shot"]).tolist():
        boxes = shots[shot]
        if len(boxes) == 1 and np.abs(boxes[0] - whole).max() < 0.02 * whole[2:].max():
            continue
        mine = rows[rows["shot"] == shot]
        result |= _placed(mine, boxes, camera, whole[2:].max())
    return result


def _placed(
    rows: npt.NDArray[Any], boxes: Sequence[Floats], camera: Camera, longest_px: float
) -> Mapping[int, Pane]:
    eyes = rows["five"][:, :2].mean(axis=1)
    of = np.full(len(rows), -1)
    for number, (left, top, right, bottom) in enumerate(boxes):
        x, y = eyes.T
        of[(x >= left) & (x < right) & (y >= top) & (y < bottom)] = number
    pane_of: dict[int, int] = {}
    for track in np.unique(rows["track_id"]).tolist():
        numbers, counts = np.unique(of[rows["track_id"] == track], return_counts=True)
        if numbers[counts.argmax()] < 0 or counts.max() < STAYS * counts.sum():
            return {}
        pane_of[track] = int(numbers[counts.argmax()])
    panes = {}
    for number in set(pane_of.values()):
        left, top, right, bottom = boxes[number].tolist()
        focal = camera.fx_px * max(right - left, bottom - top) / longest_px
        own = Camera(focal, focal, (left + right) / 2, (top + bottom) / 2)
        panes[number] = Pane((left, top, right, bottom), own.levelled(eyes[of == number, 1]))
    return {track: panes[number] for track, number in pane_of.items()}
