"""The spectrogram of an audio signal that comes in blocks, of which the last seconds are held."""

from __future__ import annotations

import numpy as np

from eyeline.errors import check_shape
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.windows.sampling import AUDIO_COLUMNS
from eyeline.systems.gaze_anticipation.windows.spectrogram import (
    AUDIO_HZ,
    COLUMNS_S,
    ROWS,
    SILENCE,
    first_columns,
    spectrogram,
    to_16_bits,
)

_HOP = AUDIO_HZ // COLUMNS_S
_BEFORE = 3
"""Columns whose samples a column may reach back to."""
_HEAD = 256
"""Samples that the first column of a clip is made of."""


class Hearing:
    """Columns of 5 ms from second 0 on; each is worked out once, whoever asks for it."""

    def __init__(self) -> None:
        """Nothing has been heard yet."""
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
        """Further audio.

        Args:
            samples: `(n,)` at 24 kHz, full scale 1; the first ever is that of second 0.

        Raises:
            DataError: another shape.
        """
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
        """Spectrograms of a clip, in which there is silence before its first sample.

        Args:
            clip: column with which it begins; before second 0 and after the end there is silence.
            starts: `(n,)` first columns, counted from there.

        Returns:
            `(n, 256, 256)` float32: frequency, time.
        """
        first, count = clip + int(starts.min()), int(np.ptp(starts)) + AUDIO_COLUMNS
        result = np.full((count, ROWS), SILENCE, np.float32)
        low, high = max(first, self._from), min(first + count, self._known)
        if low < high:
            result[low - first : high - first] = self._columns[low - self._from : high - self._from]
        if first == clip >= max(1, self._from):
            self._begin(result, clip)
        places = np.asarray(starts) - starts.min()
        return np.stack([result[p : p + AUDIO_COLUMNS].T for p in places.tolist()])

    def forget(self, before: int) -> None:
        """No column before this one will be asked for."""
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

    def _begin(self, found: Floats, clip: int) -> None:
        """The first column of a clip, which hears nothing of what was before."""
        head = self._samples[(clip - self._from) * _HOP :][:_HEAD]
        if len(head) == _HEAD:
            found[0] = first_columns(head[None])[0]
