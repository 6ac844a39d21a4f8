"""What a person looks like: faces from several sides, colours, the place, and one good image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eyeline.geometry import boxes
from eyeline.people import colours
from eyeline.people.embed import SIZE, Embedder, align, align_profile
from eyeline.people.evidence import VIEWS, Gallery
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

THUMBNAIL_PX = 160
SCENE_WH = (32, 18)
"""Size of the copy of a frame by which two shots are compared."""
PROFILE_RAD = 0.6
"""Turn of the head beyond which a face counts as a profile."""
LEAST_QUALITY = 0.25
"""Frontal faces seen worse than this say nothing about identity."""
_BETTER = 1.1
"""A new image must beat the one held by this factor, so that few are cut."""
_FIRST_SPAN_S, _GROWTH = 1.0, 4.0
EMBEDDED = 2
"""Faces of one view that are embedded, the best ones."""


@dataclass
class Portrait:
    """What is kept of one track: some tens of kilobytes."""

    faces: dict[tuple[int, int], tuple[float, bytes]] = field(default_factory=dict)
    """Span of time and view -> quality in [0, 1] and JPEG of the best aligned face."""
    colours: Floats = field(default_factory=lambda: np.zeros((len(colours.PLACES), colours.BINS)))
    """Sums of histograms of clothing and hair."""
    image: bytes | None = None
    """JPEG of the head, for people to look at."""
    score: float = 0.0
    """Merit of this image."""
    span: int = 0
    span_s: float = _FIRST_SPAN_S
    span_ends_s: float = -np.inf

    @property
    def thumbnail(self) -> Image | None:
        """A square `(THUMBNAIL_PX, THUMBNAIL_PX, 3)` image of the head."""
        return None if self.image is None else _pixels(self.image)

    def begin_span(self, time_s: float) -> None:
        """A new span of time begins once the last one is over."""
        if time_s >= self.span_ends_s:
            self.span_s *= _GROWTH if self.span else 1.0
            self.span_ends_s = time_s + self.span_s
            self.span += 1

    def absorb(self, other: Portrait) -> None:
        """Take over the portrait of the same track's next part."""
        self.faces |= {(self.span + s, view): face for (s, view), face in other.faces.items()}
        self.span += other.span
        self.colours = self.colours + other.colours
        if self.image is None or other.score > self.score:
            self.score, self.image = other.score, other.image


class Portraits:
    """Keeps portraits of all tracks while a video streams by.

    A track's life is cut into spans of 1, 4, 16, ... seconds, and the best face of each span and
    view is kept, so that a long track costs little more than a short one. Faces are embedded only
    when somebody asks: where everybody is in the image all the time, nobody does.
    """

    def __init__(self) -> None:
        """Begin with no portraits; the network is loaded when first needed."""
        self.of: dict[int, Portrait] = {}
        self.scenes: list[list[Floats]] = []
        """The first and the latest small copy of each shot."""
        self._embedder = Embedder()
        self._embedded: dict[bytes, Floats] = {}

    def begin_shot(self, frame: Frame) -> None:
        """Keep how a shot begins."""
        self.scenes.append([small_copy(frame)] * 2)

    def offer(
        self,
        frame: Frame,
        track_id: int,
        box_xyxy: Floats,
        points_px: Floats,
        score: float,
        *,
        five_px: Floats,
        placed: Floats,
        shot: int,
    ) -> None:
        """Show the face of a track; it is looked at only if it is better than the one held.

        Args:
            frame: the frame it is in.
            track_id: its track.
            box_xyxy: `(4,)` its box.
            points_px: `(68, 2)` its landmarks.
            score: [0, 1], how well the face is seen.
            five_px: `(5, 2)` the detector's points.
            placed: `(3,)` of `landmarks.placing`.
            shot: index of the shot, whose latest copy this frame becomes.
        """
        portrait = self.of.setdefault(track_id, Portrait())
        portrait.begin_span(frame.time_s)
        yaw_rad, roll_rad, scale_px = (float(value) for value in placed)
        key = portrait.span, view(yaw_rad)
        if key in portrait.faces and score <= _BETTER * portrait.faces[key][0]:
            return
        self.scenes[shot][1] = small_copy(frame)
        rgb = frame.rgb()
        front = VIEWS[key[1]] == "front"
        chip = align(rgb, points_px) if front else align_profile(rgb, five_px, roll_rad, scale_px)
        portrait.faces[key] = score, _jpeg(chip)
        portrait.colours = portrait.colours + colours.histograms(rgb, box_xyxy)
        if score > _BETTER * portrait.score or portrait.image is None:
            portrait.score, portrait.image = score, _jpeg(cut_thumbnail(rgb, box_xyxy))

    def move(self, part: int, track_id: int) -> None:
        """Give the portrait of a part to a track, which may have one already."""
        portrait = self.of.pop(part, None)
        if portrait is not None:
            self.of.setdefault(track_id, Portrait()).absorb(portrait)

    def gallery(self, track_ids: Sequence[int]) -> Gallery:
        """The portraits of tracks, as evidence of who they are."""
        none = Portrait()
        portraits = [self.of.get(track_id, none) for track_id in track_ids]
        sums, weights = np.zeros((len(portraits), len(VIEWS), SIZE)), []
        for i, portrait in enumerate(portraits):
            views = [self._embeddings(portrait, view) for view in range(len(VIEWS))]
            sums[i] = [vectors.sum(0) for vectors in views]
            weights.append([len(vectors) for vectors in views])
        histograms = [portrait.colours for portrait in portraits]
        return Gallery(
            sums,
            np.array(weights, np.float64).reshape(-1, len(VIEWS)),
            np.array(histograms).reshape(-1, len(colours.PLACES), colours.BINS),
        )

    def _embeddings(self, portrait: Portrait, view: int) -> Floats:
        """Embeddings `(n, SIZE)` of the best faces of a view."""
        faces = sorted((f for (_, v), f in portrait.faces.items() if v == view), reverse=True)
        least = LEAST_QUALITY if VIEWS[view] == "front" else 0.0
        good = [jpeg for score, jpeg in faces[:EMBEDDED] if score >= least]
        return np.array([self._embed(jpeg) for jpeg in good]).reshape(-1, SIZE)

    def _embed(self, jpeg: bytes) -> Floats:
        if jpeg not in self._embedded:
            self._embedded[jpeg] = self._embedder(_pixels(jpeg))
        return self._embedded[jpeg]


def view(yaw_rad: float) -> int:
    """Index into `VIEWS` of a head that is turned by so much, positive to the right."""
    return 1 + (yaw_rad > PROFILE_RAD) - (yaw_rad < -PROFILE_RAD)


def small_copy(frame: Frame) -> Floats:
    """Few pixels of a frame, to compare camera set-ups by."""
    return np.asarray(frame.small_rgb(*SCENE_WH).astype(np.float32).ravel())


def _jpeg(rgb: Image) -> bytes:
    import cv2

    ok, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert ok
    return bytes(data)


def _pixels(jpeg: bytes) -> Image:
    import cv2

    rgb = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(rgb, np.uint8)


def cut_thumbnail(rgb: Image, box_xyxy: Floats) -> Image:
    """A square `(THUMBNAIL_PX, THUMBNAIL_PX, 3)` image of the head."""
    import cv2

    box = boxes.scale(box_xyxy, 1.7)
    side, centre = float((box[2:] - box[:2]).max()), boxes.centre(box)
    zoom = THUMBNAIL_PX / max(side, 1.0)
    shift = THUMBNAIL_PX / 2 - zoom * centre
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    image = cv2.warpAffine(rgb, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(image, np.uint8)
