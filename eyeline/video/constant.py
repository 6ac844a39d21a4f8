"""Converting a video to exactly 25 frames a second, audio kept, whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from eyeline.errors import OutputError, UsageError
from eyeline.results import VideoInfo
from eyeline.video.container import open_source, video_stream
from eyeline.video.copying import copied, written
from eyeline.video.decode import Fault, packets
from eyeline.video.grid import on_grid
from eyeline.video.reader import VideoReader, probe
from eyeline.video.writer import VideoWriter

RATE_HZ = 25
QUALITY = 12
"""Constant rate factor of x264: no difference can be seen."""
_ENDINGS = (".mkv", ".mp4")
_COARSEST_TICK_S = Fraction(1, 250)

How = Literal["copied", "encoded"]


def convert_to_25_fps(source: str | Path, target: Path, threads: int = 2) -> How:
    """Write a video at constant 25 Hz.

    Frame k of the result is the frame of the source that is nearest to k/25 s after its first one,
    so frames are dropped or come twice as with `ffmpeg -r 25`. A video that has constant 25 Hz
    already, stands upright and has square pixels is copied without encoding it anew; everything
    else becomes H.264 of a quality that the eye cannot tell from the source's.

    Args:
        source: the video.
        target: `.mkv` or `.mp4`; its folder must exist.
        threads: of the encoder.

    Returns:
        Whether the images were copied or encoded.

    Raises:
        UsageError: the target has another ending.
        VideoError: the source cannot be read.
        OutputError: the target cannot be written.
    """
    if target.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{target}: videos are written as {' or '.join(_ENDINGS)}")
    info = probe(source)
    part = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    coded = part.with_suffix(".coded.mp4")
    try:
        if is_constant(source, info) and copied(source, part):
            how: How = "copied"
        else:
            how = "encoded"
            _encode(source, coded, info, threads)
            if not copied(coded, part):
                raise OutputError(f"{target}: FFmpeg cannot put H.264 there")
        with written(target):
            part.replace(target)
    finally:
        for rest in (part, coded):
            with suppress(OSError):
                rest.unlink(missing_ok=True)
    return how


def is_constant(source: str | Path, info: VideoInfo | None = None) -> bool:
    """Whether all frames lie on a grid of 25 Hz, upright and square; nothing is decoded.

    Args:
        source: the video.
        info: of `probe`, where it is known.
    """
    info = info or probe(source)
    if info.rotation_deg or info.pixel_aspect != 1 or info.damage:
        return False
    with open_source(source) as container:
        stream = video_stream(container)
        if stream is None or not stream.time_base or stream.time_base > _COARSEST_TICK_S:
            return False
        tick, stamps = stream.time_base, []
        for packet in packets(container, stream):
            if isinstance(packet, Fault) or (packet.size and packet.pts is None):
                return False
            if packet.size and not packet.is_discard:
                stamps.append(packet.pts or 0)
    return _evenly(sorted(stamps), tick)


def _evenly(stamps: list[int], tick: Fraction) -> bool:
    """Whether sorted stamps are one frame apart; rounded to ticks each may be one off."""
    if not stamps:
        return False
    places = (np.array(stamps, np.float64) - stamps[0]) * float(tick)
    wanted = np.arange(len(stamps)) / RATE_HZ
    return bool(np.abs(places - wanted).max() <= float(tick) * 1.001)


def _encode(source: str | Path, target: Path, info: VideoInfo, threads: int) -> None:
    reader = VideoReader(source, rate_hz=RATE_HZ)
    at_25 = replace(info, rate_hz=Fraction(RATE_HZ))
    with VideoWriter(
        target,
        at_25,
        audio_from=source if info.has_audio else None,
        preset="veryfast",
        quality=QUALITY,
        encode_threads=threads,
    ) as writer:
        for number, frame in on_grid(reader, RATE_HZ):
            writer.write(frame.rgb(), number / RATE_HZ, (number + 1) / RATE_HZ)
