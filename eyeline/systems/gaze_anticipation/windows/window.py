"""What the network is shown at a moment, and which moments it tells of, as measured on clips.

A clip of evaluation is a window that ends with the last frame seen; here the same window ends at
any moment of a video.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.recordings.clips import CLIP_S
from eyeline.systems.gaze_anticipation.windows import sampling
from eyeline.systems.gaze_anticipation.windows.sampling import AUDIO_COLUMNS, FRAMES, Timing
from eyeline.systems.gaze_anticipation.windows.spectrogram import COLUMNS_S

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
    def seen_s(self) -> Floats:
        """`(n,)` of the frames seen."""
        result: Floats = (self.steps - (FRAMES - 1)) * self.step_s
        return result

    @property
    def columns(self) -> int:
        """Of the clip's audio that are heard, or passed over before."""
        return int(self.audio_starts.max()) + AUDIO_COLUMNS

    @property
    def audio_until_s(self) -> float:
        """Up to where audio must be there: by this an answer comes later than its last frame."""
        return self.clip_s + (self.columns - 1) / COLUMNS_S + _COLUMN_REACH_S


def window_of(timing: Timing, task: str, frames: int = FRAMES) -> Window:
    """The window on which a task is measured, at the rate that its data set has by name.

    Args:
        timing: of the data set.
        task: one of `sampling.TASKS`.
        frames: that the network sees, of the eight; for small networks.

    Raises:
        UsageError: no such task.
    """
    sampling.check_task(task)
    length, fps = CLIP_S * timing.fps, timing.fps
    seen = sampling.seen_frames(timing, task, length, fps)
    known = sampling.target_frames(timing, task, seen, length)
    starts = sampling.audio_starts(timing, task, seen, length, CLIP_S * COLUMNS_S)
    steps = np.linspace(0, FRAMES - 1, frames).round().astype(np.int64)
    last = int(seen[-1])
    return Window(
        task, timing.step / fps, steps, (known[steps] - last) / fps, -last / fps, starts[steps]
    )
