"""Faces of a raw video on their way to a network: which box, which pixels."""

from __future__ import annotations

from typing import Literal

from eyeline.errors import UsageError
from eyeline.people.tracks import Track
from eyeline.results import Floats, Image
from eyeline.systems.ego_social.inputs import crop_face

Box = Literal["head", "face"]
"""Which box of a track is cut out.

`head`: hair to chin and ear to ear. The benchmark's boxes, which are cut out without a margin,
follow a person's head from any side, as these do. `face`: forehead to chin, as the detector has it.
Boxes that the user gave are both.
"""


def check_box(name: str) -> None:
    """Raise a UsageError for a box that tracks do not have."""
    if name not in ("head", "face"):
        raise UsageError(f"no box '{name}'; there are head, face")


def boxes_of(track: Track, which: Box) -> Floats:
    """The chosen boxes `(n, 4)` of a track, xyxy pixels."""
    return track.head_xyxy if which == "head" else track.box_xyxy


def seen_face(image: Image, box: Floats) -> Image | None:
    """The crop of a face as of `inputs.crop_face`; None where the image has nothing of it."""
    crop = crop_face(image, box)
    return crop if crop.any() else None
