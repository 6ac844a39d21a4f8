"""A clip's images at 30 a second and its audio, out of its own file or of a longer video."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError
from eyeline.results import VideoInfo
from eyeline.systems.ego_social.inputs import AUDIO_HZ
from eyeline.systems.ego_social.recordings.annotations import RATE_HZ
from eyeline.video.audio import has_audio, read_audio
from eyeline.video.container import open_source, video_stream
from eyeline.video.frame import Frame
from eyeline.video.handover import ahead
from eyeline.video.passes import Pass
from eyeline.video.reader import VideoReader, probe

Shown = tuple[float, float, Frame]
"""When a frame begins and ends, in seconds of the clip, and the frame."""

_ROUNDING_S = 1e-4
"""By which stamps may lie before the time that they mean."""
_LEAD_S = 2.0
"""Decoded and dropped before a clip that begins within a video."""
_QUEUE_FRAMES = 8
_FULL_SCALE = 32768


@dataclass
class Footage:
    """One clip's images and audio; what was odd is known once the images have been read."""

    path: Path
    span_s: tuple[float, float] | None = None
    """Start and end in a longer video; None where the file is the clip."""
    repeated: int = 0
    """Numbers that show the frame of the number before."""
    dropped: int = 0
    """Frames that no number shows."""
    damaged: tuple[int, ...] = ()
    """Numbers whose image was decoded from damaged data."""
    damaged_audio: int = 0
    """Spans of audio that cannot be decoded and are silent."""
    start_s: float = 0.0
    """Stamp of the first image on the file's clock."""

    def images(self) -> Iterator[tuple[int, Frame]]:
        """Numbers from 0 without gaps, as `ffmpeg -vf fps=30` makes them."""
        self.repeated, self.dropped, self.damaged = 0, 0, ()
        last: Frame | None = None

        def counted() -> Iterator[Shown]:
            for each in self.shown():
                self.dropped += 1
                yield each

        for number, frame in at_rate(counted()):
            again = frame is last
            self.repeated += again
            self.dropped -= not again
            self.damaged += (number,) if frame.damaged else ()
            last = frame
            yield number, frame
        if last is None:
            raise DataError(self.nothing)

    @property
    def nothing(self) -> str:
        """What is wrong with a clip without frames."""
        return f"{self.path} ends before the clip begins, at {self.span_s} s"

    def audio(self) -> npt.NDArray[np.int16]:
        """Samples `(n,)`, 16 kHz mono, from the first image on; none in a file without audio.

        `images` is to be read first, which finds where they begin.
        """
        if not has_audio(self.path):
            return np.zeros(0, np.int16)
        end = math.inf if self.span_s is None else self.span_s[1] - self.span_s[0]
        parts = [np.zeros(0, np.int16)]
        blocks = read_audio(self.path, AUDIO_HZ, start_s=self.start_s)
        for block in blocks:
            if block.time_s >= end:
                break
            parts.append(to_16_bits(block.samples))
        self.damaged_audio = len(blocks.damage)
        samples = np.concatenate(parts)
        return samples if math.isinf(end) else samples[: round(end * AUDIO_HZ)]

    def shown(self) -> Iterator[Shown]:
        """The frames as they are, at the file's own rate, with times in seconds of the clip."""
        info = probe(self.path)
        self.start_s = info.start_s
        if self.span_s is not None:
            return self._part(info, *self.span_s)
        reader = VideoReader(self.path, queue_frames=_QUEUE_FRAMES)
        return ((frame.time_s, frame.end_s, frame) for frame in reader)

    def _part(self, info: VideoInfo, start_s: float, end_s: float) -> Iterator[Shown]:
        """Frames that begin within the span, from the key frame before it on."""
        first: float | None = None
        for time_s, until_s, frame in ahead(
            lambda: self._from(info, start_s - _LEAD_S), _QUEUE_FRAMES, "eyeline-decode"
        ):
            if time_s < start_s - _ROUNDING_S:
                continue
            if time_s >= end_s - _ROUNDING_S:
                return
            if first is None:
                first = time_s
                self.start_s = info.start_s + time_s
            yield time_s - first, until_s - first, frame

    def _from(self, info: VideoInfo, time_s: float) -> Iterator[Shown]:
        """All frames from the last key frame before a time on, with times of the video."""
        with open_source(self.path) as container:
            stream = video_stream(container)
            assert stream is not None and stream.time_base is not None, self.path
            if time_s > 0:
                ticks = int(Fraction(info.start_s + time_s) / stream.time_base)
                container.seek(ticks, stream=stream)
            one_pass = Pass(container, stream, 1)
            for frame in one_pass.frames(None):
                offset_s = float(one_pass.start) - info.start_s
                yield frame.time_s + offset_s, frame.end_s + offset_s, frame


def at_rate(shown: Iterable[Shown], rate_hz: int = RATE_HZ) -> Iterator[tuple[int, Frame]]:
    """Lay frames on a constant rate by FFmpeg's rule.

    Every frame goes to the number nearest to its time and stays until the next one's; of several
    at one number the last is taken. (`video.grid` asks which frame is nearest to a number's time,
    which gives others where the rates differ.)

    Yields:
        Numbers from 0 without gaps; a frame that comes again is the same object.
    """
    kept: tuple[int, Frame] | None = None
    end = 0
    for time_s, end_s, frame in shown:
        number = _nearest(time_s * rate_hz)
        if kept is not None:
            yield from ((k, kept[1]) for k in range(kept[0], number))
        kept = number if kept is None else max(number, kept[0]), frame
        end = _nearest(end_s * rate_hz)
    if kept is not None:
        yield from ((k, kept[1]) for k in range(kept[0], end))


def to_16_bits(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Samples of full scale 1 as they are stored."""
    scaled = np.rint(samples * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)


def _nearest(value: float) -> int:
    """Halves go up; the small term keeps them clear of rounding."""
    return math.floor(value + 0.5 + 1e-6)
