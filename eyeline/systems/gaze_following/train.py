"""Training by a recipe: of the detector of what is looked at, or of the matcher of looks to it."""

from __future__ import annotations

from pathlib import Path

from eyeline.training.dispatch import ByBuilder

_HERE = Path(__file__).parent

run: ByBuilder = ByBuilder(
    {
        "mask_rcnn": f"{__package__}.detector.train",
        "matcher": f"{__package__}.matching.train",
    },
    (_HERE / "detector" / "recipes", _HERE / "matching" / "recipes"),
)
"""By the network that a recipe names."""
