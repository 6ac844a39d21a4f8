"""The videos that are measured on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from eyeline.geometry import directions
from eyeline.results import Floats

REAL = Path(__file__).parents[2] / "shared/reference/vgs/data/video/012.mp4"
"""Four people on a couch, 1280x720, 23.976 frames a second, 16.5 s, with audio."""

SIDES = Path(__file__).parents[1] / "tests/material/sides_012.csv"
"""Sides of the looks in every 15th frame of that clip, labelled by eye."""
MEMBERS = ("woman_in_yellow", "blond_woman", "man_in_t_shirt", "man_with_cap")
"""The four on the couch from left to right, as `SIDES` calls them."""


def side(direction: Floats, ray: Floats) -> str:
    """Where a direction points as the camera sees it: the rule behind `SIDES`, set before them."""
    yaw, pitch = directions.to_yaw_pitch(-ray)
    local = directions.rotation_from_angles(yaw, pitch, np.zeros_like(yaw)).T @ direction
    turn, nod = (float(np.degrees(a)) for a in directions.to_yaw_pitch(local))
    if nod < -20 and -nod > 0.8 * abs(turn):
        return "down"
    if np.degrees(float(directions.angle(direction, -ray))) < 18:
        return "camera"
    return "left" if turn < 0 else "right"


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


def without_audio(source: Path, target: Path, frames: int | None = None) -> None:
    """The images alone, all or the first ones, copied without encoding."""
    import av

    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for count, packet in enumerate(read.demux(read.streams.video[0])):
            if packet.dts is None or (frames is not None and count >= frames):
                break
            packet.stream = stream
            write.mux(packet)
