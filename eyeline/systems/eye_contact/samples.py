"""Annotated tracklets as a network is trained on them: features, labels, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet, read_folder
from eyeline.systems.eye_contact.landmarks.inputs import Landmarks, person_features


@dataclass(frozen=True)
class Sample:
    """One tracklet."""

    video: str
    """Name of its video; the unit of the cross-validation and of the bootstrap."""
    fold: int
    """Part of the cross-validation that the video belongs to."""
    source: Floats | Callable[[], Floats]
    """`(n, feature)` float32, or what reads them: an hour of image features is 700 MB."""
    label: Ints
    """`(n,)` 1 eye contact, 0 none."""
    uncertain: Ints | None = None
    """`(n,)` 1 where the annotators were uncertain; None: nowhere."""
    tracklet: str = ""
    """Its number in the video, `000` on."""
    start_frame: int = 0
    """Video frame at 25 Hz of its first row."""

    @property
    def features(self) -> Floats:
        """`(n, feature)` as the builder takes them, float32."""
        return self.source() if callable(self.source) else self.source

    def __len__(self) -> int:
        return len(self.label)


def landmark_samples(video: AnnotatedVideo) -> list[Sample]:
    """The tracklets of one video for `landmarks_tcn`, each measured against all of them."""
    tracks = [Landmarks(t.time_s, t.six_px) for t in video.tracklets]
    features = person_features(tracks, video.width_px, video.height_px)
    samples = []
    for rows, tracklet in zip(features, video.tracklets, strict=True):
        if not np.isfinite(rows).all():
            where = f"{video.name}, tracklet {tracklet.name}"
            raise DataError(f"{where}: no head pose fits its landmarks")
        samples.append(_sample(video, tracklet, rows))
    return samples


def image_samples(video: AnnotatedVideo) -> list[Sample]:
    """The tracklets of one video for `ms_tcn2`; DataError for one without ETH-XGaze's features."""
    samples = []
    for tracklet in video.tracklets:
        if tracklet.feature is None:
            raise DataError(
                f"{video.name}, tracklet {tracklet.name}: the file has no gaze_feature. The "
                "published tracklets have none: eyeline prepare eye_contact/test makes them of "
                "the videos. Or use a recipe of landmarks_tcn"
            )
        samples.append(_sample(video, tracklet, tracklet.feature))
    return samples


READINGS = {"landmarks_tcn": landmark_samples, "ms_tcn2": image_samples}
"""What makes a video's samples, by the network that is to see them."""


def open_videos(folder: Path | str, log: Log | None = None) -> tuple[AnnotatedVideo, ...]:
    """The videos of `data.read_folder`; `log` receives what the folder leaves out."""
    result = read_folder(folder)
    if log:
        for note in result.notes:
            log(note)
    return result.videos


def samples_of(
    videos: Sequence[AnnotatedVideo], log: Log | None = None, builder: str = "landmarks_tcn"
) -> list[Sample]:
    """All tracklets of some videos, in their order, for a network of `READINGS`."""
    samples: list[Sample] = []
    for done, video in enumerate(videos, start=1):
        samples += READINGS[builder](video)
        if log:
            log(f"{done} of {len(videos)} videos read")
    return samples


def _sample(video: AnnotatedVideo, own: Tracklet, source: Floats | Callable[[], Floats]) -> Sample:
    labels = own.label, own.uncertain
    return Sample(video.name, video.fold, source, *labels, own.name, own.start_frame)
