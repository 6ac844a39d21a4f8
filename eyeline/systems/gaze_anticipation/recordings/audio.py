"""The audio of a video or a clip: its own, or that of a file beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.video.audio import has_audio, read_audio
from eyeline.video.reader import probe

_FULL_SCALE = 32768

Pcm = npt.NDArray[np.int16]


def read_pcm(
    video: Path, beside: Path | None, rate_hz: int, *, start_s: int = 0, most: int | None = None
) -> Pcm:
    """Samples `(n,)` of 16 bits, mono, from the first frame on; none where there is no audio.

    Args:
        video: the file with the frames.
        beside: a file with the audio of the whole video, which comes first where there is one.
        rate_hz: samples a second.
        start_s: second of the whole video at which the file with the frames begins.
        most: samples after which reading ends.

    Raises:
        VideoError: a file cannot be read.
    """
    source = beside or video
    parts, count = [np.zeros(0, np.int16)], 0
    if has_audio(source):
        first_s = float(start_s) if beside else probe(video).start_s
        for block in read_audio(source, rate_hz, start_s=first_s):
            parts.append(_to_pcm(block.samples))
            count += len(block.samples)
            if most is not None and count >= most:
                break
    return np.concatenate(parts)[:most]


def _to_pcm(samples: npt.NDArray[np.float32]) -> Pcm:
    kept = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return kept.astype(np.int16)


def to_floats(samples: Pcm) -> npt.NDArray[np.float32]:
    """The same with full scale 1."""
    return samples.astype(np.float32) / np.float32(_FULL_SCALE)
