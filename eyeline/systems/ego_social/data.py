"""Windows around looks, and utterances, as both networks are trained and measured on."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NotRequired, TypedDict

import numpy as np
import torch
from torch.utils.data import Dataset

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Image, Ints
from eyeline.systems.ego_social.inputs import (
    FRAMES,
    SHORTEST,
    normalise,
    sample_at,
    stacked,
    window,
)
from eyeline.systems.ego_social.recordings.annotations import (
    LAM_LEAVES_OUT,
    UNLABELLED,
    Track,
    check_policy,
    looks_at_me,
    read_list,
)
from eyeline.systems.ego_social.recordings.store import SPLIT, PreparedClip, open_clip
from eyeline.systems.ego_social.recordings.tracklets import Talk, filled, talks

if TYPE_CHECKING:
    from torch import Tensor

STRIDE = 13
"""Frames from one look to the next in the published code; its results were made with 3."""

_KEPT_CROPS = 64


class Look(TypedDict):
    """Seven frames of a face."""

    clip: Tensor
    """`(7, 3, 224, 224)` float32, as of `inputs.normalise`."""
    label: NotRequired[int]
    """1 if this person looks at the camera in the centre frame; unknown in a challenge."""
    number: int
    """Its place among the looks."""


class Utterance(TypedDict):
    """Somebody talks."""

    clip: Tensor
    """`(time, 3, 224, 224)` float32; black, normalised, where the face is not seen."""
    audio: Tensor
    """`(sample,)` float32, 16 kHz, as of `inputs.segment_audio`."""
    label: NotRequired[int]
    """1 if this person talks to the camera wearer; unknown in a challenge."""
    number: int
    """Its place among the utterances."""


class Recent:
    """The crops that were read last, 150 kB each, so that neighbouring windows decode each once."""

    def __init__(self, size: int = _KEPT_CROPS) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Image] = OrderedDict()

    def __reduce__(self) -> tuple[type[Recent], tuple[int]]:
        """A worker process begins with none."""
        return Recent, (self._size,)

    def get(self, key: Hashable, read: Callable[[], Image]) -> Image:
        """A crop by its name; read if it is not kept."""
        result = self._kept.pop(key, None)
        self._kept[key] = result = read() if result is None else result
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
    silent: ClassVar[tuple[int, ...]] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> Look:
        clip, label = normalise(self.frames(number)), int(self.label[number])
        return Look(clip=clip, label=label, number=number)

    def frames(self, number: int) -> Image:
        """Crops `(7, 224, 224, 3)` uint8 RGB around a key frame, as of `inputs.window`."""
        which, track, centre = (int(v) for v in self.rows[number])
        clip, name = self.clips[which], self._names[which][track]
        around = range(centre - FRAMES // 2, centre + FRAMES // 2 + 1)
        crops = [clip.number(name, frame) for frame in around]
        return window([None if n is None else self._crop(which, n) for n in crops])

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
        at = np.asarray(numbers, np.int64)
        rows, boxes, label = self.rows[at], self.box_xyxy[at], self.label[at]
        return replace(self, rows=rows, box_xyxy=boxes, label=label, _recent=Recent())

    @cached_property
    def _names(self) -> list[list[str]]:
        return [[track.track_id for track in _in_order(clip)] for clip in self.clips]

    def _crop(self, which: int, number: int) -> Image:
        return self._recent.get((which, number), lambda: self.clips[which].image(number))


@dataclass(frozen=True)
class Talks(Dataset[Utterance]):
    """Pieces of the segments of talk of some clips, in the order of clips and annotations."""

    clips: Sequence[PreparedClip]
    segments: list[Talk]
    """`(n,)`; pieces of one segment follow each other."""
    sort: bool = False
    """Whether boxes are those of entries taken by frame; see `tracklets.filled`."""
    silent: tuple[int, ...] = ()
    """Those in which nothing can be heard: their audio is silence of their length."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Reason -> utterances."""

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, number: int) -> Utterance:
        segment, clip = self.segments[number], normalise(self.frames(number))
        audio: Floats = np.zeros(_samples(segment), np.float32)
        if number not in self.silent:
            audio = self._by_uid[segment.clip].speech(segment.start_frame, segment.end_frame)
        heard = torch.from_numpy(audio)
        return Utterance(clip=clip, audio=heard, label=segment.label, number=number)

    def frames(self, number: int) -> Image:
        """Crops `(time, 224, 224, 3)` uint8 RGB of an utterance, black where there is no face."""
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
        """`(n,)` from the first frame of each utterance to its last, as `batches` counts them."""
        return np.array([s.end_frame - s.start_frame for s in self.segments], np.int64)

    @cached_property
    def _by_uid(self) -> dict[str, PreparedClip]:
        return {clip.uid: clip for clip in self.clips}


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
    parts = [part for i, clip in enumerate(clips) for part in _looks_of(clip, i, stride, policy)]
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
    """The utterances of a split; arguments and errors as of `open_looks`.

    For training what is shorter than `tracklets.SHORTEST`, and that in which nothing can be heard,
    is left out. With `sort` boxes are taken by frame rather than by their order in the file; the
    published code does not sort, and so loses faces of tracks that are out of order.
    """
    check_policy(policy)
    path = list_path(root, split)
    clips = _opened(root, read_list(path), unlabelled)
    known: Counter[str] = Counter()
    result: list[Talk] = []
    silent: list[int] = []
    for clip in clips:
        long = talks(clip.annotation, policy=policy, training=training)
        every = talks(clip.annotation, policy=policy)
        known["too short to train on"] += len(every) - len(long)
        for segment in long:
            left = clip.audio_samples - sample_at(segment.start_frame)
            heard = min(_samples(segment), left) >= SHORTEST
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
) -> list[tuple[Ints, Floats, Ints]]:
    """Rows, boxes and labels of each track of a clip."""
    parts = []
    for number, track in enumerate(_in_order(clip)):
        every = filled(track)
        frame = every.frame[::stride]
        rows = np.stack([np.full_like(frame, which), np.full_like(frame, number), frame], 1)
        label = looks_at_me(clip.annotation, track.person, frame, policy)
        parts.append((rows, every.box_xyxy[::stride], label))
    return parts


def _samples(segment: Talk) -> int:
    """Length of an utterance's audio, of which its last frame is no part."""
    return sample_at(segment.end_frame) - sample_at(segment.start_frame)
