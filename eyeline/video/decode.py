"""Packets read and decoded one by one to the end of a file, whatever is broken on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.video.container import listen, open_source, video_stream, words

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

PATIENCE = 1000
"""Reads that may fail one after the other before the rest of a file is given up."""
READ_AHEAD = 50
"""Packets that are read before the one that is decoded, where somebody wants to know them."""


@dataclass(frozen=True)
class Fault:
    """Something that went wrong between two good frames."""

    at: Fraction | None
    """Stamp of the packet on the file's clock, in seconds; None where it has none."""
    message: str
    """What FFmpeg said."""
    sure: bool = True
    """False for a mere complaint of FFmpeg's, which need not have cost any frame."""


@dataclass(frozen=True)
class Step:
    """What one packet gave."""

    frames: tuple[Any, ...]
    """Decoded `av` frames in the order in which they are shown."""
    fault: Fault | None = None
    packet: Packet[Any] | None = None
    """The packet, None where reading failed and at the end."""


def decoded(
    container: InputContainer,
    stream: Any,
    threads: int = 1,
    ahead: Callable[[Packet[Any]], None] | None = None,
) -> Iterator[Step]:
    """Decode a stream from where the container stands to its end, over whatever is broken.

    Args:
        container: from `open_source`; its other streams are skipped.
        stream: the image or audio to decode.
        threads: threads of the decoder, which share the slices of one frame. With more than one,
            what FFmpeg puts in a damaged place differs from pass to pass. Threads a frame are not
            used at all: errors are then told late, and frames are lost after one at the end.
        ahead: called with each packet, `READ_AHEAD` packets before it is decoded.

    Yields:
        One step a packet; a step may hold no frame, several frames, a fault, or both.
    """
    take_only(container, stream)
    context = stream.codec_context
    context.thread_type = "SLICE"
    # dav1d writes its log from threads that closing waits for while holding Python's lock.
    context.thread_count = 1 if context.name == "libdav1d" else threads
    read = packets(container, stream)
    for packet in read if ahead is None else _read_ahead(read, ahead):
        if isinstance(packet, Fault):
            yield Step((), packet)
        else:
            yield _step(packet.decode, packet)
    # Where reading was given up, the decoder still holds frames; elsewhere it is empty by now.
    yield _step(context.decode, None)


def declared_end(container: InputContainer, stream: Any) -> Fraction | None:
    """Stamp at which the file says that the stream ends, in seconds; None where it does not."""
    if stream.duration:
        return Fraction((stream.start_time or 0) + stream.duration) * Fraction(stream.time_base)
    tag = _parse_duration(stream.metadata.get("DURATION", ""))
    if tag is not None:
        return tag
    return Fraction(container.duration, 1_000_000) if container.duration else None


def declares_stream_end(stream: Any) -> bool:
    """Whether `declared_end` speaks of this very stream rather than of the whole file."""
    return bool(stream.duration) or bool(stream.metadata.get("DURATION"))


def last_stamp(path: str | Path, video_track: int | None = None) -> Fraction:
    """Where the last packet of a video track, or of any stream, ends; nothing is decoded.

    Returns:
        Seconds on the file's clock.
    """
    end = Fraction(0)
    with open_source(path) as container:
        track = None if video_track is None else video_stream(container, video_track)
        for packet in stamped(container, track):
            ticks = (packet.pts or 0) + (packet.duration or 0)
            end = max(end, ticks * Fraction(packet.time_base))
    return end


def stamped(container: InputContainer, stream: Stream | None) -> Iterator[Packet[Any]]:
    """The packets that can be placed in time, as they lie in the file."""
    for packet in packets(container, stream):
        if not isinstance(packet, Fault) and packet.pts is not None:
            yield packet


def take_only(container: InputContainer, stream: Stream) -> None:
    """Skip all other streams while reading."""
    from av.stream import Discard

    for other in container.streams:
        other.discard = Discard.default if other is stream else Discard.all


def packets(container: InputContainer, stream: Stream | None) -> Iterator[Packet[Any] | Fault]:
    """Packets as they lie in the file, with a fault wherever reading fails or complains.

    Args:
        container: from `open_source`.
        stream: the stream to read, None for all of them.
    """
    import av

    chosen = () if stream is None else (stream,)
    reading = container.demux(*chosen)
    failures = 0
    while failures < PATIENCE:
        packet, failure = None, None
        with listen() as said:
            try:
                packet = next(reading, None)
            except av.FFmpegError as error:
                failure = error.strerror or str(error)
            except IndexError:
                # Damage made FFmpeg see streams that PyAV did not count; the end is reached.
                return
        if failure is not None:
            failures += 1
            reading = container.demux(*chosen)
            yield Fault(None, words(said) or failure)
        elif packet is None:
            return
        else:
            failures = 0
            if said:
                yield Fault(None, words(said), sure=False)
            yield packet


def _read_ahead(
    read: Iterable[Packet[Any] | Fault], ahead: Callable[[Packet[Any]], None]
) -> Iterator[Packet[Any] | Fault]:
    waiting: deque[Packet[Any] | Fault] = deque()
    for packet in read:
        if not isinstance(packet, Fault):
            ahead(packet)
        waiting.append(packet)
        if len(waiting) > READ_AHEAD:
            yield waiting.popleft()
    yield from waiting


def _step(decode: Callable[[], list[Any]], packet: Packet[Any] | None) -> Step:
    import av

    frames: list[Any] = []
    torn = packet is not None and packet.is_corrupt
    failure = "part of the packet is missing" if torn else ""
    with listen() as said:
        try:
            frames = decode()
        except av.EOFError:
            pass
        except av.FFmpegError as error:
            failure = error.strerror or str(error)
    if not failure and not said:
        return Step(tuple(frames), None, packet)
    at = None if packet is None else _stamp(packet)
    fault = Fault(at, words(said) or failure, sure=bool(failure))
    return Step(tuple(frames), fault, packet)


def _stamp(packet: Packet[Any]) -> Fraction | None:
    ticks = packet.pts if packet.pts is not None else packet.dts
    return None if ticks is None else ticks * Fraction(packet.time_base)


def _parse_duration(text: str) -> Fraction | None:
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None
