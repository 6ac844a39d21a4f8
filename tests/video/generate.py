"""Makes small media files whose pictures carry their number and whose sound clicks in time."""

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
class Sound:
    """A sound track that is silent but for clicks."""

    codec: str = "aac"
    rate_hz: int = 48000
    channels: int = 1
    start_s: float = 0.0
    """When it begins, on the clock on which the first picture is at 0."""
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
    """Added to all stamps of picture and sound."""
    time_base: Fraction | None = None
    b_frames: int = 2
    decoding_stamps: bool = False
    """Whether to keep no other stamps than those of decoding, from 0."""
    key_every: int = 12
    turn_deg: int = 0
    """Clockwise turn that a player must make to show the picture upright."""
    mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)
    sound: Sound | None = None
    noise: int = 0
    """Strength of the noise laid over the pictures; makes for large packets."""
    options: tuple[tuple[str, str], ...] = (("preset", "ultrafast"), ("crf", "18"))


def numbered(number: int, size_wh: tuple[int, int], noise: int = 0) -> npt.NDArray[np.uint8]:
    """An upright RGB picture whose cells spell a number below 4096 and which way is up."""
    width, height = size_wh
    cells = (_TOP, *_bits(number), _BOTTOM)
    ys = np.linspace(0, height, ROWS + 1).round().astype(int)
    xs = np.linspace(0, width, COLUMNS + 1).round().astype(int)
    picture = np.zeros((height, width, 3), np.int16)
    for row in range(ROWS):
        for column in range(COLUMNS):
            value = BRIGHT if cells[row][column] else DARK
            picture[ys[row] : ys[row + 1], xs[column] : xs[column + 1]] = value
    if noise:
        picture += np.random.default_rng(number).integers(
            -noise, noise + 1, picture.shape, np.int16
        )
    return np.clip(picture, 0, 255).astype(np.uint8)


def number_in(picture: npt.NDArray[np.uint8]) -> int | None:
    """The number that a picture carries; None if it is not upright, whole or legible."""
    gray = picture.mean(axis=2) if picture.ndim == 3 else picture.astype(np.float64)
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
        picture = _add_picture(container, clip)
        sound = None if clip.sound is None else _add_sound(container, clip.sound)
        for number, packet in enumerate(_picture_packets(picture, clip)):
            if clip.decoding_stamps:
                packet.pts = packet.dts = round(number / clip.rate / packet.time_base)
            container.mux(packet)
        if sound is not None:
            for packet in _sound_packets(sound, clip.sound, clip.offset_s):
                container.mux(packet)
    return path


def write_with_hole(
    path: Path, hole_s: float, *, video_only: bool = False, codec: str = "aac"
) -> Path:
    """A numbered video of 4 s at 25 Hz with sound, whose clock jumps after 2 s."""
    clip = Clip(100, Fraction(25), b_frames=0, sound=Sound(codec, end_s=4.0))
    with av.open(str(path), "w") as container:
        picture, sound = _add_picture(container, clip), _add_sound(container, clip.sound)
        packets = [*_picture_packets(picture, clip)]
        packets += _sound_packets(sound, clip.sound, clip.offset_s)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            jumps = packet.stream is picture or not video_only
            if jumps and packet.pts * packet.time_base >= 2:
                packet.pts += round(hole_s / packet.time_base)
                packet.dts = packet.pts
            container.mux(packet)
    return path


def write_sound(path: Path, sound: Sound) -> Path:
    """Write sound without a picture."""
    with av.open(str(path), "w") as container:
        stream = _add_sound(container, sound)
        for packet in _sound_packets(stream, sound, Fraction(0)):
            container.mux(packet)
    return path


def write_colours(
    path: Path, colours: Sequence[tuple[int, int, int]], frames_each: int, size_wh=(160, 120)
) -> Path:
    """Write a video of plain colours, each for some frames."""
    pictures = [
        np.full((size_wh[1], size_wh[0], 3), colour, np.uint8)
        for colour in colours
        for _ in range(frames_each)
    ]
    return write_pictures(path, pictures)


def write_pictures(
    path: Path, pictures: Sequence[npt.NDArray[np.uint8]], rate: Fraction = Fraction(25)
) -> Path:
    """Write RGB pictures at a constant rate."""
    height, width = pictures[0].shape[:2]
    clip = Clip(len(pictures), rate, size_wh=(width, height), key_every=250)
    with av.open(str(path), "w") as container:
        stream = _add_picture(container, clip)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut_off(source: Path, target: Path, share: float) -> Path:
    """Keep only the first `share` of a file's bytes."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
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
    found = []
    while strength.max(initial=0.0) > 0.25 * rate_hz * CLICK_SIGMA_S * 0.5:
        peak = int(strength.argmax())
        window = slice(max(0, peak - reach), peak + reach + 1)
        weights = strength[window] ** 2
        found.append(float((np.arange(len(strength))[window] * weights).sum() / weights.sum()))
        strength[max(0, peak - 3 * reach) : peak + 3 * reach + 1] = 0
    return sorted(place / rate_hz for place in found)


def _bits(number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    bits = tuple((number >> place) & 1 for place in range(2 * COLUMNS))
    return bits[:COLUMNS], bits[COLUMNS:]


def _add_picture(container: av.container.OutputContainer, clip: Clip) -> av.VideoStream:
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
    """The display matrix of a picture that is mirrored left to right, then turned clockwise."""
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
    """The picture as the file keeps it, before a player turns and mirrors it."""
    upright = numbered(number, clip.size_wh, clip.noise)
    turned = np.rot90(upright, clip.turn_deg // 90)
    return np.ascontiguousarray(turned[:, ::-1] if clip.mirrored else turned)


def _picture_packets(stream: av.VideoStream, clip: Clip):
    time_base = stream.codec_context.time_base
    for number in range(clip.frames):
        at = clip.times_s[number] if clip.times_s is not None else number / clip.rate
        frame = av.VideoFrame.from_ndarray(_stored(number, clip), format="rgb24")
        frame.time_base = time_base
        frame.pts = round((at + clip.offset_s) / time_base)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _add_sound(container: av.container.OutputContainer, sound: Sound) -> av.AudioStream:
    stream = container.add_stream(sound.codec, rate=sound.rate_hz)
    stream.codec_context.layout = "stereo" if sound.channels == 2 else "mono"
    return stream


def signal(sound: Sound) -> npt.NDArray[np.float32]:
    """`(channels, n)` the clicks as they are encoded."""
    first = round(sound.start_s * sound.rate_hz)
    times = np.arange(first, round(sound.end_s * sound.rate_hz)) / sound.rate_hz
    wave = np.zeros(len(times))
    for click in sound.clicks_s:
        offset = times - click
        near = np.abs(offset) < 6 * CLICK_SIGMA_S
        envelope = np.exp(-0.5 * (offset[near] / CLICK_SIGMA_S) ** 2)
        wave[near] += 0.5 * envelope * np.cos(2 * np.pi * CLICK_HZ * offset[near])
    return np.repeat(wave[None].astype(np.float32), sound.channels, axis=0)


def _sound_packets(stream: av.AudioStream, sound: Sound, offset_s: Fraction):
    wave = signal(sound)
    layout = "stereo" if sound.channels == 2 else "mono"
    first = round((sound.start_s + offset_s) * sound.rate_hz)
    for start in range(0, wave.shape[1], 1024):
        piece = np.ascontiguousarray(wave[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate = sound.rate_hz
        frame.pts = first + round(start * sound.slow)
        frame.time_base = Fraction(1, sound.rate_hz)
        for packet in stream.encode(frame):
            if not _in_hole(packet, sound, offset_s):
                yield packet
    yield from stream.encode(None)


def _in_hole(packet: av.Packet, sound: Sound, offset_s: Fraction) -> bool:
    if sound.hole_s is None or packet.pts is None:
        return False
    at = packet.pts * packet.time_base - offset_s
    return sound.hole_s[0] <= at < sound.hole_s[1]
