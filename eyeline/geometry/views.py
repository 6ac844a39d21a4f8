"""Several calibrated cameras that see the same points."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def projection(matrix: Floats, rotation: Floats, position: Floats) -> Floats:
    """The `(..., 3, 4)` matrix that takes points of the world to homogeneous pixels.

    Args:
        matrix: `(3, 3)` intrinsic.
        rotation: `(..., 3, 3)` camera frame to world.
        position: `(..., 3)` of the camera in the world.
    """
    to_camera = np.swapaxes(rotation, -1, -2)
    shift = -(to_camera @ position[..., None])
    return np.asarray(matrix @ np.concatenate([to_camera, shift], axis=-1))


def triangulate(projections: Floats, points_px: Floats) -> Floats:
    """Points of the world from where several cameras see them: the direct linear solution.

    Args:
        projections: `(view, 3, 4)`, as of `projection`.
        points_px: `(view, n, 2)`.

    Returns:
        `(n, 3)`; infinite where all rays are parallel.
    """
    views, points = points_px.shape[:2]
    system = np.zeros((points, 3 * views, 4 + views))
    system[:, :, :4] = projections.reshape(3 * views, 4)
    for view in range(views):
        system[:, 3 * view : 3 * view + 2, 4 + view] = -points_px[view]
        system[:, 3 * view + 2, 4 + view] = -1
    # without normalised pixels, as published: another scaling gives other points from noisy pixels
    solution = np.linalg.svd(system)[2][:, -1, :4]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(solution[:, :3] / solution[:, 3:])
