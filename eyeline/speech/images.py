"""Images of many tracks out of one pass over the frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eyeline.results import Ints

if TYPE_CHECKING:
    from eyeline.video.reader import Frame


def images_due(
    shown: Sequence[Ints], frames: Iterable[Frame]
) -> Iterator[tuple[Frame, list[tuple[int, int]]]]:
    """Frames that are shown, each with all that it is for.

    Args:
        shown: of each track `(n,)` the index of the frame that each of its images shows, never
            falling.
        frames: in order, none more than needed is asked for. Where one is missing, the next one
            stands in.

    Yields:
        The frame, and pairs of the index of a track and the number of an image; images of a
        track come in order and without a hole, those for which no frame is left do not come.
    """
    done = [0] * len(shown)
    waiting = sorted((int(s[0]), i) for i, s in enumerate(shown) if len(s))
    active: list[int] = []
    if not waiting:
        return
    for frame in frames:
        while waiting and waiting[0][0] <= frame.index:
            active.append(waiting.pop(0)[1])
        due = []
        for i in active:
            stop = int(np.searchsorted(shown[i], frame.index, side="right"))
            due += [(i, k) for k in range(done[i], stop)]
            done[i] = stop
        if due:
            yield frame, due
        active = [i for i in active if done[i] < len(shown[i])]
        if not active and not waiting:
            return
