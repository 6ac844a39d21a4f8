"""Audio as the network hears it: the logarithm of its power, by frequency and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats

AUDIO_HZ = 24_000
ROWS = 256
"""Frequencies."""
COLUMNS_S = 200
"""Columns a second, of 24 kHz."""
SILENCE = float(np.log(np.float32(1e-6)))
"""What silence is."""

_TRANSFORM = 511
_WINDOW_S, _HOP_S = 0.010, 0.005
_LEAST = 1e-6
_PIECE = 12_000
"""Columns that are worked out together: a minute."""


def spectrogram(samples: Floats, rate_hz: int = AUDIO_HZ) -> Floats:
    """Of one clip's audio, with silence before and after it.

    Args:
        samples: `(n,)` full scale 1.
        rate_hz: samples a second; window and step are 10 and 5 ms, frequencies always 256.

    Returns:
        `(256, 1 + (n - 1) // step)` float32: 1000 columns for 5 s.

    Raises:
        DataError: no samples.
    """
    sizes = check_shape(samples, "n", "audio")
    if not sizes["n"]:
        raise DataError("audio of 0 samples; 1 or more are needed")
    hop, half = round(_HOP_S * rate_hz), _TRANSFORM // 2
    audio = torch.from_numpy(np.pad(np.asarray(samples, np.float32), half))
    result: Floats = _columns(audio, rate_hz, hop).numpy()
    return result


def pieces(blocks: Iterable[Floats], rate_hz: int = AUDIO_HZ) -> Iterator[Floats]:
    """As `spectrogram`, of audio that comes in blocks; memory does not grow with it.

    Yields:
        `(columns, 256)` float32, one after the other.
    """
    hop, half = round(_HOP_S * rate_hz), _TRANSFORM // 2
    held = np.zeros(half, np.float32)
    samples = 0
    for block in blocks:
        samples += len(block)
        held = np.concatenate([held, np.asarray(block, np.float32)])
        while len(held) >= _TRANSFORM + hop * (_PIECE - 1):
            part = held[: _TRANSFORM + hop * (_PIECE - 1)]
            yield _columns(torch.from_numpy(part), rate_hz, hop).numpy().T
            held = held[hop * _PIECE :]
    if samples:
        last = torch.from_numpy(np.concatenate([held, np.zeros(half, np.float32)]))
        if len(last) >= _TRANSFORM:
            yield _columns(last, rate_hz, hop).numpy().T


def first_columns(samples: Floats) -> Floats:
    """Column 0 of clips, before which there is silence; all others are those of the whole audio.

    Args:
        samples: `(clip, n)` the first samples of each, 256 or more, 24 kHz.

    Returns:
        `(clip, 256)` float32.
    """
    half = _TRANSFORM // 2
    audio = np.pad(np.asarray(samples, np.float32)[:, : half + 1], ((0, 0), (half, 0)))
    return np.asarray(_columns(torch.from_numpy(audio), AUDIO_HZ, 1)[:, :, 0].numpy())


def to_16_bits(samples: Floats) -> Floats:
    """Samples as an audio file of 16 bits keeps them, full scale 1."""
    stored = np.clip(np.rint(samples * 32768), -32768, 32767)
    return (stored / 32768).astype(np.float32)


def _columns(audio: Tensor, rate_hz: int, hop: int) -> Tensor:
    length = round(_WINDOW_S * rate_hz)
    # in 64 bits: what is nearly silent is told by the last digits of what is not
    result = torch.stft(
        audio.double(), _TRANSFORM, hop, length, _window(length), center=False, return_complex=True
    )
    return torch.log((result.real.square() + result.imag.square()).float() + _LEAST)


@cache
def _window(length: int) -> Tensor:
    return torch.hann_window(length, periodic=True, dtype=torch.float64)
