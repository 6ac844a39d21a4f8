"""Single frames out of long videos: which there are, and their pixels without decoding the rest."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, VideoError
from eyeline.results import Floats, Image, Ints
from eyeline.video.audio import has_audio, read_audio
from eyeline.video.container import listen, open_source, video_stream
from eyeline.video.decode import Fault, packets, take_only
from eyeline.video.frame import Pixels, upright
from eyeline.video.passes import rate_of
from eyeline.video.reader import probe

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_ROUNDING_S = 1e-5
_KEPT_OPEN = 12
"""A decoder of large images holds some 30 MB."""


@dataclass(frozen=True)
class Frames:
    """The frames of a video by their own stamps, however the file is sought or cut."""

    stamps: Ints
    """`(frame,)` ascending ticks."""
    keys: Ints
    """`(key,)` ascending ticks of the frames at which decoding can begin."""
    tick_s: Fraction
    rate_hz: Fraction

    def __len__(self) -> int:
        return len(self.stamps)

    @cached_property
    def time_s(self) -> Floats:
        """`(frame,)` seconds after the first one."""
        result: Floats = (self.stamps - self.stamps[0]) * float(self.tick_s)
        return result

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last one."""
        return float(self.time_s[-1] + 1 / float(self.rate_hz))

    def shown_at(self, time_s: Floats | Sequence[float]) -> Ints:
        """Numbers of the frames that are on show at some times; the last one where it is over."""
        early = max(float(self.tick_s), _ROUNDING_S / float(self.rate_hz))
        wanted = np.asarray(time_s, np.float64) + early
        at = np.searchsorted(self.time_s, wanted, side="right") - 1
        return np.asarray(np.maximum(at, 0), np.int64)


def find_frames(path: Path) -> Frames:
    """Look at all packets of a video; nothing is decoded. VideoError for one without stamps."""
    with open_source(path) as container:
        stream = _image(container, path)
        tick, rate = Fraction(stream.time_base or 0), rate_of(container, stream)
        take_only(container, stream)
        stamps, keys = [], []
        for packet in packets(container, stream):
            if isinstance(packet, Fault) or not packet.size or packet.is_discard:
                continue
            if packet.pts is None or not tick:
                raise VideoError(f"{path} has frames without time stamps; convert it to mp4 first")
            stamps.append(packet.pts)
            keys += [packet.pts] if packet.is_keyframe else []
    if not stamps:
        raise VideoError(f"{path} holds no image that can be decoded")
    return Frames(np.unique(stamps), np.unique(np.array(keys or stamps[:1])), tick, rate)


class Videos:
    """Reads frames of many videos; those read last stay open."""

    def __init__(self, size: int = _KEPT_OPEN) -> None:
        self._size = size
        self._open: OrderedDict[Path, _Open] = OrderedDict()
        self._process = os.getpid()

    def __reduce__(self) -> tuple[type[Videos], tuple[int]]:
        return Videos, (self._size,)

    def read(self, path: Path, frames: Frames, numbers: Ints) -> Image:
        """Some frames `(n, height, width, 3)` uint8 RGB, upright, in full size.

        `numbers` `(n,)` ascend; a frame may come several times. DataError for a frame that is not
        there or cannot be decoded; names it.
        """
        number = np.asarray(numbers, np.int64)
        if len(number) and number[-1] >= len(frames):
            raise DataError(f"{path} has {len(frames)} frames; number {number[-1]} is wanted")
        wanted = [int(stamp) for stamp in frames.stamps[number]]
        result = dict(self._of(path).images(set(wanted), frames)) if wanted else {}
        missing = [
            n for n, stamp in zip(number.tolist(), wanted, strict=True) if stamp not in result
        ]
        if missing:
            self._open.pop(path).close()
            raise DataError(f"{path}: frame {missing[0]} cannot be decoded")
        return np.stack([result[stamp] for stamp in wanted])

    def each(self, path: Path, frames: Frames, numbers: Ints) -> Iterator[Image]:
        """As `read`, one `(height, width, 3)` after the other; one that is lost is the one before.

        DataError where the first one cannot be decoded.
        """
        wanted = [int(stamp) for stamp in frames.stamps[np.asarray(numbers, np.int64)]]
        result = self._of(path).images(set(wanted), frames)
        here, image = next(result, (None, None))
        if here != wanted[0] or image is None:
            raise DataError(f"{path}: frame {int(numbers[0])} cannot be decoded")
        following = next(result, None)
        for stamp in wanted:
            if following is not None and following[0] <= stamp:
                image, following = following[1], next(result, None)
            yield image

    def close(self) -> None:
        """Close all videos."""
        while self._open:
            self._open.popitem()[1].close()

    def _of(self, path: Path) -> _Open:
        if self._process != os.getpid():
            # two processes that read through one descriptor move it under each other
            self._open, self._process = OrderedDict(), os.getpid()
        result = self._open.pop(path, None) or _Open(path)
        self._open[path] = result
        if len(self._open) > self._size:
            self._open.popitem(last=False)[1].close()
        return result


class _Open:
    """One open video."""

    def __init__(self, path: Path) -> None:
        self.container = open_source(path)
        self.stream = _image(self.container, path)
        take_only(self.container, self.stream)
        context = self.stream.codec_context
        context.thread_type, context.thread_count = "SLICE", 1
        self.pixels: Pixels | None = None

    def close(self) -> None:
        self.container.close()

    def images(self, wanted: set[int], frames: Frames) -> Iterator[tuple[int, Image]]:
        """Stamps and pixels of the frames that are there, in order."""
        keys = frames.keys[frames.keys <= min(wanted)]
        self.container.seek(int(keys[-1] if len(keys) else frames.stamps[0]), stream=self.stream)
        left = len(wanted)
        for image in self._decoded(wanted):
            if image.pts in wanted:
                if self.pixels is None:
                    self.pixels = Pixels(upright(image, self.stream.sample_aspect_ratio))
                yield image.pts, self.pixels.rgb(image)
                left -= 1
                if not left:
                    return

    def _decoded(self, wanted: set[int]) -> Iterator[VideoFrame]:
        context: Any = self.stream.codec_context
        for packet in packets(self.container, self.stream):
            if isinstance(packet, Fault):
                continue
            # what no other frame is predicted from, and nobody asks for, need not be decoded
            context.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            yield from _frames_of(packet)
        yield from _frames_of(None, context)


def _frames_of(packet: Any, context: Any = None) -> list[Any]:
    """What a packet gives; a damaged one nothing."""
    import av

    with listen():
        try:
            return list(packet.decode() if context is None else context.decode(None))
        except av.FFmpegError:
            return []


def _image(container: InputContainer, path: Path) -> VideoStream:
    stream = video_stream(container)
    if stream is None or stream.codec_context is None:
        raise VideoError(f"{path} holds no moving image that can be decoded")
    return stream


_FULL_SCALE = 32768

Pcm = npt.NDArray[np.int16]


def read_pcm(
    video: Path, beside: Path | None, rate_hz: int, *, start_s: int = 0, most: int | None = None
) -> Pcm:
    """Samples `(n,)` of 16 bits, mono, from the first frame on; none where there is no audio.

    Args:
        video: the file with the frames.
        beside: a file with the audio of the whole video, which comes first where there is one.
        rate_hz: samples a second.
        start_s: second of the whole video at which the file with the frames begins.
        most: samples after which reading ends.
    """
    source = beside or video
    parts, count = [np.zeros(0, np.int16)], 0
    if has_audio(source):
        first_s = float(start_s) if beside else probe(video).start_s
        for block in read_audio(source, rate_hz, start_s=first_s):
            kept = np.clip(np.rint(block.samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
            parts.append(kept.astype(np.int16))
            count += len(block.samples)
            if most is not None and count >= most:
                break
    return np.concatenate(parts)[:most]


def to_floats(samples: Pcm) -> npt.NDArray[np.float32]:
    """The same with full scale 1."""
    return samples.astype(np.float32) / np.float32(_FULL_SCALE)
