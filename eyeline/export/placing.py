"""Where tags go, so that none covers another and few cover a face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from eyeline.geometry import boxes
from eyeline.results import Floats

_ON_FACES = 0.5
"""A tag that lies wholly on a face is as bad as one that lies this many frame widths away."""
_ABOUT = 8
"""So many places touch the face."""
_STEP = 0.01
"""Each of them is as much worse than the one before as one this many frame widths away."""


def place(
    sizes_px: Sequence[tuple[int, int]],
    faces_xyxy: Floats,
    frame_px: tuple[int, int],
    taken_xyxy: Sequence[tuple[float, float, float, float]] = (),
    gap_px: int = 6,
) -> list[tuple[int, int]]:
    """Upper left corners of the tags of faces, in their order.

    A tag stands above its face where it may, else below, beside, or further off; of the free places
    it takes the nearest that covers least of faces. Where the whole frame is full it takes the one
    that covers least of other tags.

    Args:
        sizes_px: width and height of each tag.
        faces_xyxy: `(n, 4)` the box that each belongs to.
        frame_px: width and height of the frame.
        taken_xyxy: what is drawn elsewhere and must stay free.
        gap_px: between a face and its tag.
    """
    taken = np.array([*taken_xyxy], np.float64).reshape(-1, 4)
    corners = []
    for size, face in zip(sizes_px, faces_xyxy, strict=True):
        spots = np.array(list(_spots(size, face, frame_px, gap_px)), np.float64)
        spot = spots[_best(spots, size, faces_xyxy, taken, frame_px)]
        corners.append((int(spot[0]), int(spot[1])))
        taken = np.concatenate([taken, [[*spot, *(spot + size)]]])
    return corners


def _spots(
    size: tuple[int, int], face: Floats, frame: tuple[int, int], gap: int
) -> Iterator[tuple[int, int]]:
    """Places inside the frame: about the face first, then all over the frame."""
    width, height = size
    right, bottom = max(0, frame[0] - width), max(0, frame[1] - height)
    x1, y1, x2, y2 = (round(float(v)) for v in np.clip(face, -1e5, 1e5))
    about = [
        *((x, y) for y in (y1 - height - gap, y2 + gap) for x in (x1, x2 - width)),
        *((x, y) for y in (y1, y2 - height) for x in (x2 + gap, x1 - width - gap)),
    ]
    for x, y in about:
        yield min(max(x, 0), right), min(max(y, 0), bottom)
    for y in range(0, bottom + 1, max(1, height // 2)):
        for x in range(0, right + 1, max(1, width // 4)):
            yield x, y


def _best(
    spots: Floats, size: tuple[int, int], faces: Floats, taken: Floats, frame: tuple[int, int]
) -> int:
    own = np.concatenate([spots, spots + size], axis=1)
    order = _STEP * np.arange(len(spots))
    away = np.abs(spots[_ABOUT:] - spots[0]).sum(axis=1) / frame[0]
    order[_ABOUT:] = _STEP * _ABOUT + away
    on_faces = _covered(own, faces) / max(1, size[0] * size[1])
    return int(np.lexsort((order + _ON_FACES * on_faces, np.round(_covered(own, taken))))[0])


def _covered(own: Floats, others: Floats) -> Floats:
    """Pixels of each box `(n, 4)` that boxes `(m, 4)` cover, summed over these."""
    low = np.maximum(own[:, None, :2], others[None, :, :2])
    high = np.minimum(own[:, None, 2:], others[None, :, 2:])
    return np.asarray(boxes.area(np.concatenate([low, high], axis=-1)).sum(axis=1))
