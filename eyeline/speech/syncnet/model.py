"""SyncNet: five frames of a face and a fifth of a second of audio, each to a point in one space."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from eyeline.errors import check_shape
from eyeline.runtimes.interface import Interface, Part, Pixels
from eyeline.speech.mfcc import COEFFICIENTS

FACE_PX = 224
"""Side of a crop."""
CLIP_FRAMES = 5
"""Frames of a clip at 25 Hz."""
WINDOW_ROWS = 20
"""Rows of coefficients at 100 Hz that go with a clip."""
HOP_ROWS = 4
"""Rows of coefficients from one clip to the next."""
FEATURES = 1024
"""Numbers that a clip or a window becomes."""

_LIP_WIDTHS = (96, 256, 256, 256, 256, 512)
_AUDIO_WIDTHS = (64, 192, 384, 256, 256, 512)


class Encoder(nn.Module):
    """Convolutions down to one place, and a head of two layers."""

    def __init__(self, convolutions: nn.Sequential, head: nn.Sequential) -> None:
        """Take both halves.

        Args:
            convolutions: anything to `(batch, channels, 1, ...)`.
            head: `(batch, channels)` to `(batch, features)`.
        """
        super().__init__()
        self.convolutions = convolutions
        self.head = head

    def forward(self, given: Tensor) -> Tensor:
        """`(batch, features)` of a batch of clips or windows."""
        result: Tensor = self.head(self.convolutions(given).flatten(1))
        return result


class SyncNet(nn.Module):
    """Two encoders into one space; nothing is normalised."""

    def __init__(self, lips: Encoder, audio: Encoder) -> None:
        """Take the encoder of faces and the one of audio."""
        super().__init__()
        self.lips = lips
        self.sound = audio

    @property
    def interface(self) -> Interface:
        """Of its parts: clips to points, and windows of audio to points."""
        clips = f"clips 3 {CLIP_FRAMES} {FACE_PX} {FACE_PX}"
        windows = f"windows 1 {COEFFICIENTS} {WINDOW_ROWS}"
        return Interface(
            {
                "lips": Part({"clips": clips}, {"seen": f"clips {self.features}"}),
                "sound": Part({"windows": windows}, {"heard": f"windows {self.features}"}),
            },
            pixels={"clips": Pixels("BGR", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 255.0)},
        )

    def forward(self, clips: Tensor, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Points of clips and of windows, which need not be as many.

        Args:
            clips: `(clips, 3, 5, 224, 224)` BGR in 0..255, 25 Hz.
            windows: `(windows, 1, 13, 20)` coefficients of `speech.mfcc`, 100 Hz.

        Returns:
            `(clips, features)` and `(windows, features)`.
        """
        check_shape(clips, f"clips 3 {CLIP_FRAMES} {FACE_PX} {FACE_PX}", "clips")
        check_shape(windows, f"windows 1 {COEFFICIENTS} {WINDOW_ROWS}", "windows")
        return self.lips(clips), self.sound(windows)

    @property
    def features(self) -> int:
        """Numbers that a clip or a window becomes."""
        return cast(nn.Linear, self.lips.head[-1]).out_features


def syncnet(*, narrower: int = 1, features: int = FEATURES) -> SyncNet:
    """The published network of 13,631,616 values, weights drawn at random.

    Args:
        narrower: by how much every layer has fewer channels than the published one.
        features: numbers that a clip or a window becomes.
    """
    lips = [width // narrower for width in _LIP_WIDTHS]
    audio = [width // narrower for width in _AUDIO_WIDTHS]
    return SyncNet(
        Encoder(lip_convolutions(*lips), head(lips[-1], features)),
        Encoder(audio_convolutions(*audio), head(audio[-1], features)),
    )


def lip_convolutions(a: int, b: int, c: int, d: int, e: int, top: int) -> nn.Sequential:
    """From clips `(batch, 3, 5, 224, 224)` to `(batch, top, 1, 1, 1)`; time ends at the first."""
    return nn.Sequential(
        nn.Conv3d(3, a, (CLIP_FRAMES, 7, 7), (1, 2, 2)), *_norm3(a),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
        nn.Conv3d(a, b, (1, 5, 5), (1, 2, 2), (0, 1, 1)), *_norm3(b),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        nn.Conv3d(b, c, (1, 3, 3), padding=(0, 1, 1)), *_norm3(c),
        nn.Conv3d(c, d, (1, 3, 3), padding=(0, 1, 1)), *_norm3(d),
        nn.Conv3d(d, e, (1, 3, 3), padding=(0, 1, 1)), *_norm3(e),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
        nn.Conv3d(e, top, (1, 6, 6)), *_norm3(top),
    )  # fmt: skip


def audio_convolutions(a: int, b: int, c: int, d: int, e: int, top: int) -> nn.Sequential:
    """From windows `(batch, 1, 13, 20)` to `(batch, top, 1, 1)`."""
    return nn.Sequential(
        nn.Conv2d(1, a, 3, padding=1), *_norm2(a),
        nn.MaxPool2d(1, 1),
        nn.Conv2d(a, b, 3, padding=1), *_norm2(b),
        nn.MaxPool2d(3, (1, 2)),
        nn.Conv2d(b, c, 3, padding=1), *_norm2(c),
        nn.Conv2d(c, d, 3, padding=1), *_norm2(d),
        nn.Conv2d(d, e, 3, padding=1), *_norm2(e),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(e, top, (5, 4)), *_norm2(top),
    )  # fmt: skip


def head(channels: int, features: int) -> nn.Sequential:
    """From `(batch, channels)` to `(batch, features)`."""
    hidden = channels
    return nn.Sequential(
        nn.Linear(channels, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, features)
    )


def _norm3(channels: int) -> tuple[nn.Module, ...]:
    return nn.BatchNorm3d(channels), nn.ReLU()


def _norm2(channels: int) -> tuple[nn.Module, ...]:
    return nn.BatchNorm2d(channels), nn.ReLU()
