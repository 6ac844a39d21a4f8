"""Writing video and sound that come from no other file."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats, Image, VideoInfo
from eyeline.video.writer import VideoWriter


def write_video(
    path: Path,
    pictures: Iterable[Image],
    size_wh: tuple[int, int],
    frames: int,
    rate_hz: int,
    sound: Path | None = None,
) -> None:
    """Write an mp4 file of pictures at a constant rate.

    Args:
        path: where to.
        pictures: `(height, width, 3)` RGB, one after another.
        size_wh: their width and height.
        frames: how many there will be.
        rate_hz: frames a second.
        sound: a file whose sound goes along.

    Raises:
        OutputError: it cannot be written.
    """
    info = VideoInfo(
        str(path), *size_wh, Fraction(rate_hz), 0.0, frames / rate_hz, frames, sound is not None
    )
    with VideoWriter(path, info, sound_from=sound, encode_threads=1) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture, number / rate_hz, (number + 1) / rate_hz)


def pcm16(sound: Floats) -> npt.NDArray[np.int16]:
    """Samples with full scale 1 as numbers of 16 bits, to the nearest."""
    return np.round(np.asarray(sound) * 32767).astype(np.int16)


def write_wav(path: Path, samples: npt.NDArray[np.int16], rate_hz: int) -> None:
    """Write one channel of sound, `(n,)`."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
