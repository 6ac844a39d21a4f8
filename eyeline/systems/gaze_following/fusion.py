"""The scene in which heads are brightened, so that a detector sees who is there and who speaks."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from eyeline.errors import DataError, UsageError
from eyeline.results import Image
from eyeline.systems.gaze_following.heads import Maps

Fusion = Literal["hs", "h", "none"]
"""`hs`: speakers more than listeners; `h`: all heads alike; `none`: the image as it is."""
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)

_MIXED = {"hs": (0.5, 0.7), "h": (1.0, 0.5)}
"""How much the others' map counts beside the speakers', and both in the image."""


def fuse(image: Image, heads: Maps, fusion: Fusion = "hs") -> Image:
    """Brighten the heads of a frame.

    Sums saturate and are rounded twice, half to even, as published.

    Args:
        image: `(h, w, 3)`, any order of colours.
        heads: maps of the image's size.
        fusion: how.

    Returns:
        `(h, w, 3)`; with `none` the image itself.

    Raises:
        DataError: maps of another size.
        UsageError: no such way.
    """
    import cv2

    if fusion == "none":
        return image
    others, fraction = _MIXED[check_fusion(fusion)]
    if heads.speaker.shape != image.shape[:2] or heads.others.shape != image.shape[:2]:
        raise DataError(
            f"maps of shape {heads.speaker.shape} for an image of {image.shape[:2]}; both must "
            "be of one size"
        )
    if not heads.speaker.any() and not heads.others.any():
        return image
    mixed = cv2.addWeighted(heads.others, others, heads.speaker, 1.0, 0.0)
    return np.asarray(cv2.addWeighted(cv2.merge([mixed] * 3), fraction, image, 1.0, 0.0), np.uint8)


def check_fusion(name: str) -> Fusion:
    """The way of a name; UsageError lists what there is."""
    if name not in FUSIONS:
        raise UsageError(f"no fusion '{name}'; there are {', '.join(FUSIONS)}")
    return name
