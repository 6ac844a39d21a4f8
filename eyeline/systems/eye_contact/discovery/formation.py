"""Tracklets of one person of a video, formed frame by frame by the published rules.

Choosing the face and the body of a frame needs nothing but that frame, so that the gaze network can
look at many chosen faces at once; only `Formation` remembers what came before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from eyeline.errors import UsageError
from eyeline.geometry import boxes
from eyeline.results import Floats
from eyeline.systems.eye_contact.tracklets import TrackletFile

LEAST_FRAMES = 101
"""A shorter tracklet is not kept."""
LEAST_IOU = 0.4
"""A tracklet goes on while a face overlaps the one before by more than this."""

Association = Literal["centre", "published"]
ASSOCIATIONS: tuple[Association, ...] = ("centre", "published")


@dataclass(frozen=True)
class FaceSeen:
    """One face of a frame."""

    box_xyxy: Floats
    """`(4,)` pixels."""
    six_px: Floats
    """`(6, 2)` pixels, `people.tracks.SIX_OF_68`."""


def choose_face(similarity: Sequence[float], least: float) -> int | None:
    """The row of the face most like the person; None where there is none, or none alike enough.

    Args:
        similarity: of each face of a frame; larger is more alike.
        least: how alike the face must be.
    """
    best = max(range(len(similarity)), key=similarity.__getitem__, default=None)
    return best if best is not None and similarity[best] >= least else None


def choose_body(
    box_xyxy: Floats,
    bodies: Floats,
    width_px: int,
    height_px: int,
    association: Association = "centre",
) -> int | None:
    """The row of the body whose nose lies in a face's box; None where there is none.

    Args:
        box_xyxy: `(4,)` pixels of the face.
        bodies: `(n, 4, 2)` nose, neck, part 2 and part 5 as fractions of the image's size.
        width_px: of the image.
        height_px: of the image.
        association: which of several to take: `centre` the one whose nose is nearest to the box's
            centre; `published` the one whose nose is nearest to the pixel (box width, box height),
            a slip of the original that matters only where two noses lie in one box.
    """
    nose = np.trunc(bodies[:, 0] * [width_px, height_px] + 0.5)
    inside = ((nose >= box_xyxy[:2]) & (nose <= box_xyxy[2:])).all(axis=1)
    if not inside.any():
        return None
    wanted = boxes.centre(box_xyxy) if association == "centre" else box_xyxy[2:] - box_xyxy[:2]
    far = np.linalg.norm(nose - wanted, axis=1)
    return int(np.where(inside, far, np.inf).argmin())


@dataclass
class Formation:
    """The open tracklet; whole ones are handed on as soon as they end.

    Raises:
        UsageError: a size or a switch that cannot be.
    """

    width_px: int
    height_px: int
    keep: Callable[[int, TrackletFile], None]
    """Called with number, from 0, and content of each tracklet that is long enough."""
    least_frames: int = LEAST_FRAMES
    save_last: bool = False
    """Whether the tracklet that is open when the video ends is kept too; the original loses it."""
    save_breaking: bool = False
    """Whether the frame at which a face jumps begins the next tracklet; the original loses it."""
    count: int = 0
    """Tracklets kept so far."""
    _start: int = 0
    _boxes: list[Floats] = field(default_factory=list)
    _sixes: list[Floats] = field(default_factory=list)
    _features: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the sizes."""
        if min(self.width_px, self.height_px, self.least_frames) < 1:
            raise UsageError("an image has a size, and a tracklet at least one frame")

    def __len__(self) -> int:
        """Frames of the open tracklet."""
        return len(self._boxes)

    def add(self, frame: int, face: FaceSeen | None, feature: Floats | None = None) -> None:
        """Take the next frame.

        Args:
            frame: its number at 25 Hz; frames must come without gaps.
            face: the chosen face, None where a face, a likeness or a body is missing.
            feature: `(feature,)` of the gaze network.
        """
        if face is None:
            self._close()
            return
        if self._boxes and _iou(face.box_xyxy, self._boxes[-1]) <= LEAST_IOU:
            self._close()
            if not self.save_breaking:
                return
        if not self._boxes:
            self._start = frame
        self._boxes.append(face.box_xyxy)
        self._sixes.append(face.six_px)
        if feature is not None:
            self._features.append(feature)

    def finish(self) -> None:
        """The video has ended."""
        if self.save_last:
            self._close()
        self._forget()

    def _close(self) -> None:
        if len(self) >= self.least_frames:
            self.keep(self.count, self._tracklet())
            self.count += 1
        self._forget()

    def _forget(self) -> None:
        self._boxes, self._sixes, self._features = [], [], []

    def _tracklet(self) -> TrackletFile:
        size = np.array([self.width_px, self.height_px], np.float64)
        return TrackletFile(
            self._start,
            np.stack(self._boxes) / np.tile(size, 2),
            np.stack(self._sixes) / size,
            np.stack(self._features).astype(np.float32) if self._features else None,
        )


def _iou(a_xyxy: Floats, b_xyxy: Floats) -> float:
    return float(boxes.iou(a_xyxy[None], b_xyxy[None])[0, 0])
