"""The person followed from frame to frame: likeness of faces, and tracklets by the published rules.

A face is followed while it stays in its place and its aligned image changes little from frame to
frame. While it is followed it keeps the best likeness that it had of late, because dlib's network
does not know a turned face; and it is embedded again only when its image has changed since, or
some frames have passed. On real clips at 25 Hz the aligned images of one face differ from those
of the frame before by 3 of 255 grey levels in the median and by less than 15 in 98 of 100, those of
two people by 19 and more: a cut to somebody else's face in the same place is always noticed.

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
from eyeline.people.embed import Embedder, align
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.discovery.faces import Landmarked
from eyeline.systems.eye_contact.discovery.identity import Person
from eyeline.systems.eye_contact.tracklets import TrackletFile

REFRESH_FRAMES = 12
"""A followed face is embedded again after so many frames, if not before."""
MEMORY_FRAMES = 50
"""Frames for which the best likeness of a followed face counts: two seconds."""
_SAME_PLACE_IOU = 0.5
_SAME_FACE = 15.0
"""Mean difference of aligned images of successive frames up to which a face is followed."""
_SAME_LOOK = 12.0
"""The same to the image last embedded, up to which that embedding will do."""
_LOOK_PX = 30


@dataclass(frozen=True)
class _Known:
    """A face of the frame before."""

    box_xyxy: Floats
    look: Floats
    """`(_LOOK_PX, _LOOK_PX)` grey levels."""
    embedded_look: Floats
    """The same when it was last embedded."""
    likeness: tuple[tuple[int, float], ...]
    """Frame and cosine of each embedding that still counts, the last one last."""

    @property
    def similarity(self) -> float:
        return max(value for _, value in self.likeness)


class Recogniser:
    """Remembers the faces of the frame before.

    `refresh_frames` and `memory_frames` are as of `REFRESH_FRAMES` and `MEMORY_FRAMES`; with both 1
    each face of every frame is embedded and stands for itself, as published.
    """

    def __init__(
        self,
        person: Person,
        embedder: Embedder,
        *,
        refresh_frames: int = REFRESH_FRAMES,
        memory_frames: int = MEMORY_FRAMES,
    ) -> None:
        if not 1 <= refresh_frames <= memory_frames:
            raise UsageError(
                f"faces are embedded every {refresh_frames} frames and remembered for "
                f"{memory_frames}; both must be at least 1, and the first at most the second"
            )
        self._person = person
        self._embedder = embedder
        self._refresh = refresh_frames
        self._memory = memory_frames
        self._before: list[_Known] = []
        self._frame = 0
        self.embedded = 0
        """Faces embedded so far."""

    def similarities(self, rgb: Image, faces: Sequence[Landmarked]) -> list[float]:
        """Likeness of each face of the next frame `(h, w, 3)`."""
        self._frame += 1
        self._before = [self._known(rgb, face) for face in faces]
        return [known.similarity for known in self._before]

    def _known(self, rgb: Image, face: Landmarked) -> _Known:
        import cv2

        chip = align(rgb, face.points_px)
        gray = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(gray, (_LOOK_PX, _LOOK_PX), interpolation=cv2.INTER_AREA)
        look = np.asarray(small, np.float64)
        old = self._followed(face.box_xyxy, look)
        since = self._frame - self._memory
        counting = tuple(v for v in old.likeness if v[0] > since) if old else ()
        if old and counting:
            fresh = self._frame - old.likeness[-1][0] < self._refresh
            if fresh and _apart(old.embedded_look, look) < _SAME_LOOK:
                return _Known(face.box_xyxy, look, old.embedded_look, counting)
        self.embedded += 1
        cosine = float(self._person.similarity(self._embedder(chip)[None])[0])
        return _Known(face.box_xyxy, look, look, (*counting, (self._frame, cosine)))

    def _followed(self, box_xyxy: Floats, look: Floats) -> _Known | None:
        """The face of the frame before that this one is."""
        if not self._before:
            return None
        overlap = boxes.iou(box_xyxy[None], np.stack([k.box_xyxy for k in self._before]))[0]
        nearest = self._before[int(overlap.argmax())]
        same = _apart(nearest.look, look) < _SAME_FACE
        return nearest if overlap.max() > _SAME_PLACE_IOU and same else None


def _apart(a: Floats, b: Floats) -> float:
    return float(np.abs(a - b).mean())


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
    """The row of the face most like the person; None where there is none, or none alike enough."""
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
    """The open tracklet; whole ones are handed on as soon as they end."""

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
        if min(self.width_px, self.height_px, self.least_frames) < 1:
            raise UsageError("an image has a size, and a tracklet at least one frame")

    def add(self, frame: int, face: FaceSeen | None, feature: Floats | None = None) -> None:
        """Take the next frame, by its number at 25 Hz; frames must come without gaps.

        `face` is None where a face, a likeness or a body is missing; `feature` `(feature,)` is of
        the gaze network.
        """
        if face is None:
            self._close()
            return
        if self._boxes:
            overlap = boxes.iou(face.box_xyxy[None], self._boxes[-1][None])[0, 0]
            if overlap <= LEAST_IOU:
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
        if len(self._boxes) >= self.least_frames:
            size = np.array([self.width_px, self.height_px], np.float64)
            tracklet = TrackletFile(
                self._start,
                np.stack(self._boxes) / np.tile(size, 2),
                np.stack(self._sixes) / size,
                np.stack(self._features).astype(np.float32) if self._features else None,
            )
            self.keep(self.count, tracklet)
            self.count += 1
        self._forget()

    def _forget(self) -> None:
        self._boxes, self._sixes, self._features = [], [], []
