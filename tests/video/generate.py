"""Makes small media files whose images carry their number and whose audio clicks in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

ROWS, COLUMNS = 4, 6
DARK, BRIGHT = 30, 225
_TOP = (1, 1, 1, 0, 0, 0)
_BOTTOM = (0, 1, 0, 1, 1, 0)
CLICK_HZ = 1000.0
CLICK_SIGMA_S = 0.002


@dataclass(frozen=True)
class Audio:
    """An audio track that is silent but for clicks."""

    codec: str = "aac"
    rate_hz: int = 48000
    channels: int = 1
    start_s: float = 0.0
    """When it begins, on the clock on which the first image is at 0."""
    end_s: float = 2.0
    clicks_s: tuple[float, ...] = (0.25, 0.75, 1.25, 1.75)
    """Middles of the clicks on the same clock."""
    hole_s: tuple[float, float] | None = None
    """A span whose packets are left out."""
    slow: float = 1.0
    """Seconds by the stamps for each second by the count of samples."""


@dataclass(frozen=True)
class Clip:
    """A video whose frames carry their number."""

    frames: int = 48
    rate: Fraction = Fraction(24)
    times_s: Sequence[Fraction] | None = None
    """Stamps of the frames, by default evenly spaced from 0."""
    size_wh: tuple[int, int] = (96, 64)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    offset_s: Fraction = Fraction(0)
    """Added to all stamps of image and audio."""
    time_base: Fraction | None = None
    b_frames: int = 2
    decoding_stamps: bool = False
    """Whether to keep no other stamps than those of decoding, from 0."""
    key_every: int = 12
    turn_deg: int = 0
    """Clockwise turn that a player must make to show the image upright."""
    mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)
    audio: Audio | None = None
    noise: int = 0
    """Strength of the noise laid over the images; makes for large packets."""
    options: tuple[tuple[str, str], ...] = (("preset", "ultrafast"), ("crf", "18"))


def numbered(number: int, size_wh: tuple[int, int], noise: int = 0) -> npt.NDArray[np.uint8]:
    """An upright RGB image whose cells spell a number below 4096 and which way is up."""
    width, height = size_wh
    cells = (_TOP, *_bits(number), _BOTTOM)
    ys = np.linspace(0, height, ROWS + 1).round().astype(int)
    xs = np.linspace(0, width, COLUMNS + 1).round().astype(int)
    image = np.zeros((height, width, 3), np.int16)
    for row in range(ROWS):
        for column in range(COLUMNS):
            value = BRIGHT if cells[row][column] else DARK
            image[ys[row] : ys[row + 1], xs[column] : xs[column + 1]] = value
    if noise:
        image += np.random.default_rng(number).integers(-noise, noise + 1, image.shape, np.int16)
    return np.clip(image, 0, 255).astype(np.uint8)


def number_in(image: npt.NDArray[np.uint8]) -> int | None:
    """The number that an image carries; None if it is not upright, whole or legible."""
    gray = image.mean(axis=2) if image.ndim == 3 else image.astype(np.float64)
    height, width = gray.shape
    ys = ((np.arange(ROWS) + 0.5) * height / ROWS).astype(int)
    xs = ((np.arange(COLUMNS) + 0.5) * width / COLUMNS).astype(int)
    reach_y, reach_x = max(1, height // (ROWS * 6)), max(1, width // (COLUMNS * 6))
    cells = [
        [gray[y - reach_y : y + reach_y, x - reach_x : x + reach_x].mean() for x in xs] for y in ys
    ]
    if any(95 < cell < 160 for row in cells for cell in row):
        return None
    bits = [tuple(int(cell > 128) for cell in row) for row in cells]
    if bits[0] != _TOP or bits[3] != _BOTTOM:
        return None
    return sum(bit << place for place, bit in enumerate((*bits[1], *bits[2])))


def write(path: Path, clip: Clip, *, format: str | None = None, faststart: bool = False) -> Path:
    """Write a clip to `path` and return it."""
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", format=format, options=options) as container:
        image = _add_image(container, clip)
        audio = None if clip.audio is None else _add_audio(container, clip.audio)
        for number, packet in enumerate(_video_packets(image, clip)):
            if clip.decoding_stamps:
                packet.pts = packet.dts = round(number / clip.rate / packet.time_base)
            container.mux(packet)
        if audio is not None:
            for packet in _audio_packets(audio, clip.audio, clip.offset_s):
                container.mux(packet)
    return path


def write_with_hole(
    path: Path, hole_s: float, *, video_only: bool = False, codec: str = "aac"
) -> Path:
    """A numbered video of 4 s at 25 Hz with audio, whose clock jumps after 2 s."""
    clip = Clip(100, Fraction(25), b_frames=0, audio=Audio(codec, end_s=4.0))
    with av.open(str(path), "w") as container:
        image, audio = _add_image(container, clip), _add_audio(container, clip.audio)
        packets = [*_video_packets(image, clip)]
        packets += _audio_packets(audio, clip.audio, clip.offset_s)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            jumps = packet.stream is image or not video_only
            if jumps and packet.pts * packet.time_base >= 2:
                packet.pts += round(hole_s / packet.time_base)
                packet.dts = packet.pts
            container.mux(packet)
    return path


def write_audio(path: Path, audio: Audio) -> Path:
    """Write audio without an image."""
    with av.open(str(path), "w") as container:
        stream = _add_audio(container, audio)
        for packet in _audio_packets(stream, audio, Fraction(0)):
            container.mux(packet)
    return path


def write_colours(
    path: Path, colours: Sequence[tuple[int, int, int]], frames_each: int, size_wh=(160, 120)
) -> Path:
    """Write a video of plain colours, each for some frames."""
    images = [
        np.full((size_wh[1], size_wh[0], 3), colour, np.uint8)
        for colour in colours
        for _ in range(frames_each)
    ]
    return write_images(path, images)


def write_images(
    path: Path, images: Sequence[npt.NDArray[np.uint8]], rate: Fraction = Fraction(25)
) -> Path:
    """Write RGB images at a constant rate."""
    height, width = images[0].shape[:2]
    clip = Clip(len(images), rate, size_wh=(width, height), key_every=250)
    with av.open(str(path), "w") as container:
        stream = _add_image(container, clip)
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut_off(source: Path, target: Path, fraction: float) -> Path:
    """Keep only the first `fraction` of a file's bytes."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * fraction)])
    return target


def spoil(source: Path, target: Path, start: float, end: float, *, seed: int = 0) -> Path:
    """Overwrite bytes here and there between two shares of a file with random ones."""
    data = bytearray(source.read_bytes())
    random = np.random.default_rng(seed)
    first, last = int(len(data) * start), int(len(data) * end)
    for place in random.integers(first, last, max(4, (last - first) // 100)):
        data[int(place)] ^= int(random.integers(1, 256))
    target.write_bytes(data)
    return target


def click_times(samples: npt.NDArray[np.float32], rate_hz: int) -> list[float]:
    """Middles of the clicks in a mono signal, in seconds, to a fraction of a sample."""
    reach = round(4 * CLICK_SIGMA_S * rate_hz)
    offsets = np.arange(-reach, reach + 1) / rate_hz
    wave = np.exp(2j * np.pi * CLICK_HZ * offsets - 0.5 * (offsets / CLICK_SIGMA_S) ** 2)
    strength = np.abs(np.convolve(samples.astype(np.float64), wave, mode="same"))
    result = []
    while strength.max(initial=0.0) > 0.25 * rate_hz * CLICK_SIGMA_S * 0.5:
        peak = int(strength.argmax())
        window = slice(max(0, peak - reach), peak + reach + 1)
        weights = strength[window] ** 2
        result.append(float((np.arange(len(strength))[window] * weights).sum() / weights.sum()))
        strength[max(0, peak - 3 * reach) : peak + 3 * reach + 1] = 0
    return sorted(place / rate_hz for place in result)


def _bits(number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    bits = tuple((number >> place) & 1 for place in range(2 * COLUMNS))
    return bits[:COLUMNS], bits[COLUMNS:]


def _add_image(container: av.container.OutputContainer, clip: Clip) -> av.VideoStream:
    stream = container.add_stream(clip.codec, rate=clip.rate, options=dict(clip.options))
    lying = clip.turn_deg in (90, 270)
    stream.width, stream.height = clip.size_wh[::-1] if lying else clip.size_wh
    stream.pix_fmt = clip.pixel_format
    stream.codec_context.time_base = clip.time_base or 1 / clip.rate
    stream.codec_context.gop_size = clip.key_every
    stream.codec_context.max_b_frames = clip.b_frames
    stream.codec_context.thread_count = 1
    if clip.pixel_aspect != 1:
        stream.codec_context.sample_aspect_ratio = clip.pixel_aspect
    if clip.turn_deg or clip.mirrored:
        stream.set_display_matrix(_matrix(clip.turn_deg, clip.mirrored))
    return stream


def _matrix(turn_deg: int, mirrored: bool) -> list[int]:
    """The display matrix of an image that is mirrored left to right, then turned clockwise."""
    right, down = {
        0: ((1, 0), (0, 1)),
        90: ((0, 1), (-1, 0)),
        180: ((-1, 0), (0, -1)),
        270: ((0, -1), (1, 0)),
    }[turn_deg]
    sign = -1 if mirrored else 1
    one = 1 << 16
    return [
        sign * right[0] * one, sign * right[1] * one, 0,
        down[0] * one, down[1] * one, 0,
        0, 0, 1 << 30,
    ]  # fmt: skip


def _stored(number: int, clip: Clip) -> npt.NDArray[np.uint8]:
    """The image as the file keeps it, before a player turns and mirrors it."""
    upright = numbered(number, clip.size_wh, clip.noise)
    turned = np.rot90(upright, clip.turn_deg // 90)
    return np.ascontiguousarray(turned[:, ::-1] if clip.mirrored else turned)


def _video_packets(stream: av.VideoStream, clip: Clip):
    time_base = stream.codec_context.time_base
    for number in range(clip.frames):
        at = clip.times_s[number] if clip.times_s is not None else number / clip.rate
        frame = av.VideoFrame.from_ndarray(_stored(number, clip), format="rgb24")
        frame.time_base = time_base
        frame.pts = round((at + clip.offset_s) / time_base)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _add_audio(container: av.container.OutputContainer, audio: Audio) -> av.AudioStream:
    stream = container.add_stream(audio.codec, rate=audio.rate_hz)
    stream.codec_context.layout = "stereo" if audio.channels == 2 else "mono"
    return stream


def signal(audio: Audio) -> npt.NDArray[np.float32]:
    """`(channels, n)` the clicks as they are encoded."""
    first = round(audio.start_s * audio.rate_hz)
    times = np.arange(first, round(audio.end_s * audio.rate_hz)) / audio.rate_hz
    wave = np.zeros(len(times))
    for click in audio.clicks_s:
        offset = times - click
        near = np.abs(offset) < 6 * CLICK_SIGMA_S
        envelope = np.exp(-0.5 * (offset[near] / CLICK_SIGMA_S) ** 2)
        wave[near] += 0.5 * envelope * np.cos(2 * np.pi * CLICK_HZ * offset[near])
    return np.repeat(wave[None].astype(np.float32), audio.channels, axis=0)


def _audio_packets(stream: av.AudioStream, audio: Audio, offset_s: Fraction):
    wave = signal(audio)
    layout = "stereo" if audio.channels == 2 else "mono"
    first = round((audio.start_s + offset_s) * audio.rate_hz)
    for start in range(0, wave.shape[1], 1024):
        piece = np.ascontiguousarray(wave[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate = audio.rate_hz
        frame.pts = first + round(start * audio.slow)
        frame.time_base = Fraction(1, audio.rate_hz)
        for packet in stream.encode(frame):
            if not _in_hole(packet, audio, offset_s):
                yield packet
    yield from stream.encode(None)


def _in_hole(packet: av.Packet, audio: Audio, offset_s: Fraction) -> bool:
    if audio.hole_s is None or packet.pts is None:
        return False
    at = packet.pts * packet.time_base - offset_s
    return audio.hole_s[0] <= at < audio.hole_s[1]
