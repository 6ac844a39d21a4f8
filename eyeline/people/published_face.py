"""The face box of the published speaker detector (VGS), from ours.

Its heads, maps and lip crops are multiples of the boxes of its own SSD face detector. The constants
are fitted by `scripts/fit_published_face.py` on the boxes that the authors stored of one clip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from eyeline.geometry import boxes
from eyeline.people.bodies import face_in_head
from eyeline.people.tracks import BoxSource, Track
from eyeline.results import Floats


class BoxMapping(NamedTuple):
    """From a detector's boxes to the published ones."""

    width: float
    """Width of the published box over ours."""
    height: float
    """Likewise."""
    rise: float
    """How far its middle lies higher, in heights of ours."""
    behind: float
    """How far its middle lies towards the back of a turned head, in widths times the sine of its
    yaw."""


FITTED: Mapping[BoxSource, BoxMapping] = {
    "centerface": BoxMapping(1.090, 1.031, 0.048, 0.043),
    "mmod": BoxMapping(1.032, 1.299, 0.056, 0.162),
}
"""By what drew the boxes; the user's own, which may be of faces or heads, stay as they are."""


def published_face(track: Track) -> Floats:
    """`(n, 4)` boxes."""
    if track.box_source not in FITTED:
        return track.box_xyxy
    whole_head = np.array_equal(track.box_xyxy, track.head_xyxy)
    face = face_in_head(track.box_xyxy) if whole_head else track.box_xyxy
    return mapped(face, track.yaw_rad, FITTED[track.box_source])


def mapped(box_xyxy: Floats, yaw_rad: Floats, fitted: BoxMapping) -> Floats:
    """Boxes `(n, 4)` of faces `(n, 4)` turned by `(n,)`."""
    size = box_xyxy[:, 2:] - box_xyxy[:, :2]
    shift = np.stack([-fitted.behind * np.sin(yaw_rad), np.full(len(size), -fitted.rise)], axis=1)
    centre = boxes.centre(box_xyxy) + shift * size
    half = size * (fitted.width / 2, fitted.height / 2)
    return np.concatenate([centre - half, centre + half], axis=1)
