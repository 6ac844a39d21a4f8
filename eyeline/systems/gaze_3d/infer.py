"""`rendered` and `head_pose` on a scene: tracks in, gaze and head directions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track, joined, usual_lids, usual_pitch, who_and_when
from eyeline.results import Answer, Directions, Floats
from eyeline.system import Scene
from eyeline.systems.gaze_3d import head_pose, looks


@dataclass(frozen=True)
class HeadPose:
    """Directions by geometry; needs nothing but tracks."""

    builder: ClassVar[str] = "head_pose"

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """`Directions` called `gaze` and `head`, rows in the order of the tracks."""
        people = sorted({t.person for t in scene.tracks})
        lids = {p: usual_lids([t for t in scene.tracks if t.person == p]) for p in people}
        usual = {
            p: usual_pitch((t for t in scene.tracks if t.person == p), scene.camera) for p in people
        }
        result = [self.look(t, lids[t.person], scene.camera, usual[t.person]) for t in scene.tracks]
        heads = [directions.from_yaw_pitch(t.yaw_rad, t.pitch_rad) for t in scene.tracks]
        sure = [1 / t.head_error_rad**2 for t in scene.tracks]
        return [
            self._directions(scene, "gaze", [g for g, _ in result], [k for _, k in result]),
            self._directions(scene, "head", heads, sure),
        ]

    def look(
        self, track: Track, open_lids: float, camera: Camera, usual_pitch_rad: float
    ) -> tuple[Floats, Floats]:
        """Gaze `(n, 3)` and concentration `(n,)` of a track."""
        return head_pose.gaze(track, open_lids, camera, usual_pitch_rad)

    def _directions(
        self, scene: Scene, name: str, vectors: Sequence[Floats], concentration: Sequence[Floats]
    ) -> Directions:
        tracks = scene.tracks
        return Directions(
            "gaze_3d",
            self.builder,
            name,
            **who_and_when(tracks),
            origin_px=joined((t.eyes_px for t in tracks), np.float64, (2,)),
            direction=joined(vectors, np.float64, (3,)),
            concentration=joined(concentration, np.float64),
        )


@dataclass(frozen=True)
class Rendered(HeadPose):
    """The eyes by the network of rendered eyes, where they are seen."""

    builder: ClassVar[str] = "rendered"

    def look(
        self, track: Track, open_lids: float, camera: Camera, usual_pitch_rad: float
    ) -> tuple[Floats, Floats]:
        """Gaze `(n, 3)` and concentration `(n,)` of a track."""
        return looks.gaze(track, open_lids, camera, usual_pitch_rad)
