"""Poses of models of a few points: EPnP, then the least re-projection error, all frames at once.

The published code has OpenCV do this, of which versions 4 and 5 stop at different distances from
the minimum. Followed to its end, as here, the fit agrees with version 4 to six digits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eyeline.geometry.camera import Camera
from eyeline.results import Floats

_STEPS = 40
_SETTLED = 1e-8  # largest change of a step, in radians and as a share of the depth
_FRAMES_AT_ONCE = 1024


def solve_poses(points_px: Floats, model_mm: Floats, camera: Camera) -> tuple[Floats, Floats]:
    """Rotations `(n, 3, 3)` and translations `(n, 3)` of a model `(p, 3)` seen at `(n, p, 2)`.

    NaN for frames with NaN, and where EPnP gives none.
    """
    from scipy.spatial.transform import Rotation

    first = np.array([_epnp(points, model_mm, camera) for points in points_px]).reshape(-1, 2, 3)
    known = np.flatnonzero(np.isfinite(first).all(axis=(1, 2)))
    rotation, translation = np.full((len(first), 3, 3), np.nan), np.full((len(first), 3), np.nan)
    if len(known):
        turn = Rotation.from_rotvec(first[known, 0]).as_matrix()
        rotation[known], translation[known] = refine(
            turn, first[known, 1], points_px[known], model_mm, camera
        )
    return rotation, translation


def _epnp(points_px: Floats, model_mm: Floats, camera: Camera) -> Floats:
    """Rotation vector and translation `(2, 3)` of one frame; NaN where there is none."""
    import cv2

    nowhere = np.full((2, 3), np.nan)
    if not np.isfinite(points_px).all():
        return nowhere
    image, model = np.ascontiguousarray(points_px, np.float64)[:, None], model_mm[:, None]
    try:
        _, turn, shift = cv2.solvePnP(
            model, image, camera.matrix, np.zeros(5), flags=cv2.SOLVEPNP_EPNP
        )
    except cv2.error:
        return nowhere
    return np.asarray(np.stack([turn[:, 0], shift[:, 0]]), np.float64)


def refine(
    rotation: Floats, translation: Floats, points_px: Floats, model: Floats, camera: Camera
) -> tuple[Floats, Floats]:
    """Rotations and translations by Levenberg-Marquardt, with a damping of its own for each frame.

    Frames with NaN, or that start without sense, come back so.

    Args:
        rotation: `(n, 3, 3)` model to camera, to start from.
        translation: `(n, 3)` likewise, in the units of the model.
        points_px: `(n, points, 2)` where the model's points were seen.
        model: `(points, 3)`.
        camera: of the image.
    """
    fits = []
    with np.errstate(all="ignore"):
        for first in range(0, max(len(points_px), 1), _FRAMES_AT_ONCE):
            rows = slice(first, first + _FRAMES_AT_ONCE)
            fit = _Fit(points_px[rows], model, camera, rotation[rows], translation[rows])
            fits.append(fit.run())
    turned, moved = zip(*fits, strict=True)
    return np.concatenate(turned), np.concatenate(moved)


class _Fit:
    """Frames on their way to the minimum."""

    def __init__(
        self, points_px: Floats, model: Floats, camera: Camera, rotation: Floats, shift: Floats
    ) -> None:
        self.focal = np.array([camera.fx_px, camera.fy_px])
        self.points = points_px - np.array([camera.cx_px, camera.cy_px])
        self.model = model
        self.rotation, self.shift = rotation.copy(), shift.copy()
        self.damping = np.full(len(points_px), 1e-3)
        self.cost = _square(self.seen(rotation, shift)[1] * self.focal - self.points)

    def run(self) -> tuple[Floats, Floats]:
        """All frames to the end; those that have settled step aside."""
        moving = np.flatnonzero(np.isfinite(self.cost))
        for _ in range(_STEPS):
            if not len(moving):
                break
            moving = moving[self.step(moving) > _SETTLED]
        return self.rotation, self.shift

    def step(self, rows: npt.NDArray[np.intp]) -> Floats:
        """Move some frames, where that helps; how far each was to move `(n,)`."""
        turned, offset, near = self.seen(self.rotation[rows], self.shift[rows])
        residual = (offset * self.focal - self.points[rows]).reshape(len(rows), -1, 1)
        slope = _slope(turned, offset, near, self.focal)
        damping = self.damping[rows]
        normal = slope.transpose(0, 2, 1) @ slope
        diagonal = np.einsum("nii->ni", normal)
        diagonal += diagonal * damping[:, None] + 1e-12
        change = np.asarray(-np.linalg.solve(normal, slope.transpose(0, 2, 1) @ residual)[..., 0])
        rotation = _turn(change[:, :3]) @ self.rotation[rows]
        shift = self.shift[rows] + change[:, 3:]
        cost = _square(self.seen(rotation, shift)[1] * self.focal - self.points[rows])
        better = cost <= self.cost[rows]
        chosen = rows[better]
        self.rotation[chosen], self.shift[chosen] = rotation[better], shift[better]
        self.cost[chosen] = cost[better]
        self.damping[rows] *= np.where(better, 0.1, 10.0)
        far = np.abs(change[:, 3:]).max(1) / np.abs(self.shift[rows, 2])
        return np.asarray(np.maximum(np.abs(change[:, :3]).max(1), far))

    def seen(self, rotation: Floats, shift: Floats) -> tuple[Floats, Floats, Floats]:
        """The turned model `(n, p, 3)`, its slopes x/z, y/z `(n, p, 2)` and 1/z `(n, p, 1)`."""
        turned = self.model @ rotation.transpose(0, 2, 1)
        at = turned + shift[:, None]
        near = 1 / at[..., 2:]
        return turned, at[..., :2] * near, near


def _square(residual: Floats) -> Floats:
    """Sum `(n,)` over the points of `(n, p, 2)`."""
    return np.asarray((residual**2).sum((1, 2)))


def _slope(turned: Floats, offset: Floats, near: Floats, focal: Floats) -> Floats:
    """Change of the residuals `(n, 2p, 6)` with a small turn and a shift."""
    (x, y, z), (u, v) = np.moveaxis(turned, -1, 0), np.moveaxis(offset, -1, 0)
    one, none = np.ones_like(u), np.zeros_like(u)
    across = np.stack([-u * y, z + u * x, -y, one, none, -u], axis=-1)
    down = np.stack([-z - v * y, v * x, x, none, one, -v], axis=-1)
    rows = np.stack([across, down], axis=2) * (near * focal)[..., None]
    return np.asarray(rows.reshape(len(rows), -1, 6))


def _turn(vector: Floats) -> Floats:
    """Rotations `(n, 3, 3)` of rotation vectors `(n, 3)`."""
    angle = np.linalg.norm(vector, axis=1)[:, None, None]
    x, y, z = vector.T
    none = np.zeros_like(x)
    cross = np.stack([none, -z, y, z, none, -x, -y, x, none], axis=-1).reshape(-1, 3, 3)
    bend = 0.5 * np.sinc(angle / 2 / np.pi) ** 2
    return np.asarray(np.eye(3) + np.sinc(angle / np.pi) * cross + bend * (cross @ cross))
