"""A pinhole camera, known or assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

ASSUMED_FOV_DEG = 55.0
"""Diagonal-ish default of unknown footage: horizontal field of view of a 16:9 webcam or a mid-zoom
lens."""
LEVEL_FRACTION = 0.25
"""How far the assumed optical axis moves from the middle of the image to the height of the eyes.
Cameras stand at about eye height and footage is cropped and framed so that faces stand high: an
axis through the middle would make level gaze look down. Fitted by `scripts/fit_pitch.py`."""


@dataclass(frozen=True)
class Camera:
    """Focal lengths and principal point in pixels of the upright image; no lens distortion."""

    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float

    @classmethod
    def from_fov(cls, width_px: int, height_px: int, fov_deg: float = ASSUMED_FOV_DEG) -> Camera:
        """A camera with square pixels, centred, whose longer side spans `fov_deg`."""
        focal = max(width_px, height_px) / 2 / math.tan(math.radians(fov_deg) / 2)
        return cls(focal, focal, width_px / 2, height_px / 2)

    def levelled(self, eyes_y_px: Floats, fraction: float = LEVEL_FRACTION) -> Camera:
        """The camera with its assumed axis moved towards the median height of eyes `(n,)`."""
        if not len(eyes_y_px):
            return self
        towards_px = fraction * (float(np.median(eyes_y_px)) - self.cy_px)
        return replace(self, cy_px=self.cy_px + towards_px)

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy in pixels."""
        return self.fx_px, self.fy_px, self.cx_px, self.cy_px

    @property
    def matrix(self) -> Floats:
        """The `(3, 3)` intrinsic matrix."""
        return np.array([[self.fx_px, 0, self.cx_px], [0, self.fy_px, self.cy_px], [0, 0, 1.0]])

    def rays(self, points_px: Floats) -> Floats:
        """Unit vectors `(..., 3)` from the camera through pixels `(..., 2)`."""
        x = (points_px[..., 0] - self.cx_px) / self.fx_px
        y = (points_px[..., 1] - self.cy_px) / self.fy_px
        ray = np.stack([x, y, np.ones_like(x)], axis=-1)
        return np.asarray(ray / np.linalg.norm(ray, axis=-1, keepdims=True))

    def project(self, points: Floats) -> Floats:
        """Pixels `(..., 2)` of points `(..., 3)` in front of the camera."""
        z = points[..., 2]
        return np.stack(
            [
                self.fx_px * points[..., 0] / z + self.cx_px,
                self.fy_px * points[..., 1] / z + self.cy_px,
            ],
            axis=-1,
        )
