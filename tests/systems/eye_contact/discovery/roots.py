"""Prepared roots made by hand: gaze points in two heaps, tracklets with and without features."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eyeline.systems.eye_contact.discovery.gaze_points import (
    FIXATIONS,
    RADIUS_MM,
    GazePoints,
    write_fixations,
)
from eyeline.systems.eye_contact.discovery.sources import VideoName
from eyeline.systems.eye_contact.tracklets import TrackletFile, write_tracklet


def add_video(
    root: Path, name: VideoName, *, points: int = 1600, spans: tuple[tuple[int, int], ...] | None =
    None, frames: int = 3100, feature: bool = True, seed: int = 0,
) -> Path:  # fmt: skip
    """A video whose even frames look at one place and whose odd ones look about.

    Gaze points belong to the first `points` frames; the last of them is frame `frames` - 1.
    """
    rng = np.random.default_rng(seed)
    frame = np.append(np.arange(points - 1), frames - 1)
    angle = np.where(frame % 2 == 0, rng.normal(3.3, 0.01, points), rng.uniform(2, 4, points))
    height = np.where(frame % 2 == 0, rng.normal(-100, 8, points), rng.uniform(-600, 600, points))
    around = RADIUS_MM * np.stack([-np.sin(angle), height / RADIUS_MM, np.cos(angle)], 1)
    folder = name.folder(root)
    write_fixations(folder / FIXATIONS, GazePoints(frame, around, np.zeros((points, 2))))
    for number, (start, end) in enumerate(spans or ((0, 200), (300, 450), (1500, 1700))):
        box = np.tile([0.4, 0.4, 0.6, 0.6], (end - start, 1))
        six = np.full((end - start, 6, 2), 0.5)
        rows = np.ones((end - start, 4), np.float32) if feature else None
        write_tracklet(folder / f"{number:03d}.npz", TrackletFile(start, box, six, rows))
    return folder
