"""Where the wearer will look, or looks now, while images and audio come; live or offline.

Outputs are those of evaluation: where a window ends as a clip's does, the network is shown the very
same squares and spectrograms.

What is kept from window to window: each square, computed once though several windows see it;
each column of the spectrogram; and, for a video without audio, what the network makes of silence,
which saves it a sixth of its work. Nothing else can be kept: behind the first layer each token has
attended to tokens of all eight moments and knows its place among them, so other windows have other
tokens of an image; and the first layer itself takes 9 ms of 1.6 s.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from eyeline.errors import DataError, UsageError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.run import Running
from eyeline.systems.gaze_anticipation.inputs import audio_input
from eyeline.systems.gaze_anticipation.model import PATCH, GazeAnticipation
from eyeline.systems.gaze_anticipation.network.passes import Passes
from eyeline.systems.gaze_anticipation.windows import spatial
from eyeline.systems.gaze_anticipation.windows.sampling import FRAMES, timing_of, window_of
from eyeline.systems.gaze_anticipation.windows.spatial import Places
from eyeline.systems.gaze_anticipation.windows.spectrogram import COLUMNS_S, Hearing

EVERY = {"anticipation": 3, "estimation": 8}
"""Steps from one window to the next, by task, by default."""
PATIENCE_S = 2.0
"""A window whose audio is later than this behind the images takes silence for the rest."""
ROUNDING_S = 1e-3
"""Stamps of some files are rounded to milliseconds."""

ImageItem = Image | Callable[[], Image]
"""`(height, width, 3)` uint8 RGB, or what makes it when it is needed."""


@dataclass(frozen=True)
class WindowOutput:
    """What one window gives."""

    time_s: float
    """Of the last frame that it saw."""
    horizon_s: Floats
    """`(n,)` moments that the maps are about: later ones, or those of the frames seen."""
    maps: Floats
    """`(n, cells, cells)` float32 over the square that was seen, each with a sum of 1."""
    point_px: Floats
    """`(n, 2)` where each is largest, pixels of the image."""
    heard: bool
    """Whether the audio was there in time; silence took its place otherwise."""


@dataclass(frozen=True)
class _Due:
    """A window that is whole, but perhaps not in audio."""

    moment: int
    clip: Tensor
    """`(3, frames, side, side)`."""


class Stream:
    """A network that watches and listens.

    A window of eight moments, `window.step_s` apart, is predicted as soon as the last one's image
    and `delay_s` more of the audio are there, and every `every` moments. Nothing of later images
    enters a prediction, nor of audio beyond `delay_s`. As long as an image stands still no new
    window is made.

    Args:
        network: in evaluation mode, on its device, or a file of it in another runtime.
        dataset: `ego4d` or `aria`, whose steps it was trained with.
        task: `anticipation`, the next two seconds, or `estimation`, the moments seen.
        every: moments from one window to the next, by default `EVERY`.
        origin_s: a moment of the grid; by default the first image's.
        with_audio: False for silence in its place.
        at_once: windows that pass through the network together; more than 1 is not for live use.
    """

    def __init__(
        self,
        network: GazeAnticipation | Running,
        *,
        dataset: str = "ego4d",
        task: str = "anticipation",
        every: int | None = None,
        origin_s: float | None = None,
        with_audio: bool = True,
        at_once: int = 1,
    ) -> None:
        self.window = window_of(timing_of(dataset), task, network.interface.sizes["frames"])
        self.every = EVERY[task] if every is None else every
        if self.every < 1 or at_once < 1:
            raise UsageError(f"every is {every}, at_once {at_once}; both must be at least 1")
        self.side, self.at_once = network.interface.sizes["side"], at_once
        self._passes = Passes(network)
        self.places: Places | None = None
        """Of the images, from the first one on."""
        self._origin_s = origin_s
        self._hearing = Hearing() if with_audio else None
        self._next = 0
        """The moment whose image comes next."""
        self._held: tuple[ImageItem, Tensor | None] | None = None
        """The last image and, once a moment has needed it, its square."""
        self._squares: deque[Tensor] = deque(maxlen=FRAMES)
        """Of the last moments."""
        self._last_square: Tensor | None = None
        """The last square of the last window."""
        self._shown_s = -math.inf
        self._due: deque[_Due] = deque()
        self._ready: list[tuple[_Due, Tensor | None, bool]] = []

    @property
    def delay_s(self) -> float:
        """Audio that is needed beyond the stamp of a window's last image, to 3 ms.

        A live prediction is later than its last image by this and by the time of the network.
        """
        return 0.0 if self._hearing is None else self.window.audio_until_s

    @property
    def heard_s(self) -> float:
        """Up to where the audio is known; without audio, and at its end, infinite."""
        return math.inf if self._hearing is None else self._hearing.known_s

    def show(
        self, image: ImageItem, time_s: float, end_s: float | None = None
    ) -> list[WindowOutput]:
        """A further image, upright and all of one size; taken only if a moment falls on it.

        `time_s` is its stamp, ascending; `end_s` until when it is on show; None where only the next
        image tells. DataError for a stamp that is not after the last one, or another size.
        """
        if not time_s > self._shown_s or not math.isfinite(time_s + (end_s or 0)):
            raise DataError(f"an image of {time_s} s to {end_s} s after one of {self._shown_s} s")
        if self._origin_s is None:
            self._origin_s = time_s
        self._fill(time_s - ROUNDING_S)
        self._held, self._shown_s = (image, None), time_s
        self._fill(time_s + ROUNDING_S if end_s is None else end_s - ROUNDING_S)
        return self._outputs()

    def hear(self, samples: Floats) -> list[WindowOutput]:
        """Further audio, in blocks `(n,)` of any length, mono at 24 kHz, full scale 1.

        The first sample ever is that of second 0 of the images' stamps.
        """
        if self._hearing is None:
            raise UsageError("this stream was begun without audio")
        self._hearing.hear(samples)
        return self._outputs()

    def end_audio(self) -> list[WindowOutput]:
        """No more audio comes; the rest is silent."""
        if self._hearing is not None:
            self._hearing.end()
        return self._outputs()

    def end(self) -> list[WindowOutput]:
        """No more comes; of estimation the moments since the last window are reported, too."""
        last = self._next - 1
        if self.window.task == "estimation" and self._is_new():
            self._due.append(self._window(last))
        if self._hearing is not None:
            self._hearing.end()
        return self._outputs(all_of_them=True)

    def _fill(self, until_s: float) -> None:
        """Moments before a time get the last image."""
        filled = 0
        while (moment_s := self._time_of(self._next)) < until_s:
            if self._held is None or filled > FRAMES + self.every:
                # before the first image, or while it stands still for long, nothing is to be done
                self._next = max(self._next + 1, self._moment_of(until_s) - 1)
                continue
            filled += 1
            self._squares.append(self._square())
            if (self._next - FRAMES + 1) % self.every == 0 and self._is_new():
                self._due.append(self._window(self._next))
            self._next += 1
            self._forget(moment_s)

    def _is_new(self) -> bool:
        """Whether a whole window ends with an image that no window before ended with."""
        return len(self._squares) == FRAMES and self._squares[-1] is not self._last_square

    def _time_of(self, moment: int) -> float:
        assert self._origin_s is not None
        return self._origin_s + moment * self.window.step_s

    def _moment_of(self, time_s: float) -> int:
        """The moment at a time or before it, but for rounding."""
        assert self._origin_s is not None
        return math.floor((time_s - self._origin_s) / self.window.step_s)

    def _square(self) -> Tensor:
        """`(3, side, side)` of the image on show."""
        assert self._held is not None
        image, square = self._held
        if square is None:
            pixels = image() if callable(image) else image
            square = spatial.seen(pixels[None], self._placed(pixels).view)[:, 0]
            self._held = image, square
        return square

    def _placed(self, pixels: Image) -> Places:
        """Where the square of an image lies, which is the same for all."""
        sizes = check_shape(pixels, "height width 3", "an image")
        size_wh = sizes["width"], sizes["height"]
        if self.places is None:
            view = spatial.central_view(size_wh[1], size_wh[0], self.side)
            self.places = Places(view, size_wh, self.side // PATCH)
        if self.places.size_wh != size_wh:
            raise DataError(
                f"an image of {size_wh[0]}x{size_wh[1]} among those of "
                f"{self.places.size_wh[0]}x{self.places.size_wh[1]}; begin a new stream"
            )
        return self.places

    def _window(self, moment: int) -> _Due:
        self._last_square = self._squares[-1]
        seen = [self._squares[step] for step in self.window.steps.tolist()]
        return _Due(moment, torch.stack(seen, dim=1))

    def _outputs(self, *, all_of_them: bool = False) -> list[WindowOutput]:
        while self._due and self._in_time(self._due[0].moment):
            due = self._due.popleft()
            self._ready.append((due, *self._heard(due.moment)))
        result: list[WindowOutput] = []
        while self._ready and (all_of_them or len(self._ready) >= self.at_once):
            now, self._ready = self._ready[: self.at_once], self._ready[self.at_once :]
            result += self._predicted(now)
        return result

    def _in_time(self, moment: int) -> bool:
        """Whether all audio of a window is there, or will not be waited for."""
        if self._hearing is None:
            return True
        return self._has_audio(moment) or self._shown_s >= self._time_of(moment) + PATIENCE_S

    def _has_audio(self, moment: int) -> bool:
        until = self._clip(moment) + self.window.columns
        return self._hearing is not None and self._hearing.knows(until)

    def _clip(self, moment: int) -> int:
        """Column with which the clip of a window begins."""
        return round((self._time_of(moment) + self.window.clip_s) * COLUMNS_S)

    def _heard(self, moment: int) -> tuple[Tensor | None, bool]:
        """Spectrograms `(1, frames, side, side)` of a window, and whether nothing is lacking."""
        if self._hearing is None:
            return None, False
        created = self._hearing.windows(self._clip(moment), self.window.audio_starts)
        return audio_input(created, self.side), self._has_audio(moment)

    def _forget(self, moment_s: float) -> None:
        """Let go of the audio that no window will ask for."""
        if self._hearing is not None:
            first_s = self._time_of(self._due[0].moment) if self._due else moment_s
            self._hearing.forget(math.floor((first_s + self.window.clip_s) * COLUMNS_S))

    def _predicted(self, ready: list[tuple[_Due, Tensor | None, bool]]) -> list[WindowOutput]:
        assert self.places is not None
        created = self._passes.maps(
            torch.stack([due.clip for due, _, _ in ready]),
            [audio for _, audio, _ in ready if audio is not None],
        )
        return [
            WindowOutput(
                self._time_of(due.moment),
                self._time_of(due.moment) + self.window.horizon_s,
                maps,
                self.places.peaks(maps),
                heard,
            )
            for (due, _, heard), maps in zip(ready, created, strict=True)
        ]
