"""Audio as the network hears it: the logarithm of its power, by frequency and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Ints

AUDIO_HZ = 24_000
ROWS = 256
"""Frequencies."""
AUDIO_COLUMNS = 256
"""Of a spectrogram around each frame, 1.28 s."""
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
    """`(256, 1 + (n - 1) // step)` float32 of one clip's audio, with silence before and after it.

    Samples `(n,)` are of full scale 1; window and step are 10 and 5 ms, frequencies always 256:
    1000 columns for 5 s. DataError for no samples.
    """
    sizes = check_shape(samples, "n", "audio")
    if not sizes["n"]:
        raise DataError("audio of 0 samples; at least 1 is needed")
    hop, half = round(_HOP_S * rate_hz), _TRANSFORM // 2
    audio = torch.from_numpy(np.pad(np.asarray(samples, np.float32), half))
    result: Floats = _columns(audio, rate_hz, hop).numpy()
    return result


def pieces(blocks: Iterable[Floats], rate_hz: int = AUDIO_HZ) -> Iterator[Floats]:
    """As `spectrogram`, `(columns, 256)`, of audio that comes in blocks; memory does not grow."""
    hop, half = round(_HOP_S * rate_hz), _TRANSFORM // 2
    buffer = np.zeros(half, np.float32)
    samples = 0
    for block in blocks:
        samples += len(block)
        buffer = np.concatenate([buffer, np.asarray(block, np.float32)])
        while len(buffer) >= _TRANSFORM + hop * (_PIECE - 1):
            part = buffer[: _TRANSFORM + hop * (_PIECE - 1)]
            yield _columns(torch.from_numpy(part), rate_hz, hop).numpy().T
            buffer = buffer[hop * _PIECE :]
    if samples:
        last = torch.from_numpy(np.concatenate([buffer, np.zeros(half, np.float32)]))
        if len(last) >= _TRANSFORM:
            yield _columns(last, rate_hz, hop).numpy().T


def first_columns(samples: Floats) -> Floats:
    """Column 0 `(clip, 256)` of clips, before which there is silence.

    All others are those of the whole audio. Of the first samples `(clip, n)` of each, 256 or more,
    24 kHz.
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
    # in 64 bits: what is nearly silent is given by the last digits of what is not
    result = torch.stft(
        audio.double(), _TRANSFORM, hop, length, _window(length), center=False, return_complex=True
    )
    return torch.log((result.real.square() + result.imag.square()).float() + _LEAST)


@cache
def _window(length: int) -> Tensor:
    return torch.hann_window(length, periodic=True, dtype=torch.float64)


_HOP = AUDIO_HZ // COLUMNS_S
_BEFORE = 3
"""Columns whose samples a column may reach back to."""
_HEAD = 256
"""Samples that the first column of a clip is computed of."""


class Hearing:
    """Columns of 5 ms from second 0 on; each is worked out once, whoever asks for it."""

    def __init__(self) -> None:
        self._samples: Floats = np.zeros(0, np.float32)
        self._columns: Floats = np.zeros((0, ROWS), np.float32)
        self._from = 0
        """Number of the column with which both begin."""
        self._ended = False

    @property
    def known_s(self) -> float:
        """Up to where the audio is known."""
        return float("inf") if self._ended else self._known / COLUMNS_S

    def knows(self, until: int) -> bool:
        """Whether all columns before one are known."""
        return self._ended or self._known >= until

    @property
    def _known(self) -> int:
        return self._from + len(self._columns)

    def hear(self, samples: Floats) -> None:
        """Further audio `(n,)` at 24 kHz, full scale 1; the first ever is that of second 0."""
        check_shape(samples, "n", "samples")
        self._samples = np.concatenate([self._samples, to_16_bits(samples).astype(np.float32)])
        # the window of a column ends one step after its middle
        self._work_out(self._from + len(self._samples) // _HOP)

    def end(self) -> None:
        """From here on there is silence."""
        if not self._ended and len(self._samples):
            self._work_out(self._from + 1 + (len(self._samples) - 1) // _HOP)
        self._ended = True

    def windows(self, clip: int, starts: Ints) -> Floats:
        """Spectrograms `(n, 256, 256)` float32 of a clip, frequency by time.

        The clip begins with column `clip`, before which, as before second 0 and after the end,
        there is silence; `starts` `(n,)` are first columns, counted from there.
        """
        first, count = clip + int(starts.min()), int(np.ptp(starts)) + AUDIO_COLUMNS
        result = np.full((count, ROWS), SILENCE, np.float32)
        low, high = max(first, self._from), min(first + count, self._known)
        if low < high:
            result[low - first : high - first] = self._columns[low - self._from : high - self._from]
        if first == clip >= max(1, self._from):
            # the first column of a clip hears nothing of what was before
            head = self._samples[(clip - self._from) * _HOP :][:_HEAD]
            if len(head) == _HEAD:
                result[0] = first_columns(head[None])[0]
        places = np.asarray(starts) - starts.min()
        return np.stack([result[p : p + AUDIO_COLUMNS].T for p in places.tolist()])

    def forget(self, before: int) -> None:
        """No column before this one will be needed."""
        drop = min(max(before - _BEFORE - self._from, 0), len(self._columns))
        if drop:
            self._samples = self._samples[drop * _HOP :]
            self._columns = self._columns[drop:]
            self._from += drop

    def _work_out(self, until: int) -> None:
        if until <= self._known:
            return
        first = max(self._known - _BEFORE, self._from)
        created = spectrogram(self._samples[(first - self._from) * _HOP :])
        new = created[:, self._known - first : until - first].T
        self._columns = np.concatenate([self._columns, new])
