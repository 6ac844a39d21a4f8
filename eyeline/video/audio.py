"""Reading audio on the video's clock: resampled, mixed down, and lying where it was recorded."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.results import Damage, Floats
from eyeline.video.container import audio_stream, open_source
from eyeline.video.gaps import Shortened
from eyeline.video.placing import Pieces, Samples

BLOCK_S = 0.5
"""Length of the blocks that are yielded; the last one may be shorter."""


@dataclass(frozen=True)
class AudioBlock:
    """Consecutive samples on the video's clock."""

    time_s: float
    """Time of the first sample, k / rate exactly."""
    samples: Samples
    """`(n,)` mono, full scale is 1."""


class AudioBlocks(Iterator[AudioBlock]):
    """The blocks of one file's audio, in order, without gaps from time 0 to the end of the audio.

    Attributes:
        damage: spans that could not be decoded and are silent, seconds on the video's clock; filled
            when the last block has been taken.
        channel: as of `placing.Pieces`.
    """

    def __init__(
        self,
        path: str | Path,
        rate_hz: int,
        start_s: float,
        track: int | None = None,
        clock: Shortened | None = None,
    ) -> None:
        """Open the file; see `read_audio`."""
        self.damage: tuple[Damage, ...] = ()
        self._rate_hz = rate_hz
        self._pieces = Pieces(path, rate_hz, Fraction(start_s), track=track, clock=clock)
        self.channel = self._pieces.channel
        self._blocks = self._make()

    def __next__(self) -> AudioBlock:
        """The next block."""
        return next(self._blocks)

    def _make(self) -> Iterator[AudioBlock]:
        position = 0
        for samples in _equal_blocks(self._pieces, max(1, round(BLOCK_S * self._rate_hz))):
            yield AudioBlock(position / self._rate_hz, samples[0])
            position += samples.shape[1]
        self.damage = self._pieces.damage


def read_audio(
    path: str | Path,
    rate_hz: int,
    *,
    start_s: float,
    track: int | None = None,
    clock: Shortened | None = None,
) -> AudioBlocks:
    """Read a file's audio as mono on the video's clock, block by block.

    Sample k lies at time `k / rate_hz`, to half a sample. Audio from before time 0 is left out,
    gaps and a late start are silent. Where the audio's own clock runs off its time stamps, it is
    stretched to stay within a millisecond of them. It may end before or after the image.

    Args:
        path: the media file.
        rate_hz: samples a second to resample to.
        start_s: stamp of the first video frame on the file's clock, `VideoInfo.start_s`.
        track: as of `container.audio_stream`.
        clock: as of `placing.Pieces`; by default the video's own.

    Returns:
        An iterator over blocks of half a second, whose `damage` is known at its end.

    Raises:
        VideoError: the file cannot be opened or holds no audio that can be decoded.
        UsageError: the rate is not greater than zero.
    """
    if rate_hz <= 0:
        raise UsageError(f"the audio's rate must be greater than 0 Hz, not {rate_hz}")
    return AudioBlocks(path, rate_hz, start_s, track, clock)


def has_audio(path: str | Path) -> bool:
    """Whether the file holds audio that can be decoded.

    Raises:
        VideoError: the file cannot be opened.
    """
    with open_source(path) as container:
        return audio_stream(container) is not None


def _equal_blocks(pieces: Pieces, length: int) -> Iterator[Samples]:
    held: list[Samples] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += piece.shape[1]
        if count < length:
            continue
        joined = np.concatenate(held, axis=1)
        for start in range(0, count - length + 1, length):
            yield joined[:, start : start + length]
        held = [joined[:, count - count % length :]]
        count %= length
    if count:
        yield np.concatenate(held, axis=1)


def pcm16(audio: Floats) -> npt.NDArray[np.int16]:
    """Samples with full scale 1 as numbers of 16 bits, to the nearest."""
    return np.round(np.asarray(audio) * 32767).astype(np.int16)


def write_wav(path: Path, samples: npt.NDArray[np.int16], rate_hz: int) -> None:
    """Write one channel of audio, `(n,)`."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
