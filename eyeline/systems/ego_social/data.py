"""Windows around looks and stretches of talk, as both networks are trained and measured on."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch
from torch.utils.data import Dataset

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Image, Ints
from eyeline.systems.ego_social.inputs import (
    AUDIO_HZ,
    FRAME_HZ,
    FRAMES,
    normalise,
    stacked,
    window,
)
from eyeline.systems.ego_social.recordings.annotations import (
    LAM_LEAVES_OUT,
    UNLABELLED,
    Track,
    check_policy,
    read_list,
)
from eyeline.systems.ego_social.recordings.store import SPLIT, PreparedClip, open_clip
from eyeline.systems.ego_social.recordings.tracklets import Talk, filled, key_frames, labels, talks

if TYPE_CHECKING:
    from torch import Tensor

STRIDE = 13
"""Frames from one look to the next in the published code; its results were made with 3."""
SHORTEST_AUDIO = 257
"""Samples that the front end needs; of a stretch with fewer nothing can be heard."""

_KEPT_CROPS = 64


class Look(TypedDict):
    """Seven frames of a face."""

    clip: Tensor
    """`(7, 3, 224, 224)` float32, as of `inputs.normalise`."""
    label: int
    """1 if this person looks at the camera in the middle frame."""
    number: int
    """Its place among the looks."""


class Stretch(TypedDict):
    """A stretch of talk."""

    clip: Tensor
    """`(time, 3, 224, 224)` float32; black, normalised, where the face is not seen."""
    audio: Tensor
    """`(sample,)` float32, 16 kHz, as of `inputs.segment_audio`."""
    label: int
    """1 if this person talks to the camera wearer."""
    number: int
    """Its place among the stretches."""


class Recent:
    """The crops that were read last, so that neighbouring windows decode each of them once."""

    def __init__(self, size: int = _KEPT_CROPS) -> None:
        """Keep so many, 150 kB each."""
        self._size = size
        self._kept: OrderedDict[Hashable, Image] = OrderedDict()

    def __reduce__(self) -> tuple[type[Recent], tuple[int]]:
        """A worker process begins with none."""
        return Recent, (self._size,)

    def get(self, key: Hashable, make: Callable[[], Image]) -> Image:
        """A crop by its name; made if it is not kept."""
        result = self._kept.pop(key, None)
        self._kept[key] = result = make() if result is None else result
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return result


@dataclass(frozen=True)
class Looks(Dataset[Look]):
    """Key frames of the faces of some clips, in the order of clips, tracks and frames."""

    clips: Sequence[PreparedClip]
    rows: Ints
    """`(n, 3)` clip, track of the clip in the order of `PreparedClip.tracks`, annotation frame."""
    box_xyxy: Floats
    """`(n, 4)` pixels of the clip."""
    label: Ints
    """`(n,)` 1: looks at the camera."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Reason -> clips."""
    _recent: Recent = field(default_factory=Recent, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> Look:
        return Look(
            clip=normalise(self.frames(number)),
            label=int(self.label[number]),
            number=number,
        )

    def frames(self, number: int) -> Image:
        """Crops `(7, 224, 224, 3)` uint8 RGB around a key frame, as of `inputs.window`."""
        which, track, centre = (int(v) for v in self.rows[number])
        name = self._names[which][track]
        around = range(centre - FRAMES // 2, centre + FRAMES // 2 + 1)
        return window([self._crop(which, name, frame) for frame in around])

    @property
    def clip(self) -> list[str]:
        """`(n,)` uid of each look's clip."""
        return [self.clips[which].uid for which in self.rows[:, 0].tolist()]

    @property
    def track(self) -> list[str]:
        """`(n,)` id of each look's track."""
        return [self._names[which][track] for which, track in self.rows[:, :2].tolist()]

    @property
    def frame(self) -> Ints:
        """`(n,)` annotation frame."""
        return self.rows[:, 2]

    def subset(self, numbers: Sequence[int] | Ints) -> Looks:
        """Some of the looks, in the order given."""
        chosen = np.asarray(numbers, np.int64)
        return Looks(
            self.clips, self.rows[chosen], self.box_xyxy[chosen], self.label[chosen], self.left_out
        )

    @cached_property
    def _names(self) -> list[list[str]]:
        return [[track.track_id for track in _in_order(clip)] for clip in self.clips]

    def _crop(self, which: int, track: str, frame: int) -> Image | None:
        clip = self.clips[which]
        number = clip.number(track, frame)
        if number is None:
            return None
        return self._recent.get((which, number), lambda: clip.image(number))


@dataclass(frozen=True)
class Talks(Dataset[Stretch]):
    """Pieces of the segments of talk of some clips, in the order of clips and annotations."""

    clips: Sequence[PreparedClip]
    segments: list[Talk]
    """`(n,)`; pieces of one segment follow each other."""
    sort: bool = False
    """Whether boxes are those of entries taken by frame; see `tracklets.filled`."""
    silent: tuple[int, ...] = ()
    """Those in which nothing can be heard: their audio is silence of the stretch's length."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Reason -> stretches."""

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, number: int) -> Stretch:
        segment = self.segments[number]
        return Stretch(
            clip=normalise(self.frames(number)),
            audio=torch.from_numpy(self._audio(number)),
            label=segment.label,
            number=number,
        )

    def frames(self, number: int) -> Image:
        """Crops `(time, 224, 224, 3)` uint8 RGB of a stretch, black where there is no face."""
        segment = self.segments[number]
        clip = self._by_uid[segment.clip]
        span = range(segment.start_frame, segment.end_frame + 1)
        result = [clip.number_of(segment.person, frame, sort=self.sort) for frame in span]
        return stacked([None if n is None else clip.image(n) for n in result])

    @property
    def label(self) -> Ints:
        """`(n,)` 1: talks to the camera wearer."""
        return np.array([segment.label for segment in self.segments], np.int64)

    @property
    def length_frames(self) -> Ints:
        """`(n,)` from the first frame of each stretch to its last, as `batches` counts them."""
        return np.array([s.end_frame - s.start_frame for s in self.segments], np.int64)

    def _audio(self, number: int) -> Floats:
        segment = self.segments[number]
        if number in self._silent:
            return np.zeros(_samples(segment), np.float32)
        return self._by_uid[segment.clip].speech(segment.start_frame, segment.end_frame)

    @cached_property
    def _by_uid(self) -> dict[str, PreparedClip]:
        return {clip.uid: clip for clip in self.clips}

    @cached_property
    def _silent(self) -> frozenset[int]:
        return frozenset(self.silent)


def open_looks(
    root: Path | str,
    split: str | Path,
    *,
    stride: int = STRIDE,
    policy: str = "published",
    unlabelled: bool = False,
) -> Looks:
    """The key frames of the faces of a split.

    Args:
        root: prepared data set.
        split: `train`, `val` or another of its lists, or the path of a list.
        stride: every so manieth frame of a face, from its first on.
        policy: see `annotations.POLICIES`.
        unlabelled: whether clips without labels will do; their labels mean nothing.

    Raises:
        UsageError: a stride below 1, or another policy.
        DataError: no such list, a clip that is not prepared, damaged or not labelled, or no face at
            all. Clips that the benchmark of looks has not (`annotations.LAM_LEAVES_OUT`) are left
            out.
    """
    check_policy(policy)
    if stride < 1:
        raise UsageError(f"a stride of {stride} frames; 1 or more can be")
    uids = read_list(list_path(root, split))
    kept = [uid for uid in uids if uid not in LAM_LEAVES_OUT]
    clips = _opened(root, kept, unlabelled)
    left_out = {"not in the benchmark of looks": len(uids) - len(kept)} if kept != [*uids] else {}
    parts = [_looks_of(clip, i, stride, policy) for i, clip in enumerate(clips)]
    if not sum(len(part[0]) for part in parts):
        raise DataError(f"no face in the {len(clips)} clips of {list_path(root, split)}")
    rows, boxes, label = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Looks(clips, rows, boxes, label, left_out)


def open_talks(
    root: Path | str,
    split: str | Path,
    *,
    policy: str = "published",
    training: bool = False,
    sort: bool = False,
    unlabelled: bool = False,
) -> Talks:
    """The stretches of talk of a split.

    Args:
        root: prepared data set.
        split: as of `open_looks`.
        policy: see `annotations.POLICIES`.
        training: leave out what is shorter than `tracklets.SHORTEST`, and that in which nothing can
            be heard.
        sort: take boxes by frame rather than by their order in the file. The published code does
            not sort, and so loses faces of tracks that are out of order.
        unlabelled: as of `open_looks`.

    Raises:
        UsageError: another policy.
        DataError: as of `open_looks`, or no stretch at all.
    """
    check_policy(policy)
    path = list_path(root, split)
    clips = _opened(root, read_list(path), unlabelled)
    known: Counter[str] = Counter()
    result: list[Talk] = []
    silent: list[int] = []
    for clip in clips:
        every = talks(clip.annotation, policy=policy)
        long = talks(clip.annotation, policy=policy, training=training)
        known["too short to train on"] += len(every) - len(long)
        for segment in long:
            heard = _can_be_heard(clip, segment)
            if not heard and training:
                known["without audio"] += 1
                continue
            if not heard:
                silent.append(len(result))
            result.append(segment)
    if not result:
        raise DataError(f"no stretch of talk in the {len(clips)} clips of {path}")
    return Talks(clips, result, sort, tuple(silent), dict(+known))


def _opened(root: Path | str, uids: Sequence[str], unlabelled: bool) -> list[PreparedClip]:
    clips = [open_clip(root, uid) for uid in uids]
    lacking = [clip.uid for clip in clips if not clip.annotation.labelled]
    if lacking and not unlabelled:
        raise DataError(
            f"{len(lacking)} of {len(clips)} clips are of {UNLABELLED}, first: {lacking[0]}; they "
            "can be predicted (evaluate with a folder to write), not trained or scored on"
        )
    return clips


def list_path(root: Path | str, split: str | Path) -> Path:
    """Where a list lies: one of the data set's by its name, or any other by its path."""
    own = Path(root) / SPLIT / f"{split}.list"
    return own if isinstance(split, str) and not split.endswith(".list") else Path(split)


def _in_order(clip: PreparedClip) -> list[Track]:
    """Tracks by their ids; none of a nameless person, whose entries the published code drops."""
    return sorted((t for t in clip.annotation.tracks if t.person), key=lambda t: t.track_id)


def _looks_of(
    clip: PreparedClip, which: int, stride: int, policy: str
) -> tuple[Ints, Floats, Ints]:
    """Rows, boxes and labels of one clip."""
    rows: list[Ints] = [np.zeros((0, 3), np.int64)]
    boxes: list[Floats] = [np.zeros((0, 4))]
    result: list[Ints] = [np.zeros(0, np.int64)]
    for number, track in enumerate(_in_order(clip)):
        every = filled(track)
        key = key_frames(every, stride)
        frame = every.frame[key]
        rows.append(np.stack([np.full_like(frame, which), np.full_like(frame, number), frame], 1))
        boxes.append(every.box_xyxy[key])
        result.append(labels(clip.annotation, track, frame, policy))
    return np.concatenate(rows), np.concatenate(boxes), np.concatenate(result)


def _samples(segment: Talk) -> int:
    """Length of a stretch's audio, of which its last frame is no part."""
    first, last = (int(f / FRAME_HZ * AUDIO_HZ) for f in (segment.start_frame, segment.end_frame))
    return last - first


def _can_be_heard(clip: PreparedClip, segment: Talk) -> bool:
    left = clip.audio_samples - int(segment.start_frame / FRAME_HZ * AUDIO_HZ)
    return min(_samples(segment), left) >= SHORTEST_AUDIO
