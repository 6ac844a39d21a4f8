"""What the voice encoder is given of a sound: a normalised mel spectrogram, 100 rows a second."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.errors import DataError, check_shape
from eyeline.systems.ego_social.inputs import SOUND_HZ

MELS = 64
"""Bands between 0 and 8000 Hz."""
HOP = 160
"""10 ms between two rows."""
SHORTEST = 257
"""Samples that a sound must have: its ends are mirrored over half a transform."""

_TRANSFORM, _WINDOW = 512, 400
_EMPHASIS = 0.97
_FLOOR = 1e-6


class LogMel(nn.Module):
    """Mel spectrogram in logarithms, each band with mean 0 and deviation 1 over the sound.

    Window, bands and emphasis are stored with the weights, as in the authors' checkpoints.
    """

    emphasis: Tensor
    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("emphasis", torch.tensor([[[-_EMPHASIS, 1.0]]]))
        self.register_buffer("window", torch.hamming_window(_WINDOW, periodic=True))
        self.register_buffer("filters", mel_filters())

    @torch.no_grad()
    def forward(self, sound: Tensor) -> Tensor:
        """Normalised rows of sounds.

        Args:
            sound: `(batch, sample)` at 16 kHz, as of `inputs.segment_sound`.

        Returns:
            `(batch, 64, row)` float32, with 1 + samples // 160 rows. No gradient goes through.

        Raises:
            DataError: another shape, or a sound of less than 257 samples.
        """
        with torch.autocast(sound.device.type, enabled=False):
            mel = self.mel(self.emphasised(sound.float()))
            return F.instance_norm(torch.log(mel + _FLOOR))

    def emphasised(self, sound: Tensor) -> Tensor:
        """Each sample less 0.97 times the one before; same shape."""
        check_shape(sound, "batch sample", "sound")
        if sound.shape[1] < SHORTEST:
            raise DataError(f"sound has {sound.shape[1]} samples; expected {SHORTEST} or more")
        ahead = F.pad(sound[:, None], (1, 0), mode="reflect")
        return F.conv1d(ahead, self.emphasis)[:, 0]

    def mel(self, sound: Tensor) -> Tensor:
        """Power in each band `(batch, 64, row)` of sounds `(batch, sample)`."""
        spectrum = torch.stft(
            sound,
            _TRANSFORM,
            HOP,
            _WINDOW,
            self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return (power.mT @ self.filters).mT


def mel_filters() -> Tensor:
    """Triangles `(257, 64)` float32 over the frequencies of a transform, evenly spaced in mel."""
    highest = 2595 * math.log10(1 + SOUND_HZ / 2 / 700)
    exact = torch.float64
    corners_hz = 700 * (10 ** (torch.linspace(0, highest, MELS + 2, dtype=exact) / 2595) - 1)
    frequency_hz = torch.linspace(0, SOUND_HZ // 2, _TRANSFORM // 2 + 1, dtype=exact)
    widths = corners_hz.diff()
    offset = corners_hz[None] - frequency_hz[:, None]
    rising, falling = -offset[:, :-2] / widths[:-1], offset[:, 2:] / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0).float()
