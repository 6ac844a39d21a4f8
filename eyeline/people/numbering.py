"""Which faces in successive searched frames are the same: the number of a track for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eyeline.geometry import boxes
from eyeline.people.cbiou import SURE, CBIoU
from eyeline.people.detect import Faces
from eyeline.results import Floats

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

KEEP_LOST_FRAMES = 3.5
"""A face may be missed in two frames at any rate before its track ends."""


@dataclass
class Seen:
    """A searched frame, with the track of each face."""

    frame: Frame
    faces: Faces
    placed: Floats
    """`(faces, 3)` yaw, roll and pixels a millimetre of each face."""
    track_id: list[int] = field(default_factory=list)

    @property
    def columns(self) -> tuple[Floats, ...]:
        """What is interpolated between two searched frames, a row a face."""
        return self.faces.box_xyxy, self.faces.five_px, self.faces.score, self.placed


class Numbers(Protocol):
    """Whatever gives each face its track."""

    believed: bool
    """Whether its tracks hold one person for certain, because somebody else says so."""

    def restart(self) -> None:
        """A new shot begins."""

    def assign(self, seen: Seen) -> None:
        """Fill in `seen.track_id`, 0 for a face without a track; called in order of time."""


class Tracker:
    """Numbers faces across searched frames by C-BIoU.

    Args:
        keep_lost_s: how long a face may be missed before its track ends; at low rates it is
            `KEEP_LOST_FRAMES` frames.
    """

    believed = False

    def __init__(self, keep_lost_s: float = 1.0) -> None:
        """Set the tracker up; `restart` begins a shot."""
        self._keep_lost_s = keep_lost_s
        self._tracker: CBIoU | None = None
        self._numbers: dict[int, int] = {}
        self._next = 1
        self._before: Seen | None = None

    def restart(self) -> None:
        """Forget all faces; numbers go on."""
        self._tracker = None
        self._numbers = {}
        self._before = None

    def assign(self, seen: Seen) -> None:
        """Fill in the track of each face, 0 for a face too unsure to start one.

        C-BIoU numbers a new face only when it sees it again; the frame before is then filled in
        too.
        """
        faces = seen.faces
        if self._tracker is None:
            interval_s = seen.frame.end_s - seen.frame.time_s
            self._tracker = CBIoU(max(self._keep_lost_s, KEEP_LOST_FRAMES * interval_s))
        order = np.lexsort((faces.box_xyxy[:, 1], faces.box_xyxy[:, 0]))
        result = self._tracker.update(faces.box_xyxy[order], faces.score[order], seen.frame.time_s)
        seen.track_id = [0] * len(faces)
        for i, raw in zip(order, result, strict=True):
            if raw >= 0:
                seen.track_id[int(i)] = self._number(int(raw), faces.box_xyxy[int(i)])
        self._before = seen

    def _number(self, raw: int, box_xyxy: Floats) -> int:
        if raw not in self._numbers:
            self._numbers[raw] = self._next
            self._next += 1
            self._fill_in(self._numbers[raw], box_xyxy)
        return self._numbers[raw]

    def _fill_in(self, number: int, box_xyxy: Floats) -> None:
        """Number the face of the frame before that was left without one."""
        if self._before is None:
            return
        faces = self._before.faces
        left = [i for i, n in enumerate(self._before.track_id) if not n and faces.score[i] >= SURE]
        if left:
            overlap = boxes.iou(
                boxes.scale(faces.box_xyxy[left], 1.6), boxes.scale(box_xyxy[None], 1.6)
            )
            if overlap.max() > 0.1:
                self._before.track_id[left[int(overlap.argmax())]] = number
