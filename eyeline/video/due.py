"""Frames of one pass over a video in which something is to be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from eyeline.results import Ints

if TYPE_CHECKING:
    from eyeline.video.reader import Frame


def frames_due(
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
