"""Short videos in many forms, made of the packaged sample: encoded, copied, damaged."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.bitstream import BitStreamFilterContext

from torture.command import SAMPLE

os.environ.setdefault("SVT_LOG", "1")  # an encoder that prints its settings otherwise

RATE_HZ, AUDIO_HZ, SECONDS = 25, 48_000, 3
WIDTH_PX, HEIGHT_PX = 640, 360
X264 = {"preset": "veryfast", "crf": "20"}


@cache
def images() -> list[np.ndarray]:
    """The first seconds of the sample, RGB."""
    with av.open(SAMPLE) as file:
        frames = file.decode(video=0)
        rgb = [next(frames).to_ndarray(format="rgb24") for _ in range(SECONDS * RATE_HZ)]
    return [cv2.resize(image, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA) for image in rgb]


@cache
def waveform() -> np.ndarray:
    """Their audio, mono, from -1 to 1."""
    with av.open(SAMPLE) as file:
        parts = [frame.to_ndarray() for frame in file.decode(audio=0)]
    return np.concatenate(parts, axis=1).mean(axis=0)[: SECONDS * AUDIO_HZ].astype(np.float32)


@dataclass(frozen=True)
class Video:
    """A video stream to be written."""

    codec: str = "libx264"
    pixels: str = "yuv420p"
    size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)
    which: Sequence[int] = range(SECONDS * RATE_HZ)
    """Numbers of the frames."""
    time_s: Callable[[int], float] = lambda k: k / RATE_HZ
    """When the frame of this number is shown."""
    options: Mapping[str, str] = field(default_factory=dict)
    aspect: Fraction = Fraction(1)
    """Width of a pixel by its height."""
    cover: bool = False
    rate_hz: int = RATE_HZ
    ticks_hz: int = 90_000


@dataclass(frozen=True)
class Audio:
    """An audio stream to be written."""

    codec: str = "aac"
    hz: int = AUDIO_HZ
    layout: str = "stereo"
    samples: Callable[[], np.ndarray] = waveform
    start_s: float = 0.0


def write(
    path: Path,
    *streams: Video | Audio,
    form: str | None = None,
    muxer: Mapping[str, str] | None = None,
) -> None:
    """Encode streams into a file; an `av.FFmpegError` where the encoder is not there."""
    with av.open(str(path), "w", format=form, options=dict(muxer or {})) as out:
        packets: list[Any] = []
        for one in streams:
            packets += _video(out, one) if isinstance(one, Video) else _audio(out, one)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)


def _video(out: Any, one: Video) -> list[Any]:
    preset = X264 if one.codec.startswith("libx264") else {}
    stream = out.add_stream(one.codec, rate=one.rate_hz, options=dict(preset | one.options))
    stream.width, stream.height = one.size
    stream.pix_fmt, stream.time_base = one.pixels, Fraction(1, one.ticks_hz)
    stream.codec_context.time_base = stream.time_base
    stream.codec_context.sample_aspect_ratio = one.aspect
    if one.cover:
        stream.disposition = av.stream.Disposition.attached_pic
    packets = []
    for k, number in enumerate(one.which):
        image = cv2.resize(images()[number], one.size, interpolation=cv2.INTER_AREA)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=one.pixels)
        frame.time_base = stream.time_base
        frame.pts = round(one.time_s(k) * one.ticks_hz)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _audio(out: Any, one: Audio) -> list[Any]:
    stream = out.add_stream(one.codec, rate=one.hz, layout=one.layout)
    stream.bit_rate = 128_000
    given = av.AudioFrame.from_ndarray(one.samples()[None], format="fltp", layout="mono")
    given.sample_rate, given.time_base = AUDIO_HZ, Fraction(1, AUDIO_HZ)
    given.pts = round(one.start_s * AUDIO_HZ)
    packets = []
    for frame in [given, None]:
        packets += stream.encode(frame)
    return packets


def copied(
    path: Path,
    source: Path,
    kinds: str = "va",
    form: str | None = None,
    muxer: Mapping[str, str] | None = None,
    bitstream: str | None = None,
    since_s: float = float("-inf"),
) -> None:
    """Copy the packets of a file into another, from a time on, without encoding them."""
    with (
        av.open(str(source)) as given,
        av.open(str(path), "w", format=form, options=dict(muxer or {})) as out,
    ):
        chosen = [s for s in given.streams if s.type[0] in kinds]
        own = {s.index: out.add_stream_from_template(s) for s in chosen}
        filters = {
            s.index: BitStreamFilterContext(bitstream, s)
            for s in chosen
            if bitstream and s.type == "video"
        }
        for packet in given.demux(chosen):
            if packet.dts is None or float(packet.dts * packet.time_base) < since_s:
                continue
            filtered = filters.get(packet.stream.index)
            for one in filtered.filter(packet) if filtered else [packet]:
                one.stream = own[packet.stream.index]
                out.mux(one)


def flipped(data: bytes, fraction: float, seed: int, after: int = 0) -> bytes:
    """Flip one bit in this fraction of the bytes."""
    rng, damaged = random.Random(seed), bytearray(data)
    for _ in range(int((len(data) - after) * fraction)):
        damaged[rng.randrange(after, len(data))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def turned(data: bytes, matrix: Sequence[int]) -> bytes:
    """An .mp4 whose video track is shown by this matrix (a, b, c, d, x, y)."""
    damaged, at = bytearray(data), data.find(b"tkhd")
    while not int.from_bytes(data[at + 80 : at + 82], "big"):  # a track of audio has no width
        at = data.find(b"tkhd", at + 4)
    for value, place in zip(matrix, (0, 4, 12, 16, 24, 28), strict=True):
        begin = at + 44 + place
        damaged[begin : begin + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    return bytes(damaged)


def jpeg() -> bytes:
    """A still image."""
    file = io.BytesIO()
    file.write(cv2.imencode(".jpg", images()[0][..., ::-1])[1].tobytes())
    return file.getvalue()
