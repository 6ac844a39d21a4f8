"""Scripted faces and frames for tests of the front end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eyeline.geometry import directions
from eyeline.people.assemble import SIX_MM
from eyeline.people.detect import Detector, Faces
from eyeline.people.pose import FIVE_MM
from eyeline.results import Floats, Image


def project(
    model_mm: Floats, yaw: float, pitch: float, roll: float, scale: float, at: Floats
) -> Floats:
    """A face model seen under scaled orthography."""
    rotation = directions.rotation_from_angles(np.array(yaw), np.array(pitch), np.array(roll))
    return (model_mm @ rotation.T)[:, :2] * scale + at


def five(
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    scale: float = 1.0,
    at: Floats | None = None,
) -> Floats:
    """The detector's five points of a head."""
    return project(FIVE_MM, yaw, pitch, roll, scale, np.zeros(2) if at is None else at)


def six(
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    scale: float = 1.0,
    at: Floats | None = None,
) -> Floats:
    """The six landmarks of a head."""
    return project(SIX_MM, yaw, pitch, roll, scale, np.zeros(2) if at is None else at)


def box_around(points: Floats, scale: float) -> Floats:
    """A face box, 185 mm high, about five points."""
    centre = points.mean(0)
    half = scale * np.array([65, 92])
    return np.concatenate([centre - half, centre + half])


@dataclass
class FakeFrame:
    """A frame without a video."""

    index: int
    rate_hz: float = 25.0
    grey: Image = field(default_factory=lambda: np.full((240, 320), 128, np.uint8))

    size_wh = (320, 240)

    @property
    def time_s(self) -> float:
        return self.index / self.rate_hz

    @property
    def end_s(self) -> float:
        return (self.index + 1) / self.rate_hz

    def gray(self) -> Image:
        return self.grey

    def rgb(self) -> Image:
        return np.repeat(self.grey[..., None], 3, axis=2)

    def small_rgb(self, width: int, height: int) -> Image:
        return np.full((height, width, 3), 128, np.uint8)


@dataclass
class Scripted(Detector):
    """A detector that knows where the faces are: frame -> list of (middle, confidence)."""

    script: dict[int, list[tuple[float, float, float]]]
    searched: list[int] = field(default_factory=list)

    def detect(self, frame: FakeFrame) -> Faces:
        self.searched.append(frame.index)
        faces = self.script.get(frame.index, [])
        if not faces:
            return Faces.none()
        points = [five(scale=0.4, at=np.array([x, y])) for x, y, _ in faces]
        return Faces(
            np.stack([box_around(p, 0.4) for p in points]),
            np.array([s for _, _, s in faces]),
            np.stack(points),
        )
