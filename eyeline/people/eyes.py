"""Where the iris sits in the eye opening, and how far the lids are open.

A small network (`irises`) finds iris and eye corners in a crop that landmarks place; its corners
are steadier than theirs. The lids are landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.people.irises import crops
from eyeline.people.irises.locate import Irises, Locator
from eyeline.people.landmarks import BOX_MM, CHIP_PX, Chip
from eyeline.results import Floats, Image

LEAST_EYE_PX = 6.0
"""Width in the video of an adult's eye turned to the camera, below which nothing is said about the
iris: the narrowest eyes that the network has learned from."""
LEAST_VISIBLE = 0.5
"""Probability below which the iris counts as hidden."""
_EYES = (slice(36, 42), slice(42, 48))
_CHIP_PX_PER_MM = CHIP_PX / (2 * BOX_MM)


@dataclass(frozen=True)
class Eyes:
    """What both eyes show; rows for the eye on the image's left and the other."""

    shift_mm: Floats
    """`(2, 2)` iris right and down of the corners' middle on the metric face, once the head's roll
    is undone; NaN for an iris too small or hidden."""
    error_mm: Floats
    """`(2,)` expected error of where the iris is."""
    lid_opening: Floats
    """`(2,)` lid distance over eye width."""

    def together(self) -> Floats:
        """Shift of the irises `(2,)` in millimetres, the surer one counting more; NaN without."""
        (left, right), seen = self.shift_mm, np.isfinite(self.shift_mm[:, 0])
        if not seen.all():
            return np.asarray(left if seen[0] else right)
        fraction = float(1 / (1 + (self.error_mm[0] / self.error_mm[1]) ** 2))
        return np.asarray(fraction * left + (1 - fraction) * right)


def measure(locator: Locator, gray: Image, chip: Chip, points: Floats) -> Eyes:
    """Look at both eyes of a face.

    Args:
        locator: the network.
        gray: `(h, w)` frame.
        chip: the upright face cut from it.
        points: `(68, 2)` landmarks in chip pixels.
    """
    upright = chip.matrix[:, :2] / _CHIP_PX_PER_MM
    eyes = np.stack([points[part] for part in _EYES])
    shift, error = np.full((2, 2), np.nan), np.full(2, np.nan)
    if crops.EYE_MM / np.linalg.norm(upright[:, 0]) >= LEAST_EYE_PX:
        middles = chip.to_frame((eyes[:, 0] + eyes[:, 3]) / 2)
        maps, result = _located(locator, gray, upright, middles)
        # Landmarks are whole pixels, and a difference by rounding moves them by a pixel and more;
        # the network's own corners place the crops steadily.
        corners = result.corners.mean(axis=1)
        pairs = zip(maps, corners, strict=True)
        settled = np.stack([np.linalg.solve(m[:, :2], c - m[:, 2]) for m, c in pairs])
        _, result = _located(locator, gray, upright, settled)
        error = result.error_mm
        way = (result.place - result.corners.mean(axis=1)) / crops.PX_PER_MM
        shift = way * [[1.0, 1.0], [-1.0, 1.0]]  # upright millimetres, the mirror undone
        shift[result.visible < LEAST_VISIBLE] = np.nan
    return Eyes(shift, error, lid_opening(eyes))


def _located(
    locator: Locator, gray: Image, upright: Floats, middles: Floats
) -> tuple[list[Floats], Irises]:
    """Both irises in crops around the eyes' middles `(2, 2)`, and the crops' maps."""
    maps = [crops.placing(middles[i], upright, mirrored=i == 1) for i in range(2)]
    return maps, locator(np.stack([crops.cut(gray, matrix) for matrix in maps]))


def lid_opening(eye: Floats) -> Floats:
    """Lid distance over eye width `(...)` of eyes of six points `(..., 6, 2)`.

    It is the eye aspect ratio of Soukupova & Cech (2016).
    """
    across = np.hypot(*np.moveaxis(eye[..., 3, :] - eye[..., 0, :], -1, 0))
    gaps = np.hypot(*np.moveaxis(eye[..., [1, 2], :] - eye[..., [5, 4], :], -1, 0))
    return np.asarray(gaps.sum(-1) / (2 * np.maximum(across, 1e-6)))
