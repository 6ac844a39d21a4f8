"""The challenges' test sets, which come as face crops: folders of images, found by an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from eyeline.documents import read_json
from eyeline.errors import DataError, UsageError, VideoError, check_shape
from eyeline.results import Floats, Image, Ints
from eyeline.systems.ego_social.data import Look, Recent, Utterance
from eyeline.systems.ego_social.inputs import (
    AUDIO_HZ,
    FRAME_HZ,
    FRAMES,
    SHORTEST,
    SIZE,
    normalise,
    sample_at,
    segment_audio,
    stacked,
    window,
)
from eyeline.systems.ego_social.recordings.tracklets import pieces
from eyeline.video.audio import read_audio

FACES, AUDIO = "face", "audio/aud.wav"

Info = Mapping[str, Mapping[str, Any]]
"""Of each segment `frame_list`, its frames with a face, and `frame_num`, all its frames."""


@dataclass(frozen=True)
class Face:
    """One crop of the looking-at-me challenge."""

    video_id: str
    track_id: str
    unique_id: str
    frame: int
    path: Path


@dataclass(frozen=True)
class ChallengeLooks(Dataset[Look]):
    """A window around each crop, in the order of videos, tracks and frames."""

    faces: Sequence[Face]
    _tracks: Mapping[tuple[str, str], Mapping[int, Path]] = field(repr=False)
    _recent: Recent = field(default_factory=Recent, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, number: int) -> Look:
        return Look(clip=normalise(self.frames(number)), number=number)

    def frames(self, number: int) -> Image:
        """Crops `(7, 224, 224, 3)` uint8 RGB around one, as of `inputs.window`."""
        face = self.faces[number]
        track = self._tracks[face.video_id, face.track_id]
        half = FRAMES // 2
        around = [track.get(f) for f in range(face.frame - half, face.frame + half + 1)]
        around[half] = face.path
        crops = [None if p is None else self._recent.get(p, partial(read_crop, p)) for p in around]
        return window(crops)

    @property
    def columns(self) -> dict[str, list[str]]:
        """`(n,)` each, as `submissions.text` takes them."""
        names = ("video_id", "unique_id", "track_id")
        return {name: [getattr(face, name) for face in self.faces] for name in names}

    @property
    def frame(self) -> Ints:
        """`(n,)` number in the track."""
        return np.array([face.frame for face in self.faces], np.int64)


@dataclass(frozen=True)
class ChallengeTalks(Dataset[Utterance]):
    """Pieces of the segments of the talking-to-me challenge, in the order of their ids."""

    folder: Path
    info: Info
    pieces: Sequence[str]
    """`(n,)` segment of each piece."""
    span: Ints
    """`(n, 2)` first and last frame in the segment."""
    _heard: dict[str, Floats] = field(default_factory=dict, repr=False, compare=False)
    """Audio of the segment that was read last."""

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, number: int) -> Utterance:
        clip, audio = normalise(self.frames(number)), torch.from_numpy(self._audio(number))
        return Utterance(clip=clip, audio=audio, number=number)

    def frames(self, number: int) -> Image:
        """Crops `(time, 224, 224, 3)` uint8 RGB of a piece, black where there is no face."""
        folder = self.folder / self.pieces[number] / FACES
        known = self._files[self.pieces[number]]
        first, last = self.span[number].tolist()
        span = range(first, last + 1)
        return stacked([read_crop(folder / known[f]) if f in known else None for f in span])

    @property
    def faces(self) -> dict[str, list[int]]:
        """Frames with a face by segment, as `postprocess.challenge_talks` takes them."""
        return {name: list(known["frame_list"]) for name, known in self.info.items()}

    @property
    def length_frames(self) -> Ints:
        """`(n,)` from the first frame of each piece to its last, as `batches` counts them."""
        return np.asarray(self.span[:, 1] - self.span[:, 0])

    @cached_property
    def without_audio(self) -> tuple[str, ...]:
        """Segments that have no file of audio; they are silent."""
        return tuple(name for name in self.info if not (self.folder / name / AUDIO).is_file())

    @cached_property
    def _files(self) -> dict[str, dict[int, str]]:
        return {name: _faces(self.folder / name) for name in self.info}

    def _audio(self, number: int) -> Floats:
        name = self.pieces[number]
        if name not in self._heard:
            self._heard.clear()
            self._heard[name] = read_wave(self.folder / name / AUDIO)
        first, last = self.span[number].tolist()
        start, end = sample_at(first), sample_at(last)
        whole = self._heard[name]
        if len(whole[start:end]) < SHORTEST:
            return np.zeros(max(end - start, SHORTEST), np.float32)
        return segment_audio(whole, first, last)


def open_challenge_looks(folder: Path | str, *, stride: int = 1) -> ChallengeLooks:
    """The looking-at-me challenge's `<video_id>/<track_id>/<frame>_<unique_id>.jpg`.

    A frame is found by the number before the `_`; the published code takes any file whose name
    holds its five digits anywhere. Where a frame has several files, each is a sample, and the first
    by name stands for it in its neighbours' windows.

    Of a track every `stride`-th crop is taken.
    """
    if stride < 1:
        raise UsageError(f"a stride of {stride} crops; 1 or more can be")
    result: list[Face] = []
    tracks: dict[tuple[str, str], dict[int, Path]] = {}
    for track in sorted(p for p in Path(folder).glob("*/*") if p.is_dir()):
        faces = sorted(map(_face, track.glob("*.jpg")), key=lambda f: (f.frame, f.path.name))
        known = tracks.setdefault((track.parent.name, track.name), {})
        for face in faces:
            known.setdefault(face.frame, face.path)
        result += faces[::stride]
    if not result:
        raise DataError(f"no <video_id>/<track_id>/<frame>_<unique_id>.jpg in {folder}")
    return ChallengeLooks(result, tracks)


def open_challenge_talks(folder: Path | str, seg_info: Path | str | None = None) -> ChallengeTalks:
    """The talking-to-me challenge's `<segment_id>/face/<frame>.jpg` and `audio/aud.wav`.

    `seg_info` is the authors' JSON of frames, by default what `seg_info_of` makes of the folder.
    """
    folder = Path(folder)
    names = _segments(folder)
    info = _read_info(Path(seg_info)) if seg_info else seg_info_of(folder)
    if odd := sorted(set(names) ^ set(info)):
        there = "it is in the folder alone" if odd[0] in names else "its folder is missing"
        raise DataError(
            f"segment {odd[0]} of {folder}: {there} ({len(odd)} differ from {seg_info})"
        )
    spans = [(n, span) for n in names for span in pieces(0, int(info[n]["frame_num"]) - 1)]
    rows = np.array([span for _, span in spans], np.int64).reshape(-1, 2)
    return ChallengeTalks(folder, {n: info[n] for n in names}, [n for n, _ in spans], rows)


def seg_info_of(folder: Path | str) -> dict[str, dict[str, Any]]:
    """What `seg_info.json` tells of the segments in a folder; `Info` in the authors' form."""
    folder = Path(folder)
    result = {}
    for name in _segments(folder):
        frames = sorted(_faces(folder / name))
        samples = len(read_wave(folder / name / AUDIO))
        if not frames and not samples:
            raise DataError(f"segment {name} of {folder} has neither {FACES}/*.jpg nor {AUDIO}")
        heard = int(samples / AUDIO_HZ * FRAME_HZ + 1)
        result[name] = {"frame_list": frames, "frame_num": max([heard, *(f + 1 for f in frames)])}
    return result


def read_crop(path: Path) -> Image:
    """A crop `(224, 224, 3)` uint8 RGB of a file; DataError where it is none."""
    import cv2

    try:
        result = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    except (OSError, cv2.error):
        result = None
    if result is None:
        raise DataError(f"{path} is missing or no image")
    check_shape(result, f"{SIZE} {SIZE} 3", str(path))
    return np.asarray(result, np.uint8)


def read_wave(path: Path) -> Floats:
    """Samples `(n,)` of a file of audio, 16 kHz mono in [-1, 1]; none where there is no file."""
    if not path.is_file():
        return np.zeros(0, np.float32)
    try:
        parts = [block.samples for block in read_audio(path, AUDIO_HZ, start_s=0.0)]
    except VideoError as error:
        raise DataError(f"{path}: {error}") from error
    return np.concatenate([np.zeros(0, np.float32), *parts])


def _face(path: Path) -> Face:
    number, _, rest = path.name.partition("_")
    unique = rest.partition(".")[0]
    if not (number.isdecimal() and unique):
        raise DataError(f"{path} is not called <frame>_<unique_id>.jpg")
    return Face(path.parent.parent.name, path.parent.name, unique, int(number), path)


def _segments(folder: Path) -> list[str]:
    names = sorted(p.name for p in folder.glob("*") if p.is_dir() and not p.name.startswith("."))
    if not names:
        raise DataError(f"no segment in {folder}")
    return names


def _faces(segment: Path) -> dict[int, str]:
    """Names of the files by frame."""
    paths = sorted((segment / FACES).glob("*.jpg"))
    if odd := [path for path in paths if not path.stem.isdecimal()]:
        raise DataError(f"{odd[0]} is not called <frame>.jpg")
    return {int(path.stem): path.name for path in paths}


def _read_info(path: Path) -> dict[str, dict[str, Any]]:
    content = read_json(path)
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path} tells of no segment")
    for name, known in content.items():
        if not (
            isinstance(known, dict)
            and isinstance(known.get("frame_num"), int)
            and known["frame_num"] > 0
            and isinstance(known.get("frame_list"), list)
            and all(isinstance(frame, int) for frame in known["frame_list"])
        ):
            raise DataError(
                f"{path}, segment {name}: expected frame_list, whole numbers, and frame_num > 0"
            )
    return content
