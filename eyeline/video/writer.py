"""Writing a video with exact times and the audio of its source; it appears whole or not at all."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from eyeline.errors import DataError, OutputError, VideoError, check_shape
from eyeline.results import Image, VideoInfo
from eyeline.video.container import listen, open_source
from eyeline.video.gaps import Shortened
from eyeline.video.placing import audio_spans
from eyeline.video.soundtrack import (
    LONGEST_STEP_S,
    CopiedAudio,
    EncodedAudio,
    can_be_copied,
    first_stamp,
)

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

FINEST_TICKS = 90_000
"""The time base has at least so many ticks a second, and is a multiple of the video's rate; but see
`LONGEST_STEP`."""
LONGEST_STEP = 2**31 - 1
"""Ticks from one frame to the next that an mp4 file can hold."""
KEY_FRAME_S = 2
"""A key frame at least so often, so that players seek quickly."""
AUDIO_AHEAD_S = 0.5
"""Audio is written so far ahead of the image."""
_BT601, _LIMITED_RANGE = 6, 1


class VideoWriter:
    """Writes upright RGB frames as H.264 in mp4, with the audio of the source in step.

    The file is written beside its place under a temporary name and renamed at the end, so whatever
    bears the name is complete. Use it as a context manager; leaving it by an exception removes the
    unfinished file.

    Attributes:
        frame_count: frames written so far.
        audio: `copied`, `encoded` to AAC, or None without audio.
        audio_packets_lost: audio packets too damaged to be copied.
    """

    def __init__(
        self,
        path: str | Path,
        info: VideoInfo,
        *,
        audio_from: str | Path | None = None,
        preset: str = "ultrafast",
        quality: int = 23,
        encode_threads: int = 2,
        key_frame_s: float = KEY_FRAME_S,
        audio_end_s: float = math.inf,
        pitched: bool = False,
    ) -> None:
        """Prepare to write; nothing touches the disk before `with`.

        Args:
            path: the mp4 file to write.
            info: size, rate, start, gaps, audio track and analysed parts of the video whose frames
                are written; outside of its parts there is silence.
            audio_from: the file whose audio goes along, normally `info.path`.
            preset: speed of x264. A busy 720p image took 3.3 ms of processor time at `ultrafast`
                (4.2 Mbit/s), 5.5 at `superfast` (2.6) and 7.3 at `veryfast` (1.3), all of the same
                quality.
            quality: constant rate factor of x264, 0 (lossless) to 51.
            encode_threads: threads of the encoder.
            key_frame_s: longest time from one key frame to the next; 0 makes each frame one.
            audio_end_s: where the audio ends, on the written video's clock.
            pitched: whether voices are to sound like nobody's, see `video.pitch`.
        """
        self.frame_count = 0
        self.audio: str | None = None
        self.audio_packets_lost = 0
        self._path = Path(path)
        self._info = info
        self._audio_from = audio_from
        self._options = {"preset": preset, "crf": str(quality), "bf": "0"}
        self._threads = encode_threads
        self._key_frame_s = key_frame_s
        self._audio_end_s = audio_end_s
        self._pitched = pitched
        longest_s = max((gap.end_s - gap.start_s for gap in info.gaps), default=0.0)
        self._tick = Fraction(1, ticks_a_second(info.rate_hz, longest_s))
        self._lengths: dict[int, int] = {}
        self._last: int | None = None
        self._track: CopiedAudio | EncodedAudio | None = None

    def __enter__(self) -> Self:
        """Open the temporary file.

        Raises:
            OutputError: the folder is missing or cannot be written to.
        """
        self._part = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        with self._reporting():
            self._part.touch()
        try:
            with self._reporting():
                self._open()
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, rgb: Image, time_s: float, end_s: float) -> None:
        """Write the next frame.

        Args:
            rgb: `(h, w, 3)` in the size of `info`.
            time_s: when it begins to be shown, on the video's clock; later than the frame before.
            end_s: when it ends; matters for the last frame, the others last until the next one.

        Raises:
            DataError: wrong size, or not after the frame before.
            OutputError: the disk is full or gone.
        """
        height, width = self._info.height_px, self._info.width_px
        check_shape(rgb, f"{height} {width} 3", "the frame to write")
        at = round(Fraction(time_s) / self._tick)
        if self._last is not None and at <= self._last:
            raise DataError(f"frame at {time_s} s was written after one that begins no earlier")
        self._last = at
        self._lengths[at] = max(1, round(Fraction(end_s - time_s) / self._tick))
        frame = _coded(rgb)
        frame.pts, frame.time_base = at, self._tick
        with self._reporting():
            self._mux_image(self._image.encode(frame))
            self._mux_audio(float(at * self._tick) + AUDIO_AHEAD_S)
        self.frame_count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file and give it its name, or remove it after an exception.

        Raises:
            OutputError: nothing was written, or the disk did not take all of it.
        """
        try:
            if error is None:
                self._finish()
        finally:
            self._discard()

    def _open(self) -> None:
        import av

        # In the usual milliseconds, edit lists would put the audio up to one off.
        options = {
            "movflags": "+faststart",
            "movie_timescale": str(self._tick.denominator),
            # Otherwise FFmpeg makes coarse ticks finer than a long gap allows.
            "video_track_timescale": str(self._tick.denominator),
        }
        self._container: OutputContainer = av.open(
            f"file:{self._part}", "w", format="mp4", container_options=options
        )
        self._image = self._add_image()
        if self._audio_from is not None:
            self._add_audio(self._audio_from)

    def _add_image(self) -> VideoStream:
        rate = self._info.rate_hz
        stream: VideoStream = self._container.add_stream(
            "libx264", rate=rate, options=self._options
        )
        stream.width = self._info.width_px + self._info.width_px % 2
        stream.height = self._info.height_px + self._info.height_px % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = self._tick
        context.gop_size = max(1, math.ceil(self._key_frame_s * rate))
        context.thread_count = self._threads
        context.colorspace, context.color_range = _BT601, _LIMITED_RANGE
        return stream

    def _add_audio(self, path: str | Path) -> None:
        track, start = self._info.audio_track, Fraction(self._info.start_s)
        if first_stamp(path, track) is None:
            return
        clock = Shortened()
        if self._info.gaps:
            clock = Shortened.of(self._info.gaps, audio_spans(path, start, track))
        if self._info.parts:
            clock = replace(clock, parts=self._info.parts)
        in_steps = (
            not clock.parts
            and not self._pitched
            and all(seconds < LONGEST_STEP_S for _, seconds in clock.cuts)
        )
        if in_steps and can_be_copied(path, track):
            self.audio = "copied"
            self._track = CopiedAudio(path, self._container, start, track)
        else:
            self.audio = "encoded"
            self._track = EncodedAudio(
                path, self._container, start, track, clock, pitch=self._pitched
            )

    def _mux_image(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            assert packet.pts is not None
            packet.duration = self._lengths.pop(packet.pts)
            self._container.mux(packet)

    def _mux_audio(self, until_s: float) -> None:
        if self._track is None:
            return
        self._mux_all(self._track.until(min(until_s, self._audio_end_s)))
        if until_s == math.inf:
            self._mux_all(self._track.rest())

    def _mux_all(self, packets: Iterator[Packet[Any]]) -> None:
        import av

        for packet in packets:
            try:
                self._container.mux(packet)
            except (av.InvalidDataError, av.ArgumentError):
                self.audio_packets_lost += 1

    def _finish(self) -> None:
        if not self.frame_count:
            raise OutputError(f"{self._path} was not written: it was given no frame")
        with self._reporting():
            self._mux_image(self._image.encode(None))
            self._mux_audio(math.inf)
            self._container.close()
            self._check()
            self._part.replace(self._path)

    def _check(self) -> None:
        """FFmpeg does not report every failed write at the end of a file."""
        try:
            with open_source(self._part) as container:
                result = container.streams.video[0].frames
        except VideoError:
            result = 0
        if result != self.frame_count:
            raise OutputError(
                f"{self._path} could not be written whole: {result} of {self.frame_count} frames "
                "arrived; look for space on the disk"
            )

    def _discard(self) -> None:
        container, track = getattr(self, "_container", None), self._track
        if track is not None:
            track.close()
        if container is not None:
            with suppress(Exception), listen():
                container.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn what FFmpeg and the disk say into one line."""
        import av

        try:
            with listen():
                yield
        except (av.FFmpegError, OSError) as error:
            reason = error.strerror or str(error)
            raise OutputError(
                f"{self._path} cannot be written: {reason}; look for space and rights in "
                f"{self._path.parent}"
            ) from error


def ticks_a_second(rate_hz: Fraction, longest_s: float = 0.0) -> int:
    """Ticks in which all frame times of a constant rate are whole, and others exact to 11 us.

    Args:
        rate_hz: the video's average rate; that of a variable one may be any fraction.
        longest_s: the longest time between two frames; over hours ticks are coarser.
    """
    whole = Fraction(rate_hz).numerator
    # A second more for the frame before the gap.
    most = max(1, int(LONGEST_STEP / (longest_s + 1)))
    if whole > min(10 * FINEST_TICKS, most):
        return min(FINEST_TICKS, most)
    return min(whole * -(-FINEST_TICKS // whole), most // whole * whole)


def _coded(rgb: Image) -> VideoFrame:
    """The frame as 4:2:0, odd sides made even by repeating the last row or column."""
    import cv2
    from av.video.frame import VideoFrame

    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    # Three times as fast as swscale for this conversion.
    planes: Any = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    return VideoFrame.from_ndarray(planes, format="yuv420p")
