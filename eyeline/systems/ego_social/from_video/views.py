"""Faces in frames as they are pushed to a network, and what it sees in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.errors import DataError, UsageError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.run import Running
from eyeline.systems.ego_social.inputs import normalised

AT_ONCE = 8
"""Crops that pass through a network together unless told otherwise."""


@dataclass(frozen=True)
class View:
    """A face in a frame."""

    track_id: int
    """Whose; of `TalkingStream` the stretch of speech."""
    frame: int
    """Number of the frame at 30 frames a second."""
    crop: Image | None
    """`(224, 224, 3)` uint8 RGB, as of `inputs.crop_face`; None where the face is not seen."""
    count: int = 1
    """Frames in a row, this one and later ones, that show the same image."""

    def __post_init__(self) -> None:
        """Check the shape and the count; DataError says what is wrong."""
        if self.crop is not None:
            check_shape(self.crop, "h w 3", "crop")
        if self.count < 1:
            raise DataError(f"frame {self.frame} of track {self.track_id}: {self.count} frames")

    @property
    def last(self) -> int:
        """Number of the last frame that shows it."""
        return self.frame + self.count - 1


def seen(network: Running, views: Sequence[View], at_once: int) -> list[Floats | None]:
    """Features `(256,)` of views, None of those without a crop.

    Args:
        network: sees them.
        views: with crops of one shape.
        at_once: crops that pass through the network together.

    Raises:
        DataError: crops of several shapes.
    """
    shown = [(place, view.crop) for place, view in enumerate(views) if view.crop is not None]
    if len(shapes := {crop.shape for _, crop in shown}) > 1:
        raise DataError(f"crops of one push have different shapes: {sorted(shapes)}")
    result: list[Floats | None] = [None] * len(views)
    for start in range(0, len(shown), at_once):
        part = shown[start : start + at_once]
        crops = normalised(np.stack([crop for _, crop in part]))
        for (place, _), feature in zip(part, network.run("encode", crops[None])[0][0], strict=True):
            result[place] = feature
    return result


def check_at_once(at_once: int) -> None:
    """Raise a UsageError where no crop may pass through."""
    if at_once < 1:
        raise UsageError(f"{at_once} crops at once: it must be at least 1")


def check_order(views: Sequence[View], last: Mapping[int, int]) -> None:
    """Raise a DataError where a frame is not after the one before of its track.

    Args:
        views: in the order in which they are shown.
        last: the last frame shown before, by track.
    """
    known = dict(last)
    for view in views:
        if view.frame <= known.get(view.track_id, view.frame - 1):
            raise DataError(
                f"frame {view.frame} of track {view.track_id} came after frame "
                f"{known[view.track_id]}; the frames of a track must be shown in the order of "
                "time, each once"
            )
        known[view.track_id] = view.last
