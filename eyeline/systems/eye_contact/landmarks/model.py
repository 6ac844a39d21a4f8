"""The network of builder `landmarks_tcn`: dilated convolutions over time, members averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from eyeline.bounds import FractionBelowOne, NotNegative, Size
from eyeline.runtimes.interface import Interface, whole


class DilatedLayer(nn.Module):
    """A residual convolution over time that looks `dilation` frames back and ahead."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilated = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """`(batch, channel, time)` to the same; frames where `mask` is 0 stay 0."""
        change = self.dropout(self.mix(torch.relu(self.dilated(frames))))
        out: Tensor = (frames + change) * mask
        return out


class TemporalNetwork(nn.Module):
    """Contact logit of every frame of a track.

    Args:
        features: width of the input.
        channels: width of all layers.
        layers: number of dilated layers; layer i looks `2**i` frames each way.
        dropout: fraction of a layer's changes that training leaves out.
        input_dropout: fraction of the features that training leaves out of a whole track.
        input_noise: standard deviation of noise in training, in units of each feature's own
            standard deviation.
    """

    def __init__(
        self,
        features: int,
        channels: int,
        layers: int,
        dropout: float,
        input_dropout: float,
        input_noise: float,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.input_noise = input_noise
        self.input_dropout = nn.Dropout1d(input_dropout)
        self.enter = nn.Conv1d(features, channels, 1)
        self.layers = nn.ModuleList(DilatedLayer(channels, 2**i, dropout) for i in range(layers))
        self.leave = nn.Conv1d(channels, 2, 1)

    def normalise_by(self, mean: Tensor, deviation: Tensor) -> None:
        """Take over the features' mean and deviation `(features,)` from training data."""
        self.mean.copy_(mean)  # type: ignore[operator]
        self.deviation.copy_(deviation)  # type: ignore[operator]

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Logits of no contact and contact `(batch, 2, time)`, 0 in the padding.

        `features` `(batch, feature, time)` are as of `inputs.person_features`; `mask` `(batch, 1,
        time)` is 1 for frames, 0 for padding.
        """
        frames = (features - self.mean[:, None]) / self.deviation[:, None]  # type: ignore[index]
        frames = frames.clamp(-5, 5)
        if self.training and self.input_noise:
            frames = frames + self.input_noise * torch.randn_like(frames)
        frames = self.enter(self.input_dropout(frames * mask)) * mask
        for layer in self.layers:
            frames = layer(frames, mask)
        out: Tensor = self.leave(frames) * mask
        return out


class LandmarksTcn(nn.Module):
    """Mean over members, and over the image and its mirror image, of the logit of contact.

    Members were trained apart; `parity` `(features,)` is -1 for features whose sign turns in a
    mirrored image, else 1.
    """

    def __init__(self, members: Sequence[TemporalNetwork], parity: Sequence[float]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("parity", torch.tensor(parity, dtype=torch.float32), persistent=False)

    @property
    def reach(self) -> int:
        """Frames before and after a frame that its output may depend on."""
        return max((2 ** len(m.layers) for m in self.members), default=0)  # type: ignore[arg-type]

    @property
    def interface(self) -> Interface:
        """Features to log odds, of any length."""
        features = {"features": f"batch {len(self.parity)} time"}  # type: ignore[arg-type]
        return whole(features, {"log_odds": "batch time"}, example={"time": 100})

    def forward(self, features: Tensor) -> Tensor:
        """`(batch, feature, time)` to uncalibrated log odds of contact `(batch, time)`."""
        mirrored = features * self.parity[:, None]  # type: ignore[index]
        mask = torch.ones_like(features[:, :1])
        logits = [m(view, mask) for m in self.members for view in (features, mirrored)]
        mean = torch.stack(logits).mean(dim=0)
        return mean[:, 1] - mean[:, 0]


def landmarks_tcn(
    *,
    channels: Size = 24,
    layers: Size = 7,
    dropout: FractionBelowOne = 0.3,
    input_dropout: FractionBelowOne = 0.1,
    input_noise: NotNegative = 0.1,
    members: Size = 5,
) -> LandmarksTcn:
    """The builder: an average of `members` equal networks over the features of `inputs`."""
    from eyeline.systems.eye_contact.landmarks.inputs import PARITY

    networks = [
        TemporalNetwork(len(PARITY), channels, layers, dropout, input_dropout, input_noise)
        for _ in range(members)
    ]
    return LandmarksTcn(networks, PARITY.tolist())
