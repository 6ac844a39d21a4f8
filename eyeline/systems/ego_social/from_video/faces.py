"""Faces of a raw video on their way to a network: which box, which frames, which pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from eyeline.errors import UsageError
from eyeline.people.tracks import Track
from eyeline.results import Floats, Image, Ints
from eyeline.systems.ego_social.inputs import crop_face

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

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


def seen_face(picture: Image, box: Floats) -> Image | None:
    """The crop of a face as of `inputs.crop_face`; None where the picture has nothing of it."""
    crop = crop_face(picture, box)
    return crop if crop.any() else None


def meetings(
    plans: Sequence[Ints], frames: Iterable[Frame]
) -> Iterator[tuple[Frame, list[tuple[int, int]]]]:
    """The frames in which something is due.

    Args:
        plans: each `(n,)` increasing indices of frames.
        frames: in order; where one is missing, what was due in it never is.

    Yields:
        A frame, and of the plans that name it their numbers and the places in them.
    """
    coming = sorted((i for i, plan in enumerate(plans) if len(plan)), key=lambda i: -plans[i][0])
    going: dict[int, int] = {}
    for frame in frames:
        while coming and plans[coming[-1]][0] <= frame.index:
            going[coming.pop()] = 0
        due = []
        for number, place in list(going.items()):
            plan = plans[number]
            while place < len(plan) and plan[place] < frame.index:
                place += 1
            if place < len(plan) and plan[place] == frame.index:
                due.append((number, place))
            going[number] = place
            if place == len(plan):
                del going[number]
        if due:
            yield frame, due
        if not going and not coming:
            return
