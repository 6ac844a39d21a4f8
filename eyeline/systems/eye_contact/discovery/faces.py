"""Faces of a frame with their 68 landmarks, by the detectors that the discovery can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eyeline.errors import UsageError
from eyeline.people import landmarks
from eyeline.people.detect import CenterFace, Detector
from eyeline.people.embed import Embedder, align
from eyeline.people.methods import DETECTORS
from eyeline.people.tracks import SIX_OF_68
from eyeline.results import Floats, Image
from eyeline.video.frame import Frame, Pixels, Upright

if TYPE_CHECKING:
    from eyeline.people.mmod import Mmod


@dataclass(frozen=True)
class Landmarked:
    """A face with its landmarks."""

    box_xyxy: Floats
    """`(4,)` pixels."""
    points_px: Floats
    """`(68, 2)` pixels."""

    @property
    def six_px(self) -> Floats:
        """`(6, 2)` points `people.tracks.SIX_OF_68`."""
        return self.points_px[list(SIX_OF_68)]


class Finder(Protocol):
    """Whatever finds faces and their landmarks."""

    def find(self, frame: Frame) -> list[Landmarked]:
        """The faces of a frame, surest first."""


class ChipFinder:
    """Any detector; landmarks in upright chips, as everywhere else in eyeline."""

    def __init__(self, detector: Detector | None = None) -> None:
        """Load CenterFace where no detector is given, and the landmark predictor."""
        self._detector = detector or CenterFace()
        self._landmarker = landmarks.Landmarker()

    def find(self, frame: Frame) -> list[Landmarked]:
        """The faces of a frame, surest first."""
        faces = self._detector.detect(frame)
        placed = landmarks.placing(faces.five_px)
        return [
            Landmarked(box, self._points(frame, five, roll, scale))
            for box, five, (_, roll, scale) in zip(
                faces.box_xyxy, faces.five_px, placed, strict=True
            )
        ]

    def _points(self, frame: Frame, five: Floats, roll: float, scale: float) -> Floats:
        chip = landmarks.cut_chip(frame.gray(), five, roll, scale)
        return chip.to_frame(self._landmarker.find(chip))


class MmodFinder:
    """The published front end: dlib's CNN detector, landmarks right in its rectangles."""

    def __init__(self, detector: Mmod | None = None) -> None:
        """Load dlib's models where no detector is given."""
        from eyeline.people.mmod import Mmod

        self._detector = detector or Mmod()

    def find(self, frame: Frame) -> list[Landmarked]:
        """The faces of a frame, surest first."""
        faces = self._detector.detect(frame)
        return [Landmarked(box, self._detector.landmarks(frame, box)) for box in faces.box_xyxy]


def make_finder(detector: str = "centerface") -> Finder:
    """The finder of a detector's name; UsageError lists the names."""
    if detector == "centerface":
        return ChipFinder()
    if detector == "mmod":
        return MmodFinder()
    raise UsageError(f"no detector '{detector}'; there are {', '.join(DETECTORS)}")


def embedding(rgb: Image, face: Landmarked, embedder: Embedder) -> Floats:
    """The `(128,)` identity of a face in a frame `(h, w, 3)`."""
    return embedder(align(rgb, face.points_px))


def still(rgb: Image) -> Frame:
    """A single image `(h, w, 3)` as a frame, for detectors."""
    from av.video.frame import VideoFrame

    image = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    size = (rgb.shape[1], rgb.shape[0])
    return Frame(image, Pixels(Upright(size)), index=0, time_s=0.0, end_s=0.0)
