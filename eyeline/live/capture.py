"""Frames of a camera, a stream or a file as they come, in a thread of its own; newest first."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from eyeline.errors import UsageError, VideoError
from eyeline.log import Log
from eyeline.video.container import listen, video_stream, words
from eyeline.video.decode import decoded
from eyeline.video.frame import Frame, Pixels, upright
from eyeline.video.reader import VideoReader

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

PROTOCOLS = ("rtsp", "rtsps", "rtmp", "http", "https", "tcp", "udp", "srt")
_WHITELIST = "rtp,tls,crypto," + ",".join(PROTOCOLS)  # no files, whatever a playlist names
OPEN_S, SILENT_S = 10.0, 5.0
"""How long the first frame may take, and how long a stream may then be silent before it is lost."""
STALL_S, RETRY_S = 2.0, 1.0
"""After how long without frames that is reported, and how often what was lost is tried again."""
RING_FRAMES = 4
_USUAL_FRAMES = 30
_LEAST_S = 0.001  # between two frames of a stream that come at once


@dataclass(frozen=True)
class Source:
    """Where frames come from."""

    kind: Literal["camera", "stream", "file"]
    address: str

    @classmethod
    def of(cls, address: str | None, camera: str | None) -> Source:
        """By an address or a file, or by a camera's number or device; UsageError for both."""
        if (address is None) == (camera is None):
            raise UsageError("name one source: --camera NUMBER, an address (rtsp://...) or a file")
        if camera is not None and sys.platform != "linux":
            raise UsageError("--camera is for Linux so far; give an address or a file")
        if camera is not None:
            return cls("camera", f"/dev/video{camera}" if camera.isdigit() else camera)
        protocol, separator, _ = str(address).partition("://")
        if not separator:
            return cls("file", str(address))
        if protocol not in PROTOCOLS:
            raise UsageError(f"no protocol '{protocol}'; there are {', '.join(PROTOCOLS)}")
        return cls("stream", str(address))

    def open(self) -> InputContainer:
        """Open a camera or a stream; VideoError says in one line why that cannot be."""
        import av

        form = "v4l2" if self.kind == "camera" else None
        options = {} if form else {"protocol_whitelist": _WHITELIST, "fflags": "nobuffer"}
        options |= {"rtsp_transport": "tcp"} if self.address.startswith("rtsp") else {}
        with listen() as said:
            try:
                return av.open(
                    self.address, format=form, options=options, timeout=(OPEN_S, SILENT_S)
                )
            except (av.FFmpegError, OSError, ValueError) as error:
                raise VideoError(f"{self.address} {_why(error, words(said))}") from error


def _why(error: Exception, said: str) -> str:
    number = getattr(error, "errno", None)
    known = {
        errno.EBUSY: "is in use by another program; end that one, or choose another camera",
        errno.ENOENT: "does not exist; plug the camera in, or choose another --camera",
        errno.ENODEV: "is no camera; choose another --camera",
        errno.EACCES: "may not be read; let this user into the group `video`, or change its rights",
        errno.ECONNREFUSED: "refuses the connection; see that its server runs, and its port",
        errno.ETIMEDOUT: f"did not answer within {OPEN_S:.0f} s; see that it runs and is reachable",
    }
    reason = said or getattr(error, "strerror", None) or str(error)
    return known.get(number or 0, f"cannot be opened ({reason}); check the address")


@dataclass(frozen=True)
class Grab:
    """A frame as it came."""

    frame: Frame
    captured: float
    """When, on the clock of `time.monotonic`."""
    cut: bool = False
    """Whether a new shot begins: the source was lost before it, or its size has changed."""


class Ring:
    """The last frames that nobody has taken; whoever takes gets the newest, the rest is dropped."""

    def __init__(self, size: int = RING_FRAMES) -> None:
        self._grabs: deque[Grab] = deque(maxlen=size)
        self._changed = threading.Condition()
        self._ended = False
        self.count = 0
        """Frames that have come."""

    def put(self, grab: Grab) -> None:
        """Add a frame; the oldest one is dropped where the buffer is full."""
        with self._changed:
            self._grabs.append(grab)
            self.count += 1
            self._changed.notify_all()

    def end(self) -> None:
        """No more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Grab | None:
        """The newest frame; None where none came in time, or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._grabs or self._ended, timeout_s)
            if not self._grabs:
                return None
            cut = any(grab.cut for grab in self._grabs)
            newest = self._grabs[-1]
            self._grabs.clear()
            return Grab(newest.frame, newest.captured, cut)

    @property
    def ended(self) -> bool:
        """Whether nothing is left and nothing more will come."""
        return self._ended and not self._grabs


class Capture:
    """Reads a source until it ends or is stopped, over losses of what is no file.

    Args:
        source: what to read.
        accept: shown each frame first; False refuses it, and nothing counts it.
        log: called with a line wherever something happens to the source.

    Attributes:
        ring: where the frames are to be taken.
        error: why there are none, once the ring has ended.
        lost: how often the source was lost.
        away: whether it is lost now.
        stopping: ends it once it is set.
    """

    def __init__(self, source: Source, accept: Callable[[Frame], bool], log: Log) -> None:
        self._source, self._accept, self._log = source, accept, log
        self.ring, self.lost, self.away = Ring(), 0, False
        self.error: Exception | None = None
        self.stopping = threading.Event()
        self._pixels: Pixels | None = None
        self._size_wh = 0, 0
        self._stamps: deque[float] = deque(maxlen=_USUAL_FRAMES)
        self._count, self._begin = 0, 0.0
        self._thread = threading.Thread(target=self._run, name="eyeline-capture", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End it, as far as the source allows."""
        self.stopping.set()
        self.join(2.0)

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            grabs = self._file() if self._source.kind == "file" else self._stream()
            for grab in grabs:
                grab.frame.index = self._count
                if self._accept(grab.frame):
                    self._count += 1
                    self.ring.put(grab)
                if self.stopping.is_set():
                    break
        except Exception as error:  # noqa: BLE001 - raised by whoever takes the frames
            self.error = error
        finally:
            self.ring.end()

    def _file(self) -> Iterator[Grab]:
        """A file at its own rate: a frame is captured when its time has come."""
        begin = None
        for frame in VideoReader(Path(self._source.address)):
            begin = time.monotonic() if begin is None else begin
            if self.stopping.wait(max(0.0, begin + frame.time_s - time.monotonic())):
                return
            yield Grab(frame, time.monotonic())

    def _stream(self) -> Iterator[Grab]:
        """A camera or a stream, opened again and again once it has given a frame."""
        name = self._source.address
        while not self.stopping.is_set():
            reason = "it ended"
            try:
                with self._source.open() as container:
                    for grab in self._frames(container):
                        if self.away:
                            self._log(f"{name} is back")
                        yield Grab(grab.frame, grab.captured, grab.cut or self.away)
                        self.away = False
            except VideoError as error:
                if self._pixels is None:
                    raise
                reason = str(error)
            if self._pixels is None and not self.stopping.is_set():
                raise VideoError(f"{name} gave no frame; see that it is sending video")
            if not self.away and not self.stopping.is_set():
                self.lost, self.away = self.lost + 1, True
                self._log(f"{name} was lost ({reason}); it is tried again until Ctrl-C")
            self.stopping.wait(RETRY_S)

    def _frames(self, container: InputContainer) -> Iterator[Grab]:
        stream = video_stream(container)
        if stream is None or stream.codec_context is None:
            raise VideoError(f"{self._source.address} has no video that can be decoded")
        from av.codec.context import Flags

        stream.codec_context.flags |= Flags.low_delay.value
        for step in decoded(container, stream):
            if self.stopping.is_set() or (step.packet is None and step.fault and not step.frames):
                return
            for image in step.frames:
                yield self._grab(image, stream.sample_aspect_ratio)

    def _grab(self, image: VideoFrame, aspect: Any) -> Grab:
        cut, now, size_wh = False, time.monotonic(), (image.width, image.height)
        if self._pixels is None:
            self._pixels, self._begin = Pixels(upright(image, aspect)), now
        elif size_wh != self._size_wh:
            first = self._pixels.upright.stored_wh
            fit = "" if size_wh == first else f"; they are fitted into {first[0]}x{first[1]}"
            said = f"frames of {size_wh[0]}x{size_wh[1]} from now on{fit}"
            self._log(f"{self._source.address}: {said}")
            cut = True
        self._size_wh = size_wh
        image = fitted(image, self._pixels.upright.stored_wh)
        time_s = now - self._begin
        if self._stamps:
            time_s = max(time_s, self._stamps[-1] + _LEAST_S)
        self._stamps.append(time_s)
        usual_s = float(np.median(np.diff(self._stamps))) if len(self._stamps) > 1 else 1 / 30
        frame = Frame(image, self._pixels, index=0, time_s=time_s, end_s=time_s + usual_s)
        return Grab(frame, now, cut)


def fitted(image: VideoFrame, size_wh: tuple[int, int]) -> VideoFrame:
    """An image in the centre of another size, black around it; itself where it has that size."""
    import av

    width, height = size_wh
    if (image.width, image.height) == size_wh:
        return image
    scale = min(width / image.width, height / image.height)
    inner = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    small = image.reformat(width=inner[0], height=inner[1], format="rgb24").to_ndarray()
    canvas[top : top + inner[1], left : left + inner[0]] = small
    return av.VideoFrame.from_ndarray(canvas, format="rgb24")
