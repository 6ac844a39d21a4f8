"""Where the irises of cut-out eyes are, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyeline.people.irises import crops, forward
from eyeline.results import Floats, Image
from eyeline.training import checkpoint

SHIPPED = Path(__file__).parent / "weights" / "irises.safetensors"
"""Trained by us on drawn eyes; see `train`."""


@dataclass(frozen=True)
class Irises:
    """Answers for `n` crops; places in crop pixels."""

    place: Floats
    """`(n, 2)` middle of the iris, meaningless where it is not visible."""
    visible: Floats
    """`(n,)` probability that one can see where the iris is."""
    error_mm: Floats
    """`(n,)` expected distance from the true middle on the metric face."""
    opening: Floats
    """`(n,)` lid distance over eye width."""
    corners: Floats
    """`(n, 2, 2)` eye corners, away from the nose and near it."""


class Locator:
    """Finds irises in crops of `crops.cut`."""

    def __init__(self, weights: Path | str = SHIPPED, threads: int = 1) -> None:
        """Load the network; CheckpointError if the file is missing or does not fit."""
        _, arrays = checkpoint.load_arrays(weights)
        checkpoint.compare(forward.shapes(), arrays, "IrisNet", weights)
        self._session = forward.session(arrays, threads)

    def __call__(self, cut: Image) -> Irises:
        """The irises of crops `(n, CROP_H, CROP_W)`."""
        place, known = self._session.run(None, {"crops": crops.standardised(cut)})
        return read(place, known)


def read(place: Floats, known: Floats) -> Irises:
    """What the network's two outputs `(n, 2)` and `(n, 8)` mean.

    `known` holds the log odds of being visible, the logarithm of the mean error across and down in
    crop pixels, the lid opening, and both corners from the crop's middle.
    """
    known = np.asarray(known, np.float64)
    centre = np.array([crops.CROP_W - 1, crops.CROP_H - 1]) / 2
    error = np.exp(np.clip(known[:, 1:3], -2.5, 3.0))
    return Irises(
        place=np.asarray(place, np.float64),
        visible=1 / (1 + np.exp(-np.clip(known[:, 0], -30, 30))),
        error_mm=np.hypot(*error.T) / crops.PX_PER_MM,
        opening=known[:, 3],
        corners=known[:, 4:8].reshape(-1, 2, 2) * forward.CORNER_UNIT_PX + centre,
    )
