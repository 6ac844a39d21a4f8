"""Which frames of a clip are seen, which audio goes with them, and which frames are predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import torch

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.recordings.clips import CLIP_S
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_COLUMNS, COLUMNS_S

FRAMES = 8
"""Seen, and predicted."""
TASKS = ("anticipation", "estimation")
"""Gaze in frames to come, or in the frames seen."""

_TICKS = 512
"""Of a frame in the published clips; places of frames are rounded to ticks."""


class Draws(Protocol):
    """What draws numbers, for example of `random` or numpy."""

    def uniform(self, low: float, high: float, /) -> float:
        """A number between two."""


@dataclass(frozen=True)
class Timing:
    """How a data set's clips are sampled."""

    dataset: str
    fps: int
    """Frames a second that the steps are meant for."""
    step: int
    """Frames from one seen frame to the next."""
    limit: int
    """Frames of a clip that may be seen in anticipation."""
    ahead: int
    """Frames from the last one that may be seen to the first one that is predicted."""
    estimates_last: bool
    """Whether estimation is measured on the clip's last window rather than on its first."""

    def last_window(self, task: str) -> bool:
        """Whether a task is measured on the last window that is possible."""
        return task == "anticipation" or self.estimates_last

    def limit_of(self, task: str, frames: int) -> int:
        """Frames that may be seen, of a clip with so many."""
        return self.limit if task == "anticipation" else frames

    def window(self, fps: float | Fraction) -> float:
        """Frames from the first to the last one seen, both included, at another rate."""
        return (self.step * (FRAMES - 1) + 1) / self.fps * float(fps)


EGO4D = Timing("ego4d", fps=30, step=9, limit=86, ahead=1, estimates_last=False)
ARIA = Timing("aria", fps=20, step=5, limit=60, ahead=5, estimates_last=True)
TIMINGS = {timing.dataset: timing for timing in (EGO4D, ARIA)}


def check_task(task: str) -> None:
    """UsageError unless there is such a task."""
    if task not in TASKS:
        raise UsageError(f"no task '{task}'; there are {', '.join(TASKS)}")


def timing_of(dataset: str) -> Timing:
    """How a data set is sampled.

    Raises:
        DataError: no such data set.
    """
    if dataset not in TIMINGS:
        raise DataError(f"no data set '{dataset}'; there are {', '.join(TIMINGS)}")
    return TIMINGS[dataset]


def seen_frames(
    timing: Timing,
    task: str,
    frames: int,
    fps: float | Fraction,
    draws: Draws | None = None,
    *,
    last: bool | None = None,
    ticks: int = _TICKS,
) -> Ints:
    """Numbers `(8,)` of the frames that are seen, counted from the clip's first.

    Args:
        timing: of the data set.
        task: one of `TASKS`.
        frames: that the clip has.
        fps: its rate; the steps are those of `timing.fps`, stretched.
        draws: decides where the window begins; None measures as published.
        last: without `draws`, the last window or the first; None as published.
        ticks: of the clip's clock, a frame.

    Raises:
        DataError: the clip is shorter than the window.
    """
    limit = timing.limit_of(task, frames)
    size = timing.window(fps)
    if limit > frames or int(size) > limit:
        raise DataError(f"{frames} frames; {max(limit, int(size))} are needed for a clip")
    room = max(limit - size, 0)
    if draws is not None:
        start = float(draws.uniform(0, room))
    else:
        start = room if (timing.last_window(task) if last is None else last) else 0.0
    end = start + size - 1
    length = frames * ticks if limit == frames else limit / frames * (frames * ticks)
    tick = length / limit
    first = -(-int(start * tick) // ticks)
    after = int(end * tick) // ticks + 1
    kept = min(after, frames - 1) - first + 1
    places = torch.linspace(0, size - 1, FRAMES).long().clamp(max=kept - 1)
    return np.asarray(first + places.numpy(), np.int64)


def target_frames(
    timing: Timing, task: str, seen: Sequence[int] | Ints, frames: int, *, training: bool = False
) -> Ints:
    """Numbers `(8,)` of the frames whose gaze is predicted, counted from the clip's first.

    In training they follow the last frame seen, rather than the last that may be.
    """
    if task == "estimation":
        return np.asarray(seen, np.int64)
    base = int(seen[-1]) if training else timing.limit - 1
    first, last = base + timing.ahead, base + frames - timing.limit
    if not training:
        last = frames - 1
    return np.linspace(first, last, FRAMES).astype(np.int64)


def audio_starts(timing: Timing, task: str, seen: Ints, frames: int, columns: int) -> Ints:
    """First columns `(8,)` of the spectrograms around the frames seen.

    None begins before the clip's audio or ends after that which may be heard, so those of early and
    of late frames are the same. `columns` are of the clip's spectrogram; DataError for too few.
    """
    limit = timing.limit_of(task, frames)
    width = int(columns * limit / frames)
    if width < AUDIO_COLUMNS + 1:
        raise DataError(f"{width} columns of audio; at least {AUDIO_COLUMNS + 1} are needed")
    half = AUDIO_COLUMNS // 2
    centre = torch.round(torch.as_tensor(seen).float() / limit * width)
    return np.asarray(centre.clamp(half, width - 1 - half).numpy(), np.int64) - half


def full_windows(timing: Timing, frames: int) -> list[Ints]:
    """Windows `(8,)` of frames by which estimation meets every frame of a clip.

    Frames beyond the last one repeat it.
    """
    block = timing.step * FRAMES
    starts = [
        i
        for first in range(0, frames, block)
        for i in range(first, min(first + timing.step, frames))
    ]
    ahead = timing.step * np.arange(FRAMES)
    return [np.minimum(start + ahead, frames - 1) for start in starts]


_COLUMN_REACH_S = 0.005
"""By which the audio in a column goes beyond its middle."""


@dataclass(frozen=True)
class Window:
    """Times in seconds after the last frame seen, so mostly below 0."""

    task: str
    step_s: float
    """From one frame of the published eight to the next."""
    steps: Ints
    """`(n,)` which of the eight are seen, the last one always."""
    horizon_s: Floats
    """`(n,)` of the moments that the maps are about."""
    clip_s: float
    """Where the clip begins, before which nothing is heard."""
    audio_starts: Ints
    """`(n,)` first columns of the spectrograms around the frames, counted from there."""

    @property
    def columns(self) -> int:
        """Of the clip's audio that are heard, or passed over before."""
        return int(self.audio_starts.max()) + AUDIO_COLUMNS

    @property
    def audio_until_s(self) -> float:
        """Up to where audio must be there: by this an output comes later than its last frame."""
        return self.clip_s + (self.columns - 1) / COLUMNS_S + _COLUMN_REACH_S


def window_of(timing: Timing, task: str, frames: int = FRAMES) -> Window:
    """The window on which a task is measured, at the rate that its data set has by name.

    `frames` is how many of the eight the network sees; for small networks.
    """
    check_task(task)
    length, fps = CLIP_S * timing.fps, timing.fps
    seen = seen_frames(timing, task, length, fps)
    known = target_frames(timing, task, seen, length)
    starts = audio_starts(timing, task, seen, length, CLIP_S * COLUMNS_S)
    steps = np.linspace(0, FRAMES - 1, frames).round().astype(np.int64)
    last = int(seen[-1])
    return Window(
        task, timing.step / fps, steps, (known[steps] - last) / fps, -last / fps, starts[steps]
    )
