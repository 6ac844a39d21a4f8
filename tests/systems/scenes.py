"""Scenes made by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track
from eyeline.results import Directions, Scores, VideoInfo
from eyeline.system import Scene

CAMERA = Camera.from_fov(1280, 720)


def video(frames: int = 100, *, audio: bool = True) -> VideoInfo:
    """A 720p video of 25 frames a second."""
    return VideoInfo("made.mp4", 1280, 720, Fraction(25), 0.0, frames / 25, frames, audio)


def scene(
    *tracks: Track,
    gaze: Directions | None = None,
    speaking: dict[int, float] | None = None,
    ego: bool = False,
) -> Scene:
    """A scene of some tracks; `speaking` is the probability of each person for the whole time."""
    frames = max((int(t.frame[-1]) + 1 for t in tracks), default=100)
    return Scene(
        video(frames), CAMERA, tracks, gaze=gaze, speaking=_speaking(tracks, speaking), ego=ego
    )


def _speaking(tracks: tuple[Track, ...], speaking: dict[int, float] | None) -> Scores | None:
    if speaking is None:
        return None
    return Scores(
        "speech",
        "scripted",
        "speaking",
        0.5,
        frame=np.concatenate([t.frame for t in tracks]),
        time_s=np.concatenate([t.time_s for t in tracks]),
        person=np.concatenate([np.full(len(t), t.person) for t in tracks]),
        value=np.concatenate([np.full(len(t), speaking.get(t.person, 0.0)) for t in tracks]),
    )


def looking(
    tracks: tuple[Track, ...], towards: dict[int, np.ndarray], concentration: float = 30.0
) -> Directions:
    """Directions with one vector a person."""
    return Directions(
        "gaze_3d",
        "scripted",
        "gaze",
        frame=np.concatenate([t.frame for t in tracks]),
        time_s=np.concatenate([t.time_s for t in tracks]),
        person=np.concatenate([np.full(len(t), t.person) for t in tracks]),
        origin_px=np.concatenate([t.eyes_px for t in tracks]),
        direction=np.concatenate([np.tile(towards[t.person], (len(t), 1)) for t in tracks]),
        concentration=np.concatenate([np.full(len(t), concentration) for t in tracks]),
    )
