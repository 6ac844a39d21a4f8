"""What a track's face looks like: embeddings for telling people apart, and one good picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eyeline.geometry import boxes
from eyeline.people.embed import Embedder, align
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

THUMBNAIL_PX = 160
_BETTER = 1.1
"""A new picture must beat the one held by this factor, so that few are cut."""
_FIRST_SPAN_S, _GROWTH = 1.0, 4.0
_EMBEDDED = 3


@dataclass
class Portrait:
    """What is kept of one track: some tens of kilobytes."""

    faces: list[tuple[float, bytes]] = field(default_factory=list)
    """Merit in [0, 1] and JPEG of the aligned face, the best of each span of time."""
    thumbnail: Image | None = None
    merit: float = 0.0
    """Merit of the thumbnail."""
    span_s: float = _FIRST_SPAN_S
    span_ends_s: float = 0.0


class Portraits:
    """Keeps portraits of all tracks while a video streams by.

    A track's life is cut into spans of 1, 4, 16, ... seconds, and the best face of each is kept,
    so that a long track costs little more than a short one. Faces are embedded only when somebody
    asks: where everybody is in the picture all the time, nobody does.
    """

    def __init__(self) -> None:
        """Begin with no portraits; the network is loaded when first needed."""
        self.of: dict[int, Portrait] = {}
        self._embedder = Embedder()

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
        portrait = self.of.setdefault(track_id, Portrait())
        fresh = frame.time_s >= portrait.span_ends_s
        if fresh:
            portrait.span_s *= _GROWTH if portrait.faces else 1.0
            portrait.span_ends_s = frame.time_s + portrait.span_s
        if fresh or merit > _BETTER * portrait.faces[-1][0]:
            rgb = frame.rgb()
            portrait.faces[len(portrait.faces) - (not fresh) :] = [
                (merit, _jpeg(align(rgb, points_px)))
            ]
            if merit > _BETTER * portrait.merit or portrait.thumbnail is None:
                portrait.merit, portrait.thumbnail = merit, _thumbnail(rgb, box_xyxy)

    def embedding(self, track_id: int, least_merit: float) -> Floats | None:
        """The mean embedding `(128,)` of a track's best faces; None where none was seen that well.

        Args:
            track_id: the track.
            least_merit: faces below it do not count.
        """
        portrait = self.of.get(track_id)
        faces = sorted(portrait.faces, reverse=True)[:_EMBEDDED] if portrait else []
        good = [(merit, jpeg) for merit, jpeg in faces if merit >= least_merit]
        if not good:
            return None
        weight = np.array([merit for merit, _ in good])
        vectors = np.stack([self._embed(jpeg) for _, jpeg in good])
        return np.asarray((weight[:, None] * vectors).sum(0) / weight.sum())

    def _embed(self, jpeg: bytes) -> Floats:
        import cv2

        chip = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        return self._embedder(np.asarray(chip, np.uint8))


def _jpeg(rgb: Image) -> bytes:
    import cv2

    ok, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert ok
    return bytes(data)


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
