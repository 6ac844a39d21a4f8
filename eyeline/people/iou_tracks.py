"""The tracks of the published eye contact demo: a face joins the track that it overlaps most.

A track without a face in a frame has ended for good, so every frame must be searched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.geometry import boxes
from eyeline.people.methods import LEAST_IOU
from eyeline.results import Floats

if TYPE_CHECKING:
    from eyeline.people.numbering import Seen


class IouTracks:
    """Joins the faces of successive frames into tracks, numbered from 0 in order of first face.

    Args:
        least_iou: a face joins a track whose last box it overlaps by more than this.
        one_to_one: whether a track takes one face a frame, the pairs that overlap most first. The
            published code, False here, lets each face in the detector's order join any track, so
            that two faces of a frame may end up in one.
    """

    def __init__(self, least_iou: float = LEAST_IOU, *, one_to_one: bool = True) -> None:
        """Begin without tracks."""
        if not 0 <= least_iou < 1:
            raise UsageError(f"boxes overlap by 0 to 1; {least_iou} is no least overlap")
        self._least_iou = least_iou
        self._one_to_one = one_to_one
        self._open: dict[int, Floats] = {}
        self.count = 0
        """Tracks begun so far."""

    @property
    def active(self) -> frozenset[int]:
        """The tracks that had a face in the last frame."""
        return frozenset(self._open)

    def restart(self) -> None:
        """End all tracks; numbers go on."""
        self._open = {}

    def update(self, box_xyxy: Floats) -> list[int]:
        """The track of each face of the next frame.

        Args:
            box_xyxy: `(n, 4)` in the detector's order.
        """
        taken = self._apart(box_xyxy) if self._one_to_one else self._in_order(box_xyxy)
        self._open = {track: box for track, box in self._open.items() if track in set(taken)}
        return taken

    def _in_order(self, box_xyxy: Floats) -> list[int]:
        taken = []
        for box in box_xyxy:
            track = self._nearest(box)
            self._open[track] = box
            taken.append(track)
        return taken

    def _nearest(self, box: Floats) -> int:
        """The open track that a box overlaps most, or a new one."""
        if self._open:
            overlap = boxes.iou(box[None], np.stack(list(self._open.values())))[0]
            if overlap.max() > self._least_iou:
                return list(self._open)[int(overlap.argmax())]
        return self._begin()

    def _apart(self, box_xyxy: Floats) -> list[int]:
        taken: dict[int, int] = {}
        tracks = list(self._open)
        if tracks and len(box_xyxy):
            overlap = boxes.iou(box_xyxy, np.stack(list(self._open.values())))
            while overlap.max() > self._least_iou:
                face, column = np.unravel_index(int(overlap.argmax()), overlap.shape)
                taken[int(face)] = tracks[column]
                overlap[face], overlap[:, column] = -1.0, -1.0
        result = [taken[i] if i in taken else self._begin() for i in range(len(box_xyxy))]
        self._open.update(zip(result, box_xyxy, strict=True))
        return result

    def _begin(self) -> int:
        self.count += 1
        return self.count - 1


class IouNumbers:
    """`IouTracks` as the follower asks for them: numbers from 1, every face has one."""

    believed = False

    def __init__(self, least_iou: float = LEAST_IOU) -> None:
        """Begin without tracks."""
        self._tracks = IouTracks(least_iou)

    def restart(self) -> None:
        """A new shot begins."""
        self._tracks.restart()

    def assign(self, seen: Seen) -> None:
        """Fill in the track of each face."""
        seen.track_id = [track + 1 for track in self._tracks.update(seen.faces.box_xyxy)]
