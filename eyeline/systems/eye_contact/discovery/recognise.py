"""Likeness of followed faces to a person, without embedding each face of every frame anew.

A face is followed while it stays in its place and its aligned image changes little from frame to
frame. While it is followed it keeps the best likeness that it had of late, because dlib's network
does not know a turned face; and it is embedded again only when its image has changed since, or
some frames have passed. On real clips at 25 Hz the aligned images of one face differ from those
of the frame before by 3 of 255 grey levels in the median and by less than 15 in 98 of 100, those of
two people by 19 and more: a cut to somebody else's face in the same place is always noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.errors import UsageError
from eyeline.geometry import boxes
from eyeline.people.embed import Embedder, align
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.discovery.faces import Landmarked
from eyeline.systems.eye_contact.discovery.identity import Person

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

    Args:
        person: whom to compare with.
        embedder: dlib's network.
        refresh_frames: see `REFRESH_FRAMES`.
        memory_frames: see `MEMORY_FRAMES`. With both 1 each face of every frame is embedded and
            stands for itself, as published.
    """

    def __init__(
        self,
        person: Person,
        embedder: Embedder,
        *,
        refresh_frames: int = REFRESH_FRAMES,
        memory_frames: int = MEMORY_FRAMES,
    ) -> None:
        """Begin without faces."""
        if not 1 <= refresh_frames <= memory_frames:
            raise UsageError(
                f"faces are embedded every {refresh_frames} frames and remembered for "
                f"{memory_frames}; both are 1 or more, and the first no more than the second"
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
        chip = align(rgb, face.points_px)
        look = _look(chip)
        old = self._followed(face.box_xyxy, look)
        since = self._frame - self._memory
        counting = tuple(v for v in old.likeness if v[0] > since) if old else ()
        if old and counting and self._will_do(old, look):
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

    def _will_do(self, old: _Known, look: Floats) -> bool:
        fresh = self._frame - old.likeness[-1][0] < self._refresh
        return fresh and _apart(old.embedded_look, look) < _SAME_LOOK


def _apart(a: Floats, b: Floats) -> float:
    return float(np.abs(a - b).mean())


def _look(chip: Image) -> Floats:
    import cv2

    gray = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, (_LOOK_PX, _LOOK_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float64)
