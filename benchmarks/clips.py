"""The videos that are measured on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

REAL = Path(__file__).parents[2] / "shared/reference/vgs/data/video/012.mp4"
"""Four people on a couch, 1280x720, 23.976 frames a second, 16.5 s, with audio."""


def clip() -> Path:
    """The real clip where it is at hand, else the packaged sample."""
    from eyeline import sample

    return REAL if REAL.is_file() else sample.path()


def repeat(source: Path, target: Path, times: int) -> None:
    """The same images and audio again and again, copied without encoding."""
    import av

    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        streams = {
            s.index: write.add_stream_from_template(s)
            for s in (*read.streams.video, *read.streams.audio)
        }
        video = read.streams.video[0]
        length = Fraction(video.duration * video.time_base) if video.duration else Fraction(1)
        for n in range(times):
            read.seek(0)
            for packet in read.demux(*[read.streams[i] for i in streams]):
                if packet.dts is None or packet.pts * packet.time_base >= length:
                    continue
                shift = round(n * length / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                write.mux(packet)
