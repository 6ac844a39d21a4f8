"""Training by a recipe: of a detector of what is looked at, of a matcher of looks, of Gaze-LLE."""

from __future__ import annotations

from pathlib import Path

from eyeline.training.dispatch import ByBuilder

_HERE = Path(__file__).parent

run: ByBuilder = ByBuilder(
    {
        "mask_rcnn": f"{__package__}.detector.train",
        "matcher": f"{__package__}.matching.train",
        "gaze_lle": f"{__package__}.gaze_lle.train",
    },
    tuple(_HERE / name / "recipes" for name in ("detector", "matching", "gaze_lle")),
)
"""By the network that a recipe names."""
