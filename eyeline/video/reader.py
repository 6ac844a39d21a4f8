"""Reading a video frame by frame, decoded ahead in a thread, at exact times whatever the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.errors import UsageError, VideoError
from eyeline.remote.address import redacted
from eyeline.results import Part, VideoInfo
from eyeline.video.clock import Clock
from eyeline.video.container import audio_stream, open_source, video_stream, video_streams
from eyeline.video.decode import declared_end, decoded
from eyeline.video.frame import Frame, upright
from eyeline.video.handover import ahead
from eyeline.video.passes import Pass, rate_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Frame", "VideoReader", "probe"]

PROBE_PACKETS = 3000
"""Packets after which a file that gave no image yet is refused."""


def probe(
    path: str | Path,
    *,
    decode_threads: int = 1,
    video_track: int | None = None,
    turn_deg: int = 0,
) -> VideoInfo:
    """Look at a video's header and first frame; the arguments are those of `VideoReader`.

    `frame_count`, `duration_s` and `variable_rate` are what the header lets one expect;
    `VideoReader.info` has them exactly after a full pass.

    Raises:
        VideoError: the file is missing, no file, empty, no video, or gives no image at all.
    """
    with open_source(path) as container:
        stream = _image(container, path, video_track)
        first = _first_image(container, stream, path, decode_threads)
        return _expected(container, stream, first, path, turn_deg)


class VideoReader:
    """Yields the frames of a video in order of showing; every iteration reads the file anew.

    Decoding runs in a thread of its own, a bounded number of frames ahead, so memory does not grow
    with the video. Damaged places are passed over: their frames are yielded as far as the decoder
    gives them, marked `damaged`, and `info.damage` names the spans.

    Attributes:
        info: expected values from `probe`; exact after the first full pass.
        warnings: what was odd about the stamps, in words; filled by a full pass.
        complete: whether a full pass has been made.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        rate_hz: float | None = None,
        queue_frames: int = 8,
        decode_threads: int = 1,
        video_track: int | None = None,
        turn_deg: int = 0,
        parts: Sequence[Part] = (),
    ) -> None:
        """Look at the file; nothing but the first frame is decoded yet.

        Args:
            path: the video file.
            rate_hz: None for every frame; otherwise only the frames nearest to the times
                `k / rate_hz` are yielded, each at most once.
            queue_frames: how many frames are decoded ahead.
            decode_threads: threads of the decoder beside this program's own. Only images coded
                in slices gain by more than one, and damaged places then differ between passes.
            video_track: as of `container.video_stream`.
            turn_deg: clockwise turn of all frames beyond what the file says: 0, 90, 180 or 270.
            parts: spans of time, in order and without overlap, whose frames alone are yielded; the
                file is read no further than to the end of the last one.

        Raises:
            VideoError: see `probe`.
            UsageError: the rate or the queue is not greater than zero.
        """
        if rate_hz is not None and not rate_hz > 0:
            raise UsageError(f"the analysis rate must be greater than 0 Hz, not {rate_hz}")
        if queue_frames < 1:
            raise UsageError(f"at least one frame must be read ahead, not {queue_frames}")
        info = probe(
            path, decode_threads=decode_threads, video_track=video_track, turn_deg=turn_deg
        )
        self.info = replace(info, parts=tuple(parts))
        self.warnings: tuple[str, ...] = ()
        self.complete = False
        self._path = path
        self._rate_hz = rate_hz
        self._queue_frames = queue_frames
        self._decode_threads = decode_threads
        self._video_track = video_track

    def __iter__(self) -> Iterator[Frame]:
        """All chosen frames; an error of the decoding thread is raised here."""
        return ahead(self._frames, self._queue_frames, "eyeline-decode")

    def _frames(self) -> Iterator[Frame]:
        with open_source(self._path) as container:
            stream = _image(container, self._path, self._video_track)
            one_pass = Pass(
                container, stream, self._decode_threads, self.info.turn_deg, self.info.parts
            )
            yield from one_pass.frames(self._rate_hz)
            self.info, self.warnings = one_pass.result(self.info, self._path)
            self.complete = True


def _image(container: InputContainer, path: str | Path, track: int | None) -> VideoStream:
    stream = video_stream(container, track)
    if stream is None and not container.streams:
        raise VideoError(f"{path} has a header that tells of no stream; copy it again, uncut")
    if stream is None:
        kinds = sorted({s.type for s in container.streams})
        what = "audio but no moving image" if "audio" in kinds else "no moving image"
        raise VideoError(f"{path} holds {what}; give the video that it was recorded with")
    if stream.codec_context is None:
        raise VideoError(
            f"{path} is coded in a way that this FFmpeg cannot decode; convert it to H.264 first"
        )
    return stream


def _first_image(
    container: InputContainer, stream: VideoStream, path: str | Path, threads: int
) -> VideoFrame:
    said = "no data"
    for count, step in enumerate(decoded(container, stream, threads)):
        if step.frames:
            first: VideoFrame = step.frames[0]
            return first
        if step.fault is not None:
            said = step.fault.message
        if count == PROBE_PACKETS:
            break
    raise VideoError(f"{path} gives no image that can be decoded ({said}); copy it again")


def _expected(
    container: InputContainer,
    stream: VideoStream,
    first: VideoFrame,
    path: str | Path,
    turn_deg: int,
) -> VideoInfo:
    shape = upright(first, stream.sample_aspect_ratio, turn_deg)
    audio = audio_stream(container)
    rate = rate_of(container, stream)
    start = Clock(Fraction(stream.time_base or 1 / rate), 1 / rate).place(first.pts, first.dts)
    end = declared_end(container, stream) or start + 1 / rate
    duration = max(end - start, 1 / rate)
    return VideoInfo(
        path=redacted(str(path)),
        width_px=shape.size_wh[0],
        height_px=shape.size_wh[1],
        rate_hz=rate,
        start_s=float(start),
        duration_s=float(duration),
        frame_count=max(1, round(duration * rate)),
        has_audio=audio is not None,
        rotation_deg=shape.turn_deg,
        pixel_aspect=shape.pixel_aspect,
        variable_rate=bool(stream.base_rate) and stream.average_rate != stream.base_rate,
        player_start_s=float(start) - (container.start_time or 0) / 1_000_000,
        turn_deg=turn_deg,
        video_track=[s.index for s in video_streams(container)].index(stream.index) + 1,
        audio_track=None
        if audio is None
        else [s.index for s in container.streams.audio].index(audio.index) + 1,
    )
