"""A camera that sees a synthetic scene."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eyeline.geometry.camera import Camera
from eyeline.results import Floats


@dataclass(frozen=True)
class View:
    """A pinhole camera in the world, without lens distortion, and the size of its image."""

    matrix: Floats
    """`(3, 3)` intrinsic."""
    width_px: int
    height_px: int
    rotation: Floats = field(default_factory=lambda: np.eye(3))
    """`(3, 3)` camera frame to world."""
    position: Floats = field(default_factory=lambda: np.zeros(3))
    """`(3,)` in the world."""

    @classmethod
    def ahead(cls, width_px: int, height_px: int, focal_px: float) -> View:
        """At the origin of the world, looking along z."""
        camera = Camera(focal_px, focal_px, width_px / 2, height_px / 2)
        return cls(camera.matrix, width_px, height_px)

    @property
    def focal_px(self) -> float:
        """Across the image."""
        return float(self.matrix[0, 0])

    def to_camera(self, points: Floats) -> Floats:
        """Points `(..., 3)` of the world in the camera frame."""
        return np.asarray((points - self.position) @ self.rotation)

    def project(self, points: Floats) -> Floats:
        """Pixels `(..., 2)` of points `(..., 3)` in the camera frame."""
        seen = points @ self.matrix.T
        return np.asarray(seen[..., :2] / seen[..., 2:])

    def inside(self, points: Floats) -> Floats:
        """Whether points `(..., 3)` of the camera frame lie before it and in the image."""
        ahead = points[..., 2] > 0.1
        pixel = self.project(np.where(ahead[..., None], points, 1.0))
        wh = (self.width_px, self.height_px)
        return np.asarray(ahead & ((pixel >= 0) & (pixel < wh)).all(axis=-1))

    def rays(self) -> Floats:
        """`(h, w, 3)` in the camera frame, z 1."""
        grid = np.mgrid[: self.height_px, : self.width_px][::-1] + 0.5
        pixel = np.concatenate([grid, np.ones((1, self.height_px, self.width_px))])
        return np.moveaxis(np.tensordot(np.linalg.inv(self.matrix), pixel, 1), 0, -1)
