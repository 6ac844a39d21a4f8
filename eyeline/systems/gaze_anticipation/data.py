"""Clips as the network is trained and measured on: frames, audio, and where the gaze goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch
from torch.utils.data import Dataset

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.inputs import audio_input, heatmaps, silence
from eyeline.systems.gaze_anticipation.recordings.clips import Clip, read_list
from eyeline.systems.gaze_anticipation.recordings.footage import Videos
from eyeline.systems.gaze_anticipation.recordings.store import SPLIT, PreparedVideo, open_video
from eyeline.systems.gaze_anticipation.windows import sampling, spatial
from eyeline.systems.gaze_anticipation.windows.sampling import FRAMES, Draws
from eyeline.systems.gaze_anticipation.windows.spatial import View

if TYPE_CHECKING:
    from torch import Tensor


class Sample(TypedDict):
    """One clip; batches as torch collates them."""

    clip: Tensor
    """`(3, frames, side, side)` float32, as of `spatial.seen`; published: 8 of 256."""
    audio: Tensor
    """`(1, frames, side, side)` float32: channel, frame, frequency, time."""
    heatmap: Tensor
    """`(frames, side / 4, side / 4)` float32, as of `heatmap.heatmaps`."""
    gaze: Tensor
    """`(frames, 2)` float32 shares of the square that the network sees."""
    kind: Tensor
    """`(frames,)` int64, as of `labels.FrameGaze`."""
    number: int
    """Its place among the clips."""


@dataclass(frozen=True)
class Chosen:
    """What is taken of a clip; numbers are counted from the clip's first frame."""

    seen: Ints
    """`(8,)`."""
    target: Ints
    """`(8,)`."""
    view: View


@dataclass(frozen=True)
class Clips(Dataset[Sample]):
    """Clips of some videos, in the order of a list."""

    videos: dict[str, PreparedVideo]
    clips: Sequence[Clip]
    task: str = "anticipation"
    training: bool = False
    seed: int = 0
    epoch: int = 0
    """Of what is drawn in training, with `seed` and the clip's place: not of the process."""
    sides: tuple[int, int] = (256, 288)
    """Pixels of a frame's shorter side in training, drawn between them."""
    with_audio: bool = True
    side: int = spatial.SIDE
    """Of the square; a smaller one than published also has a smaller map and coarser audio."""
    frames: int = FRAMES
    """Of the eight seen and the eight predicted, how many are taken; for small networks."""
    windows: Ints | None = None
    """`(n,)` which window of a clip each sample is, where all of its frames are met."""
    _open: Videos = field(default_factory=Videos, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, number: int) -> Sample:
        clip, video = self.clips[number], self._video(number)
        chosen = self.chosen(number)
        labels = video.label_frames(clip, chosen.target)
        gaze = chosen.view.into(video.gaze.xy[labels])
        images = video.images(clip, chosen.seen, self._open)
        return Sample(
            clip=spatial.seen(images, chosen.view), audio=self._heard(number, chosen.seen),
            heatmap=torch.from_numpy(heatmaps(gaze, self.side // 4)),
            gaze=torch.from_numpy(gaze).float(), kind=torch.from_numpy(video.gaze.kind[labels]),
            number=number,
        )  # fmt: skip

    def at_epoch(self, epoch: int) -> Clips:
        """The same clips with what another epoch draws."""
        return replace(self, epoch=epoch)

    def subset(self, numbers: Sequence[int] | Ints) -> Clips:
        """Some of the clips, in the order given."""
        chosen = np.asarray(numbers, np.int64)
        windows = None if self.windows is None else self.windows[chosen]
        return replace(self, clips=[self.clips[n] for n in chosen.tolist()], windows=windows)

    def chosen(self, number: int, draws: Draws | None = None) -> Chosen:
        """Which frames and which square a sample takes.

        `draws` are instead of what seed, epoch and place draw in training. DataError for a clip
        that is too short; names it.
        """
        clip, video = self.clips[number], self._video(number)
        span, timing = video.span(clip), video.timing
        if self.training and draws is None:
            draws = np.random.default_rng((self.seed, self.epoch, number))
        seen = self._seen(number, draws)
        target = sampling.target_frames(
            timing, self.task, seen, span.frames, training=self.training
        )
        taken = np.linspace(0, FRAMES - 1, self.frames).round().astype(np.int64)
        seen, target = seen[taken], target[taken]
        width, height = video.size_wh
        if draws is None:
            return Chosen(seen, target, spatial.central_view(height, width, self.side))
        gaze = video.gaze.xy[video.label_frames(clip, target)]
        view = spatial.drawn_view(height, width, gaze, draws, self.sides, self.side)
        return Chosen(seen, target, view)

    @property
    def dataset(self) -> str:
        """`ego4d` or `aria`."""
        return next(iter(self.videos.values())).dataset

    @property
    def video(self) -> list[str]:
        """`(n,)` name of each clip's video."""
        return [clip.video for clip in self.clips]

    @property
    def start_s(self) -> Ints:
        """`(n,)` where each clip begins in its video."""
        return np.array([clip.start_s for clip in self.clips], np.int64)

    @cached_property
    def seen_frames(self) -> Ints:
        """`(n, frames)` numbers, in their videos, of the frames that are seen."""
        return self._numbers("seen")

    @cached_property
    def target_frames(self) -> Ints:
        """`(n, frames)` numbers, in their videos, of the frames whose gaze is predicted."""
        return self._numbers("target")

    @cached_property
    def ahead_s(self) -> Floats:
        """`(n, frames)` from the last frame seen to each that is predicted."""
        return self._times("target") - self._times("seen")[:, -1:]

    @property
    def gaze(self) -> Floats:
        """`(n, frames, 2)` where the gaze goes, as fractions of the squares; no image is read."""
        result = [
            self.chosen(n).view.into(self._video(n).gaze.xy[row])
            for n, row in enumerate(self.target_frames)
        ]
        return np.stack(result) if result else np.zeros((0, self.frames, 2))

    @property
    def kind(self) -> Ints:
        """`(n, frames)` kinds of the frames that are predicted."""
        result = [self._video(n).gaze.kind[row] for n, row in enumerate(self.target_frames)]
        return np.stack(result) if result else np.zeros((0, self.frames), np.int64)

    @property
    def silent(self) -> tuple[str, ...]:
        """Videos without audio."""
        return tuple(name for name, video in self.videos.items() if not video.has_audio)

    def _video(self, number: int) -> PreparedVideo:
        return self.videos[self.clips[number].video]

    def _seen(self, number: int, draws: Draws | None) -> Ints:
        clip, video = self.clips[number], self._video(number)
        span = video.span(clip)
        if self.windows is not None:
            every = sampling.full_windows(video.timing, span.frames)
            return every[int(self.windows[number])]
        rate = video.media[span.media].frames.rate_hz
        try:
            return sampling.seen_frames(video.timing, self.task, span.frames, rate, draws)
        except DataError as error:
            raise DataError(f"{clip.line}: {error}") from None

    def _heard(self, number: int, seen: Ints) -> Tensor:
        clip, video = self.clips[number], self._video(number)
        span = video.span(clip)
        if not self.with_audio or not span.columns:
            return silence(len(seen), self.side)
        try:
            starts = sampling.audio_starts(video.timing, self.task, seen, span.frames, span.columns)
        except DataError as error:
            raise DataError(f"{clip.line}: {error}") from None
        return audio_input(video.heard(clip, starts), self.side)

    def _numbers(self, which: str) -> Ints:
        result = [
            self._video(n).label_frames(clip, getattr(self.chosen(n), which))
            for n, clip in enumerate(self.clips)
        ]
        return np.stack(result) if result else np.zeros((0, self.frames), np.int64)

    def _times(self, which: str) -> Floats:
        result = [
            self._video(n).time_s(clip, getattr(self.chosen(n), which))
            for n, clip in enumerate(self.clips)
        ]
        return np.stack(result) if result else np.zeros((0, self.frames))


def open_clips(
    root: Path | str,
    split: str | Path,
    *,
    task: str = "anticipation",
    training: bool = False,
    seed: int = 0,
    sides: tuple[int, int] = (256, 288),
    with_audio: bool = True,
    full_frames: bool = False,
    side: int = spatial.SIDE,
    frames: int = FRAMES,
    dataset: str | None = None,
) -> Clips:
    """The clips of a split.

    Args:
        root: prepared data set.
        split: `train`, `test` or another of its lists, or the path of a list; `val` is the list of
            tests where there is none of that name, as published.
        task: `anticipation`, gaze in frames to come, or `estimation`, in the frames seen.
        training: draw windows and squares rather than take those that are measured on.
        seed: of what is drawn, with epoch and place.
        sides: pixels of a frame's shorter side in training, drawn between them.
        with_audio: silence instead is for comparison.
        full_frames: of estimation, as many samples a clip as it takes to meet all of its frames.
        side: of the square that the network sees.
        frames: that it sees and predicts, of the eight.
        dataset: `ego4d` or `aria`, where only one of them will do.

    Raises:
        UsageError: no such task, or options that do not go together.
        DataError: no such list; a video that is not prepared, damaged, or too short for a clip that
            is listed; videos of two data sets. Names file and clip.
    """
    sampling.check_task(task)
    if full_frames and (training or task != "estimation"):
        raise UsageError("all frames are met in tests of estimation only")
    if not 2 <= frames <= FRAMES:
        raise UsageError(f"{frames} frames are wanted; 2 to {FRAMES} can be")
    if not side <= sides[0] <= sides[1]:
        raise UsageError(f"sides of {sides} pixels for squares of {side}; not below, and ascending")
    path = list_path(root, split)
    clips = read_list(path)
    videos = {name: open_video(root, name) for name in dict.fromkeys(c.video for c in clips)}
    _check(clips, videos, path)
    if dataset not in (None, clips[0].dataset):
        raise DataError(f"{path} lists clips of {clips[0].dataset}; {dataset} is wanted")
    result = Clips(
        videos,
        clips,
        task,
        training,
        seed,
        sides=sides,
        with_audio=with_audio,
        side=side,
        frames=frames,
    )
    return _all_frames(result) if full_frames else result


def open_training(
    root: Path | str, *, validation_fraction: float = 0.1, seed: int = 0,
    task: str = "anticipation",
    sides: tuple[int, int] = (256, 288), with_audio: bool = True, side: int = spatial.SIDE,
    frames: int = FRAMES, dataset: str | None = None,
) -> tuple[Clips, Clips | None]:  # fmt: skip
    """Clips to train on, and for validation those of whole videos, to choose an epoch by.

    `validation_fraction` is of the training videos, at least one; 0 holds out none. All else is
    as of `open_clips`, `sides` of training only. DataError also for too few videos.
    """
    if not 0 <= validation_fraction < 1:
        raise UsageError(f"a share of {validation_fraction} is held out; 0 to less than 1 can be")
    whole = open_clips(
        root, "train", task=task, training=True, seed=seed, sides=sides, with_audio=with_audio,
        side=side, frames=frames, dataset=dataset,
    )  # fmt: skip
    held = held_out(whole.video, validation_fraction, seed)
    if not held:
        return whole, None
    kept = [n for n, video in enumerate(whole.video) if video not in held]
    if not kept:
        raise DataError(
            f"{root}: {len(held)} video to train on; at least two are needed to hold out"
        )
    rest = [n for n, video in enumerate(whole.video) if video in held]
    return whole.subset(kept), replace(whole.subset(rest), training=False)


def held_out(videos: Sequence[str], fraction: float, seed: int) -> frozenset[str]:
    """A fraction of videos drawn by a seed, at least one; none of a fraction of 0."""
    names = sorted(set(videos))
    if not fraction or not names:
        return frozenset()
    drawn = np.random.default_rng(seed).permutation(len(names))
    return frozenset(names[n] for n in drawn[: max(1, round(fraction * len(names)))].tolist())


def list_path(root: Path | str, split: str | Path) -> Path:
    """Where a list lies: one of the data set's by its name, or any other by its path."""
    folder = Path(root) / SPLIT
    if isinstance(split, Path) or "/" in split or split.endswith((".list", ".csv", ".txt")):
        return Path(split)
    if split == "val" and not (folder / "val.list").is_file():
        split = "test"
    return folder / f"{split}.list"


def _check(clips: Sequence[Clip], videos: dict[str, PreparedVideo], path: Path) -> None:
    """All clips fit, and are of one data set."""
    datasets = {video.dataset for video in videos.values()} | {clip.dataset for clip in clips}
    if len(datasets) > 1:
        raise DataError(f"{path}: clips of {' and '.join(sorted(datasets))}; give one data set")
    for clip in clips:
        video = videos[clip.video]
        span, timing = video.span(clip), video.timing
        if span.frames < max(timing.limit, int(timing.window(timing.fps))) + timing.ahead:
            raise DataError(f"{clip.line}: {span.frames} frames are fewer than the window needs")
        video.label_frames(clip, np.array([span.frames - 1]))


def _all_frames(clips: Clips) -> Clips:
    """As many samples a clip as it takes."""
    counts = [
        len(sampling.full_windows(video.timing, video.span(clip).frames))
        for clip, video in zip(clips.clips, map(clips._video, range(len(clips))), strict=True)
    ]
    each = np.repeat(np.arange(len(clips)), counts)
    windows = np.concatenate([np.arange(count) for count in counts])
    return replace(clips, clips=[clips.clips[n] for n in each.tolist()], windows=windows)
