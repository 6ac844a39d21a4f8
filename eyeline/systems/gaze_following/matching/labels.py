"""Which of the matcher's answers an annotated point makes right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eyeline.geometry import boxes
from eyeline.results import Floats
from eyeline.systems.gaze_following.matching.inputs import Options

NEAR = 0.5
"""A point that no option holds belongs to the nearest one whose border is within so many sizes of
the looker's head."""
SAME = 0.5
"""Intersection over union from which on an option is the annotated box."""
LAP_ASIDE = 1.2
"""The own lap lies below the head, at most so many head widths to either side of its middle,"""
LAP_FROM, LAP_TO = 0.3, 4.0
"""between so many head heights below the chin."""
LAP_AT = 1.6
"""Head heights below the chin at which an answer `own_lap` has its point."""

Right = npt.NDArray[np.bool_]


def right_answers(
    among: Options,
    head_xyxy: Floats,
    point_px: Floats,
    *,
    in_frame: bool = True,
    target_xyxy: Floats | None = None,
) -> Right:
    """The right ones `(options + 2,)`: the options, off screen, own lap.

    In the image these are the options that hold the point or are the annotated box; else the
    nearest one; else the own lap, if the point lies there. None is right where nothing fits.
    Candidates whose centre lies on the looker's own head are never right. The point is `(2,)`, NaN
    for a look out of the image, the target `(4,)`, None or NaN where not known.
    """
    right = np.zeros(len(among.person) + 2, bool)
    if not in_frame:
        right[-2] = True
        return right
    other = ~boxes.contain(head_xyxy, boxes.centre(among.box_xyxy)) | (among.person >= 0)
    inside = boxes.contain(among.box_xyxy, point_px)
    if target_xyxy is not None and not np.isnan(target_xyxy).any():
        inside |= boxes.iou(among.box_xyxy, target_xyxy[None])[:, 0] >= SAME
    right[:-2] = inside & other
    if not right.any() and len(right) > 2:
        low, high = among.box_xyxy[:, :2] - point_px, point_px - among.box_xyxy[:, 2:]
        gap = np.maximum(np.maximum(low, high), 0)
        away = np.where(other, np.linalg.norm(gap, axis=1), np.inf)
        best = int(away.argmin())
        right[best] = away[best] <= NEAR * float(boxes.size(head_xyxy))
    if not right.any():
        right[-1] = in_lap(head_xyxy, point_px)
    return right


def in_lap(head_xyxy: Floats, point_px: Floats) -> bool:
    """Whether a point `(2,)` lies where the lap, hands or table of a head `(4,)` are."""
    width, height = head_xyxy[2:] - head_xyxy[:2]
    aside = abs(point_px[0] - boxes.centre(head_xyxy)[0]) / width
    below = (point_px[1] - head_xyxy[3]) / height
    return bool(aside <= LAP_ASIDE and LAP_FROM <= below <= LAP_TO)


def lap_point(head_xyxy: Floats, size_px: tuple[float, float]) -> Floats:
    """The point `(2,)` of an answer `own_lap`, within the image."""
    height = head_xyxy[3] - head_xyxy[1]
    point = np.array([boxes.centre(head_xyxy)[0], head_xyxy[3] + LAP_AT * height])
    return np.asarray(np.clip(point, 0, np.array(size_px)))
