"""The targets of clips: which frames, where the gaze is in them, and where it was last known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.data import Chosen, Clips
from eyeline.systems.gaze_anticipation.predictions import Predictions, Truth
from eyeline.systems.gaze_anticipation.recordings.clips import Clip
from eyeline.systems.gaze_anticipation.recordings.labels import FrameGaze
from eyeline.systems.gaze_anticipation.recordings.store import PreparedVideo
from eyeline.systems.gaze_anticipation.scoring.accumulator import TRACKED
from eyeline.systems.gaze_anticipation.windows.spatial import View


class Targets(NamedTuple):
    """Rows of some clips, sample by sample and slot by slot."""

    truth: Truth
    views: list[View]
    """`(sample,)` the square that is seen of each."""


def targets_of(clips: Clips) -> Targets:
    """All frames whose gaze is predicted; no image is read. DataError as of `Clips.chosen`."""
    known = {name: _last_tracked(video.gaze) for name, video in clips.videos.items()}
    parts, views = [], []
    for number, clip in enumerate(clips.clips):
        chosen, video = clips.chosen(number), clips.videos[clip.video]
        last = known[clip.video]
        parts.append(_rows(clip, video, chosen, last, ahead=clips.task == "anticipation"))
        views.append(chosen.view)
    return Targets(_joined(parts, clips), views)


def predicted(truth: Truth, xy: Floats, probability: Floats) -> Predictions:
    """Predictions for rows: places `(n, 2)` as fractions of the image, and their probability."""
    return Predictions(
        truth.video,
        truth.clip_start_s,
        truth.slot,
        truth.frame,
        truth.time_s,
        truth.ahead_s,
        xy,
        probability,
    )


class _Rows(NamedTuple):
    slot: Ints
    frame: Ints
    time_s: Floats
    ahead_s: Floats
    kind: Ints
    xy: Floats
    square: Floats
    last: Floats


def _rows(clip: Clip, video: PreparedVideo, chosen: Chosen, last: Ints, *, ahead: bool) -> _Rows:
    frame = video.label_frames(clip, chosen.target)
    time_s = video.time_s(clip, chosen.target)
    xy = video.gaze.xy[frame]
    if ahead:
        until = int(video.label_frames(clip, chosen.seen[-1:])[0])
        ahead_s = time_s - video.time_s(clip, chosen.seen)[-1]
    else:
        until, ahead_s = int(frame[0]) - 1, np.zeros(len(frame))
    known = int(last[until]) if until >= 0 else -1
    square = chosen.view.into(video.gaze.xy[known][None])[0] if known >= 0 else [0.5, 0.5]
    return _Rows(
        np.arange(len(frame)),
        frame,
        time_s,
        ahead_s,
        video.gaze.kind[frame],
        xy,
        chosen.view.into(xy),
        np.tile(square, (len(frame), 1)),
    )


def _last_tracked(gaze: FrameGaze) -> Ints:
    """Of each frame the number of the last one up to it whose gaze is known, or -1."""
    own = np.where(np.isin(gaze.kind, TRACKED), np.arange(len(gaze)), -1)
    return np.maximum.accumulate(own)


def _joined(parts: list[_Rows], clips: Clips) -> Truth:
    predictions = _Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    counts = [len(part.slot) for part in parts]
    video = np.array([clip.video for clip in clips.clips], object).repeat(counts)
    start = np.array([clip.start_s for clip in clips.clips], np.int64).repeat(counts)
    sizes = [clips.videos[clip.video].size_wh for clip in clips.clips]
    return Truth(
        video,
        start,
        predictions.slot,
        predictions.frame,
        predictions.time_s,
        predictions.ahead_s,
        predictions.kind,
        predictions.xy,
        predictions.square,
        predictions.last,
        np.array(sizes, np.int64).repeat(counts, 0),
        np.full(len(video), clips.dataset, object),
    )


def in_pieces(count: int, size: int = 256) -> Iterator[slice]:
    """Neighbouring rows, so many at a time."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
