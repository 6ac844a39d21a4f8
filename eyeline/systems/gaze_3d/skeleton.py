"""The 25 joints of a person, seen by several cameras and in space."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eyeline.geometry.views import triangulate
from eyeline.results import Floats
from eyeline.systems.gaze_3d.inputs import JOINTS

NAMES = (
    "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow",
    "left wrist", "middle hip", "right hip", "right knee", "right ankle", "left hip", "left knee",
    "left ankle", "right eye", "left eye", "right ear", "left ear", "left big toe",
    "left small toe", "left heel", "right big toe", "right small toe", "right heel",
)  # fmt: skip
"""Of OpenPose BODY_25, in their order."""
BONES = (
    (0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (10, 11),
    (8, 12), (12, 13), (13, 14), (0, 15), (15, 17), (0, 16), (16, 18), (14, 19), (19, 20), (14, 21),
    (11, 22), (22, 23), (11, 24),
)  # fmt: skip
"""Pairs of joints to draw a line between."""
HEAD, TRUNK = (0, 15, 16, 17, 18), (1, 8)
"""Joints whose mean is drawn as the place of the head, and of the trunk."""


def found(joints: Floats) -> npt.NDArray[np.bool_]:
    """Which joints `(..., 25, 2)` are there: a missing one lies at 0, 0."""
    return np.asarray((joints != 0).any(axis=-1), bool)


def centre(joints: Floats, which: tuple[int, ...]) -> Floats | None:
    """Mean `(2,)` of those of some joints `(25, 2)` that are there; None where none is."""
    some = joints[list(which)]
    there = found(some)
    return np.asarray(some[there].mean(axis=0)) if there.any() else None


def in_space(projections: Floats, joints: Floats) -> Floats:
    """Joints in the world from the cameras that see them.

    As published from whole pixels; but a joint that a camera does not see is left to the others,
    where the original takes it to lie in the image's corner.

    Args:
        projections: `(camera, 3, 4)`, as of `views.projection`.
        joints: `(camera, 25, 2)` pixels; 0, 0 where a joint is missing.

    Returns:
        `(25, 3)`; NaN where fewer than two cameras see a joint.
    """
    points = np.full((JOINTS, 3), np.nan)
    seen = found(joints)
    for joint in np.flatnonzero(seen.sum(axis=0) >= 2):
        own = seen[:, joint]
        pixels = np.trunc(joints[own, joint])[:, None]
        points[joint] = triangulate(projections[own], pixels)[0]
    return points


def off_px(projections: Floats, joints: Floats, points: Floats) -> Floats:
    """How far joints lie from where their points are seen, median of each camera `(camera,)`."""
    whole = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    seen = whole @ np.swapaxes(projections, 1, 2)
    away = np.linalg.norm(seen[..., :2] / seen[..., 2:] - joints, axis=2)
    away[~found(joints)] = np.nan
    known = [row[np.isfinite(row)] for row in away]
    return np.array([np.median(row) if len(row) else np.nan for row in known])
