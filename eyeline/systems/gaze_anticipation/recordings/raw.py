"""Where Ego4D's gaze videos, labels and audio lie: as downloaded, or as the original has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.recordings import clips
from eyeline.systems.gaze_anticipation.recordings.footage import Frames
from eyeline.systems.gaze_anticipation.recordings.labels import (
    FIXATION,
    UNTRACKED,
    FrameGaze,
    ego4d_labels,
    read_ego4d_gaze,
)
from eyeline.systems.gaze_anticipation.recordings.tables import read_table
from eyeline.video.endings import sorted_out

_WHOLE = ("full_scale.gaze", "full_scale", "videos")
_CUT = ("clips.gaze", "clips")
_LABELS = "gaze_frame_label"
_KINDS = ("gaze_type", "type", "kind")


class Raw(Protocol):
    """A video to be prepared."""

    @property
    def video(self) -> str:
        """Its name, as lists have it."""

    @property
    def dataset(self) -> str:
        """`ego4d` or `aria`."""

    @property
    def media(self) -> Sequence[tuple[Path, int | None]]:
        """Files, and where the clip that each is begins; None of the whole video."""

    @property
    def audio(self) -> Path | None:
        """A file with its audio; None where the video has its own."""

    def ready(self) -> None:
        """Make of its files what is still to be made."""

    def labels(self, frames: Frames) -> FrameGaze:
        """Gaze of all frames of the whole video."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""


@dataclass(frozen=True)
class Ego4DVideo:
    """A video of Ego4D."""

    video: str
    media: tuple[tuple[Path, int | None], ...]
    gaze: Path
    """Rows of gaze, or the labels of frames that the original writes."""
    audio: Path | None = None
    dataset: str = "ego4d"

    def ready(self) -> None:
        """All is there."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""
        return (*(path for path, _ in self.media), self.gaze, *([self.audio] if self.audio else []))

    def labels(self, frames: Frames) -> FrameGaze:
        """Gaze of all frames, as of `labels.ego4d_labels`; DataError for a damaged file."""
        if self.gaze.parent.name == _LABELS:
            return read_frame_labels(self.gaze)
        rows = read_ego4d_gaze(self.gaze, frames.duration_s)
        return ego4d_labels(rows, float(frames.rate_hz), len(frames))


def read_frame_labels(path: Path) -> FrameGaze:
    """Labels of frames as the original writes them, of Ego4D or of Aria; DataError for others."""
    table = read_table(path)
    if not len(table):
        raise DataError(f"{path} has no rows")
    x, y, kinds = (
        table.numbers(table.need(what, *names))
        for what, names in (("places", ("x",)), ("places", ("y",)), ("kinds", _KINDS))
    )
    number = table.first_of("frame")
    if number and (table.numbers(number) != np.arange(len(table))).any():
        raise DataError(f"{path}: column {number} should count from 0 without a gap")
    kind = kinds.astype(np.int64)
    if (kinds != kind).any() or kind.min() < FIXATION or kind.max() > UNTRACKED:
        raise DataError(f"{path}: kinds of gaze other than {FIXATION} to {UNTRACKED}")
    places = np.stack([x, y], axis=1)
    if places.min() < 0 or places.max() > 1:
        raise DataError(
            f"{path}: places run from {places.min():g} to {places.max():g}; expected shares of "
            "width and height, 0 to 1, from the upper left"
        )
    return FrameGaze(places, kind)


def find_ego4d(source: Path) -> tuple[Ego4DVideo, ...]:
    """All videos of a folder: whole ones, or clips where there is no whole one."""
    whole, _ = _whole_videos(source)
    parts = {name: result for name, result in _cut_videos(source).items() if name not in whole}
    media = {name: ((path, None),) for name, path in whole.items()} | parts
    if not media:
        raise DataError(
            f"{source} holds no video: expected {_WHOLE[0]}/<uid>.mp4, or "
            f"{_CUT[0]}/<uid>/<uid>_t0_t5.mp4"
        )
    return tuple(
        Ego4DVideo(name, media[name], _gaze_file(source, name, name in parts), _wav(source, name))
        for name in sorted(media)
    )


def passed_over(source: Path) -> tuple[str, ...]:
    """Files among the whole videos that are not taken for videos, or come second of a name."""
    return _whole_videos(source)[1]


def _whole_videos(source: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    for folder in _WHOLE:
        result, others = sorted_out((source / folder).glob("*"))
        if result:
            return result, tuple(f"{folder}/{name}" for name in others)
    return {}, ()


def _cut_videos(source: Path) -> dict[str, tuple[tuple[Path, int | None], ...]]:
    for folder in _CUT:
        result: dict[str, list[tuple[int, Path]]] = {}
        for path in sorted((source / folder).glob("[!.]*/[!.]*")):
            if path.suffix.lower() == ".mp4":
                clip = clips.parse(f"{path.parent.name}/{path.stem}.mp4", str(path))
                result.setdefault(clip.video, []).append((clip.start_s, path))
        if result:
            return {
                name: tuple((path, start) for start, path in sorted(parts))
                for name, parts in result.items()
            }
    return {}


def _gaze_file(source: Path, video: str, cut: bool) -> Path:
    created = source / _LABELS / f"{video}_frame_label.csv"
    rows = source / "gaze" / f"{video}.csv"
    if cut or created.is_file():
        return created
    # a download of Ego4D has had these tables under the name of videos
    misnamed = rows.with_suffix(".mp4")
    return misnamed if misnamed.is_file() and not rows.is_file() else rows


def _wav(source: Path, video: str) -> Path | None:
    path = source / "missing_audio" / f"{video}.wav"
    return path if path.is_file() else None
