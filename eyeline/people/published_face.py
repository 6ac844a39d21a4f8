"""The face box of the published speaker detector (VGS), from ours.

Its heads, maps and lip crops are multiples of the boxes of its own SSD face detector. The constants
are fitted by `scripts/fit_published_face.py` on the boxes that the authors stored of one clip.
"""

from __future__ import annotations

import numpy as np

from eyeline.geometry import boxes
from eyeline.people.tracks import Track
from eyeline.results import Floats

WIDTH, HEIGHT = 1.090, 1.031
"""Size of the published box over ours."""
RISE = 0.048
"""How far its middle lies higher, in heights of ours."""
BEHIND = 0.043
"""How far its middle lies towards the back of a turned head, in widths times the sine of its
yaw."""


def published_face(track: Track) -> Floats:
    """`(n, 4)` boxes; the user's own boxes, which may be of faces or heads, as they are."""
    if np.array_equal(track.box_xyxy, track.head_xyxy):
        return track.box_xyxy
    return mapped(track.box_xyxy, track.yaw_rad, (WIDTH, HEIGHT, RISE, BEHIND))


def mapped(
    box_xyxy: Floats, yaw_rad: Floats, constants: tuple[float, float, float, float]
) -> Floats:
    """Boxes `(n, 4)` of faces `(n, 4)` turned by `(n,)`, by the four constants above."""
    wide, high, rise, behind = constants
    size = box_xyxy[:, 2:] - box_xyxy[:, :2]
    shift = np.stack([-behind * np.sin(yaw_rad), np.full(len(size), -rise)], axis=1)
    middle, half = boxes.centre(box_xyxy) + shift * size, size * (wide / 2, high / 2)
    return np.concatenate([middle - half, middle + half], axis=1)
