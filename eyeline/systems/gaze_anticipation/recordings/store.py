"""Prepared videos: which frames and labels there are and how they sound, without any pixels.

A prepared data set is a folder: `index.json`, `split/*.list`, and of each video `videos/<id>/` with
`index.npz` (frames, labels, where the media lie) and `sound.npy` (its spectrogram, by column).
Pixels stay in the original videos.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.datasets.index import read_index
from eyeline.errors import DataError, check_shape
from eyeline.files import write_json
from eyeline.results import Floats, Image, Ints
from eyeline.systems.gaze_anticipation.recordings.clips import CLIP_S, Clip
from eyeline.systems.gaze_anticipation.recordings.footage import Frames, Videos
from eyeline.systems.gaze_anticipation.recordings.labels import FrameGaze
from eyeline.systems.gaze_anticipation.windows.sampling import Timing, timing_of
from eyeline.systems.gaze_anticipation.windows.spectrogram import (
    AUDIO_COLUMNS,
    COLUMNS_S,
    ROWS,
    SILENCE,
)

VERSION = 1
_ARRAYS = ("xy", "kind", "stamps", "keys", "stamps.start", "keys.start", "head_s", "heads")
"""Of the layout; a reader refuses others."""
VIDEOS, SPLIT, CARD = "videos", "split", "index.json"
INDEX, AUDIO = "index.npz", "sound.npy"


@dataclass(frozen=True)
class Media:
    """A file with a video or a part of it."""

    path: Path
    frames: Frames
    columns: int
    """Of its spectrogram; 0 without audio."""
    start_s: int | None = None
    """Where the clip that the file is begins; None where it is the whole video."""
    audio: Path | None = None
    """A file with the audio of the whole video, if there is one next to it."""


@dataclass(frozen=True)
class Content:
    """All that is known of a video."""

    video: str
    dataset: str
    media: Sequence[Media]
    gaze: FrameGaze
    size_wh: tuple[int, int]
    """Of the upright image."""
    heads: Mapping[int, Floats] = field(default_factory=dict)
    """Second -> first column `(256,)` of the spectrogram of a clip that begins there."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """How it was prepared."""


@dataclass(frozen=True)
class Span:
    """Where a clip lies."""

    media: int
    """Number of its file."""
    frames: int
    """How many it has."""
    columns: int
    """Of its audio."""
    first_column: int
    """In the video's spectrogram."""


class PreparedVideo:
    """One video of a prepared data set."""

    def __init__(self, root: Path, video: str) -> None:
        self.root, self.video = root, video
        self.folder = root / VIDEOS / video
        content, self.card = read_index(self.folder / INDEX, f"video {video}", VERSION, _ARRAYS)
        self.dataset: str = self.card["dataset"]
        self.size_wh: tuple[int, int] = tuple(self.card["size_wh"])
        self.gaze = FrameGaze(content["xy"], content["kind"], content.get("time_ns"))
        self._content = content

    def __reduce__(self) -> tuple[Any, ...]:
        return open_video, (self.root, self.video)

    @property
    def timing(self) -> Timing:
        """How it is sampled."""
        return timing_of(self.dataset)

    @cached_property
    def media(self) -> tuple[Media, ...]:
        """Its files, in order of time."""
        return tuple(self._medium(i) for i in range(len(self.card["media"])))

    def span(self, clip: Clip) -> Span:
        """Where a clip lies; DataError names both where the video ends before it."""
        number = self._parts.get(clip.start_s)
        if number is not None:
            media = self.media[number]
            return Span(number, len(media.frames), media.columns, self._first_columns[number])
        if not self.media or self.media[0].start_s is not None:
            raise DataError(f"{clip.line}: no such clip of video {self.video} was prepared")
        whole = self.media[0].frames
        # as the published cutting has it: frames at the video's rate from the clip's first second
        frames = int(np.ceil(CLIP_S * float(whole.rate_hz) - 1e-6))
        if clip.start_s + CLIP_S > whole.duration_s + 1 / float(whole.rate_hz):
            raise DataError(
                f"{clip.line}: video {self.media[0].path} lasts {whole.duration_s:.2f} s, which is "
                "less than the clip needs"
            )
        return Span(0, frames, CLIP_S * COLUMNS_S, clip.start_s * COLUMNS_S)

    def label_frames(self, clip: Clip, numbers: Ints) -> Ints:
        """Numbers in the whole video, of frames counted from a clip's first one.

        DataError for those beyond the labels; names clip and frame.
        """
        media = self.media[self.span(clip).media]
        if media.start_s is None:
            result = media.frames.shown_at(self.time_s(clip, numbers))
        else:
            result = clip.start_s * self.timing.fps + np.asarray(numbers, np.int64)
        if result.max() >= len(self.gaze):
            raise DataError(
                f"{clip.line}: frame {result.max()} has no label; video {self.video} has "
                f"{len(self.gaze)}"
            )
        return result

    def images(self, clip: Clip, numbers: Ints, videos: Videos) -> Image:
        """Frames `(n, height, width, 3)` uint8 RGB in full size, counted from a clip's first."""
        media = self.media[self.span(clip).media]
        own = numbers if media.start_s is not None else self.label_frames(clip, numbers)
        return videos.read(media.path, media.frames, own)

    def heard(self, clip: Clip, starts: Ints) -> Floats:
        """Spectrograms `(n, 256, 256)` float32 from some columns of a clip on.

        What the video's audio does not reach is silent.
        """
        span, half = self.span(clip), AUDIO_COLUMNS
        result = np.full((len(starts), half, ROWS), SILENCE, np.float32)
        end = self._first_columns[span.media] + self.media[span.media].columns
        for part, start in zip(result, np.asarray(starts).tolist(), strict=True):
            first = span.first_column + start
            piece = self._audio[first : min(first + half, end)]
            part[: len(piece)] = piece
            if start == 0 and clip.start_s in self._heads and len(piece):
                part[0] = self._heads[clip.start_s]
        return np.ascontiguousarray(result.transpose(0, 2, 1))

    def check(self) -> None:
        """DataError unless media and audio are there, as long as the index says."""
        for media in self.media:
            if not media.path.is_file():
                raise DataError(f"video {self.video}: its file {media.path} is gone")
        self._audio  # noqa: B018

    @property
    def has_audio(self) -> bool:
        """Whether it has any."""
        return any(media.columns for media in self.media)

    def time_s(self, clip: Clip, numbers: Ints) -> Floats:
        """Seconds since the video's first frame, of frames counted from a clip's first one."""
        rate = self.media[self.span(clip).media].frames.rate_hz
        return np.asarray(clip.start_s + np.asarray(numbers) / float(rate), np.float64)

    def _medium(self, number: int) -> Media:
        entry, content = self.card["media"][number], self._content
        stamps, keys = (
            content[name][slice(*content[f"{name}.start"][number : number + 2])]
            for name in ("stamps", "keys")
        )
        frames = Frames(stamps, keys, Fraction(entry["tick_s"]), Fraction(entry["rate_hz"]))
        audio = entry.get("audio")
        return Media(
            _located(self.root, entry),
            frames,
            entry["columns"],
            entry["start_s"],
            _located(self.root, audio) if audio else None,
        )

    @cached_property
    def _parts(self) -> dict[int, int]:
        return {m.start_s: n for n, m in enumerate(self.media) if m.start_s is not None}

    @cached_property
    def _first_columns(self) -> list[int]:
        counts = [entry["columns"] for entry in self.card["media"]]
        return [int(n) for n in np.cumsum([0, *counts])]

    @cached_property
    def _heads(self) -> dict[int, Floats]:
        seconds = self._content["head_s"].tolist()
        return dict(zip(seconds, self._content["heads"], strict=True))

    @cached_property
    def _audio(self) -> Floats:
        path, columns = self.folder / AUDIO, self._first_columns[-1]
        if not columns:
            return np.zeros((0, ROWS), np.float32)
        try:
            result = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"video {self.video}: cannot read {path}: {error}") from error
        check_shape(result, f"{columns} {ROWS}", f"video {self.video}: {AUDIO}")
        return np.asarray(result) if not isinstance(result, np.memmap) else result


def open_video(root: Path | str, video: str) -> PreparedVideo:
    """A video of a prepared data set.

    DataError if it is not there, damaged, or of another version; names the video.
    """
    return PreparedVideo(Path(root), video)


def prepared_videos(root: Path | str) -> tuple[str, ...]:
    """Names of all videos that are there, in order."""
    result = (Path(root) / VIDEOS).glob(f"[!.]*/{INDEX}")
    return tuple(sorted(path.parent.name for path in result))


def write_index(folder: Path, root: Path, content: Content) -> None:
    """Write all of a video but its audio; the media can be found again from `root`."""
    media = content.media
    card = {
        **content.card,
        "version": VERSION,
        "dataset": content.dataset,
        "size_wh": list(content.size_wh),
        "media": [_words(each, root) for each in media],
    }
    arrays: dict[str, Any] = {"xy": content.gaze.xy, "kind": content.gaze.kind}
    if content.gaze.time_ns is not None:
        arrays["time_ns"] = content.gaze.time_ns
    for name in ("stamps", "keys"):
        parts = [getattr(each.frames, name) for each in media]
        arrays[name] = np.concatenate([np.zeros(0, np.int64), *parts])
        arrays[f"{name}.start"] = np.cumsum([0, *map(len, parts)])
    heads = [np.zeros((0, ROWS), np.float32), *(h[None] for h in content.heads.values())]
    arrays |= {"head_s": np.array([*content.heads], np.int64), "heads": np.concatenate(heads)}
    np.savez_compressed(folder / INDEX, **arrays, card=np.array(json.dumps(card)))


def write_card(root: Path, dataset: str) -> None:
    """Write what the whole folder is."""
    card = {
        "system": "gaze_anticipation",
        "version": VERSION,
        "dataset": dataset,
        "videos": list(prepared_videos(root)),
    }
    write_json(root / CARD, card)


def _words(media: Media, root: Path) -> dict[str, Any]:
    return {
        **_place(media.path, root),
        "columns": media.columns,
        "start_s": media.start_s,
        "tick_s": str(media.frames.tick_s),
        "rate_hz": str(media.frames.rate_hz),
        "audio": _place(media.audio, root) if media.audio else None,
    }


def _place(path: Path, root: Path) -> dict[str, str]:
    path = path.resolve()
    return {"path": str(path), "beside": os.path.relpath(path, root.resolve())}


def _located(root: Path, entry: Mapping[str, Any]) -> Path:
    """Where a file lies: from the folder, so that both can move together, or where it was."""
    beside = Path(os.path.normpath(root.resolve() / entry["beside"]))
    return beside if beside.is_file() else Path(entry["path"])
