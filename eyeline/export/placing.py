"""Where tags go, so that none covers another and few cover a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eyeline.geometry import boxes
from eyeline.results import Floats

_ON_FACES = 0.5
"""A tag that lies wholly on a face is as bad as one that lies this many frame widths away."""
_STEP = 0.01
"""Each place about a face is as much worse than the one before as one this many widths away."""


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
        largest = np.maximum(0, np.subtract(frame_px, size))
        near = np.clip(_about(size, face, gap_px), 0, largest)
        spot, covered = _best(near, _STEP * np.arange(len(near)), size, faces_xyxy, taken)
        if covered:
            spots = np.concatenate([near, _everywhere(size, frame_px)])
            away = np.abs(spots - near[0]).sum(axis=1) / frame_px[0]
            spot, _ = _best(spots, away, size, faces_xyxy, taken)
        corners.append((int(spot[0]), int(spot[1])))
        taken = np.concatenate([taken, [[*spot, *(spot + size)]]])
    return corners


def _about(size: tuple[int, int], face: Floats, gap: int) -> Floats:
    """Eight places that touch a face, the best first."""
    x1, y1, x2, y2 = np.rint(np.clip(face, -1e5, 1e5)).tolist()
    above, below, before, behind = y1 - size[1] - gap, y2 + gap, x1 - size[0] - gap, x2 + gap
    left, right, top, bottom = x1, x2 - size[0], y1, y2 - size[1]
    return np.array(
        [
            (left, above),
            (right, above),
            (left, below),
            (right, below),
            (behind, top),
            (before, top),
            (behind, bottom),
            (before, bottom),
        ]
    )


def _everywhere(size: tuple[int, int], frame: tuple[int, int]) -> Floats:
    """Places all over a frame."""
    x = np.arange(0, max(0, frame[0] - size[0]) + 1, max(1, size[0] // 4))
    y = np.arange(0, max(0, frame[1] - size[1]) + 1, max(1, size[1] // 2))
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2).astype(np.float64)


def _best(
    spots: Floats, cost: Floats, size: tuple[int, int], faces: Floats, taken: Floats
) -> tuple[Floats, float]:
    """The place that covers least of what is taken, then of faces; and how much of the former."""
    own = np.concatenate([spots, spots + size], axis=1)
    covered = np.round(_covered(own, taken))
    on_faces = _covered(own, faces) / max(1, size[0] * size[1])
    best = int(np.lexsort((cost + _ON_FACES * on_faces, covered))[0])
    return spots[best], float(covered[best])


def _covered(own: Floats, others: Floats) -> Floats:
    """Pixels of each box `(n, 4)` that boxes `(m, 4)` cover, summed over these."""
    low = np.maximum(own[:, None, :2], others[None, :, :2])
    high = np.minimum(own[:, None, 2:], others[None, :, 2:])
    return np.asarray(boxes.area(np.concatenate([low, high], axis=-1)).sum(axis=1))
