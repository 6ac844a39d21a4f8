"""Packets of a video put into another file as they are: the whole of it, or a span."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import OutputError, VideoError
from eyeline.video.container import audio_stream, listen, open_source, video_stream
from eyeline.video.decode import Fault, packets, take_only
from eyeline.video.reader import probe

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

ROUNDING_S = 1e-4
"""By which stamps may lie before the time that they mean."""
_LEAD_S = 2.0
_BEHIND = 64
"""Packets after the end that are looked at for frames from before it."""


def copied(source: str | Path, target: Path) -> bool:
    """Put image and audio into another file as they are; False where it cannot hold them.

    Raises:
        VideoError: the source cannot be read whole.
        OutputError: the target cannot be written.
    """
    with open_source(source) as read:
        return _mux(read, source, target, lambda packet: packet.pts is not None, 0.0)


def copied_span(source: str | Path, target: Path, start_s: float, end_s: float) -> bool:
    """Put a span of a video into another file: exactly the frames that begin in it, and its audio.

    This needs a key frame at its beginning, and no frame in it that is stored behind its end; False
    where that is not so, or the other file cannot hold the packets. Raises as `copied`.

    Args:
        source: the video.
        target: appears whole or not at all.
        start_s: on the clock whose 0 is the video's first frame, as `end_s`.
        end_s: where it ends.
    """
    origin_s = probe(source).start_s
    start, end = (origin_s + time_s - ROUNDING_S for time_s in (start_s, end_s))
    begin = _begin(source, start, end)
    if begin is None:
        return False
    part = target.with_name(f".{target.stem}.copied{target.suffix}")
    try:
        with open_source(source) as read:
            _seek(read, begin)
            inside = _Inside(start, end)
            done = _mux(read, source, part, inside, begin)
        if done:
            with written(target):
                part.replace(target)
        return done
    finally:
        part.unlink(missing_ok=True)


class _Inside:
    """Which packets belong to a span: audio by its time, images until the first behind the end."""

    def __init__(self, start: float, end: float) -> None:
        self._start, self._end, self._over = start, end, False

    def __call__(self, packet: Packet[Any]) -> bool:
        time_s = _time(packet)
        if packet.stream.type == "video":
            self._over = self._over or time_s >= self._end
            return not self._over and time_s >= self._start
        return self._start <= time_s < self._end


def _begin(source: str | Path, start: float, end: float) -> float | None:
    """Stamp of a span's first frame, on the file's clock; None where it cannot be cut as it is."""
    begin: float | None = None
    behind = 0
    with open_source(source) as read:
        take_only(read, _seek(read, start))
        for packet in packets(read, video_stream(read)):
            if isinstance(packet, Fault) or packet.pts is None or not packet.size:
                continue
            time_s = _time(packet)
            if begin is None:
                if time_s < start:
                    continue
                if time_s >= end or not packet.is_keyframe:
                    return None
                begin = time_s
            behind += behind > 0 or time_s >= end
            if time_s < start or (behind and time_s < end):
                return None
            if behind > _BEHIND:
                break
    return begin


def _seek(read: InputContainer, time_s: float) -> Any:
    stream = video_stream(read)
    if stream is None or not stream.time_base:
        raise VideoError(f"{read.name} holds no moving image")
    read.seek(int(Fraction(time_s - _LEAD_S) / stream.time_base), stream=stream)
    return stream


def _mux(
    read: InputContainer,
    source: str | Path,
    target: Path,
    wanted: Callable[[Packet[Any]], bool],
    begin_s: float,
) -> bool:
    """Write the packets that are wanted, with times from `begin_s` on."""
    import av

    chosen = [s for s in (video_stream(read), audio_stream(read)) if s is not None]
    with written(target), listen(), av.open(f"file:{target}", "w") as write:
        try:
            into = {s.index: write.add_stream_from_template(s) for s in chosen}
            write.start_encoding()
        except (av.FFmpegError, ValueError):
            return False
        for packet in packets(read, None):
            if isinstance(packet, Fault):
                raise VideoError(f"{source} cannot be read whole: {packet.message}")
            if not packet.size or packet.pts is None or packet.stream.index not in into:
                continue
            if wanted(packet):
                shift = round(Fraction(begin_s) / packet.time_base)
                packet.pts -= shift
                packet.dts = None if packet.dts is None else packet.dts - shift
                packet.stream = into[packet.stream.index]
                write.mux(packet)
    return True


def _time(packet: Packet[Any]) -> float:
    return float((packet.pts or 0) * packet.time_base)


@contextmanager
def written(target: Path) -> Iterator[None]:
    """Turn what FFmpeg and the disk say into one line."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{target} cannot be written: {reason}; look for space and rights in {target.parent}"
        ) from error
