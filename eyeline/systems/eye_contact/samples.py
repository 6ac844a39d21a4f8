"""Annotated tracklets as the network is trained on them: features and labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.data import AnnotatedVideo, read_videos
from eyeline.systems.eye_contact.landmarks.inputs import Landmarks, person_features


@dataclass(frozen=True)
class Sample:
    """One tracklet."""

    video: str
    """Name of its video; the unit of the cross-validation and of the bootstrap."""
    fold: int
    """Part of the cross-validation that the video belongs to."""
    features: Floats
    """`(n, feature)` as of `inputs.person_features`, float32."""
    label: Ints
    """`(n,)` 1 eye contact, 0 none."""

    def __len__(self) -> int:
        return len(self.label)


def samples_of(video: AnnotatedVideo) -> list[Sample]:
    """The tracklets of one video, each measured against all of them."""
    tracks = [Landmarks(t.time_s, t.six_px) for t in video.tracklets]
    features = person_features(tracks, video.width_px, video.height_px)
    return [
        Sample(video.name, video.fold, rows, tracklet.label)
        for rows, tracklet in zip(features, video.tracklets, strict=True)
        if np.isfinite(rows).all()
    ]


def open_samples(
    folder: Path | str, progress: Callable[[int, int], None] | None = None
) -> list[Sample]:
    """All annotated tracklets of a folder that `data.read_videos` can read, in its order.

    Args:
        folder: of the annotated videos.
        progress: told how many videos of how many are done.
    """
    videos = read_videos(folder)
    samples: list[Sample] = []
    for done, video in enumerate(videos, start=1):
        samples += samples_of(video)
        if progress:
            progress(done, len(videos))
    return samples


def by_video(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """Indices of each video's samples, videos in order of first appearance."""
    groups: dict[str, list[int]] = {}
    for index, sample in enumerate(samples):
        groups.setdefault(sample.video, []).append(index)
    return groups
