"""What the voice encoder is given of audio: a normalised mel spectrogram, 100 rows a second."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.errors import DataError, check_shape
from eyeline.systems.ego_social.inputs import AUDIO_HZ, SHORTEST

MELS = 64
"""Bands between 0 and 8000 Hz."""
HOP = 160
"""10 ms between two rows."""

_TRANSFORM, _WINDOW = 512, 400
_EMPHASIS = 0.97
_FLOOR = 1e-6


class LogMel(nn.Module):
    """Mel spectrogram in logarithms, each band with mean 0 and deviation 1 over the audio.

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
    def forward(self, audio: Tensor) -> Tensor:
        """Normalised rows of sounds.

        Args:
            audio: `(batch, sample)` at 16 kHz, as of `inputs.segment_audio`.

        Returns:
            `(batch, 64, row)` float32, with 1 + samples // 160 rows. No gradient goes through.
        """
        with torch.autocast(audio.device.type, enabled=False):
            mel = self.mel(self.emphasised(audio.float()))
            return F.instance_norm(torch.log(mel + _FLOOR))

    def emphasised(self, audio: Tensor) -> Tensor:
        """Each sample less 0.97 times the one before; same shape."""
        check_shape(audio, "batch sample", "audio")
        if audio.shape[1] < SHORTEST:
            raise DataError(f"audio has {audio.shape[1]} samples; expected {SHORTEST} or more")
        ahead = F.pad(audio[:, None], (1, 0), mode="reflect")
        return F.conv1d(ahead, self.emphasis)[:, 0]

    def mel(self, audio: Tensor) -> Tensor:
        """Power in each band `(batch, 64, row)` of sounds `(batch, sample)`."""
        exported = torch.onnx.is_in_onnx_export()  # exporters know no complex numbers
        power = self._power_by_products(audio) if exported else self._power(audio)
        return (power.transpose(1, 2) @ self.filters).transpose(1, 2)

    def _power(self, audio: Tensor) -> Tensor:
        """Power `(batch, 257, row)`."""
        spectrum = torch.stft(
            audio,
            _TRANSFORM,
            HOP,
            _WINDOW,
            self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return spectrum.real.square() + spectrum.imag.square()

    def _power_by_products(self, audio: Tensor) -> Tensor:
        """The same by convolutions with waves."""
        half = _TRANSFORM // 2
        around = F.pad(audio[:, None], (half, half), mode="reflect")
        real, imaginary = F.conv1d(around, _waves(self.window), stride=HOP).chunk(2, dim=1)
        return real.square() + imaginary.square()


def _waves(window: Tensor) -> Tensor:
    """Cosines and sines `(514, 1, 512)` of all frequencies of a transform, under the window."""
    angle = 2 * np.pi / _TRANSFORM * np.outer(np.arange(_TRANSFORM // 2 + 1), np.arange(_TRANSFORM))
    weight = np.pad(window.cpu().numpy(), (_TRANSFORM - _WINDOW) // 2)
    waves = np.concatenate([np.cos(angle), np.sin(angle)]) * weight
    return torch.from_numpy(waves.astype(np.float32))[:, None]


def mel_filters() -> Tensor:
    """Triangles `(257, 64)` float32 over the frequencies of a transform, evenly spaced in mel."""
    highest = 2595 * math.log10(1 + AUDIO_HZ / 2 / 700)
    exact = torch.float64
    corners_hz = 700 * (10 ** (torch.linspace(0, highest, MELS + 2, dtype=exact) / 2595) - 1)
    frequency_hz = torch.linspace(0, AUDIO_HZ // 2, _TRANSFORM // 2 + 1, dtype=exact)
    widths = corners_hz.diff()
    offset = corners_hz[None] - frequency_hz[:, None]
    rising, falling = -offset[:, :-2] / widths[:-1], offset[:, 2:] / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0).float()
