"""MS-TCN++, the temporal network of builder `xgaze_mstcn`; names as in the authors' checkpoint.

Inside, a sequence is `(batch, time, channels)`: frame after frame in memory. Maps of single frames
are then plain products, and dilated convolutions take half the time of `Conv1d`'s own layout.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.bounds import FractionBelowOne, Size, Whole
from eyeline.errors import UsageError, check_shape
from eyeline.runtimes.interface import Interface, Part


class TimeConv(nn.Conv1d):
    """A convolution over time with as many zeros beyond both ends as it reaches."""

    def __init__(self, channels_in: int, channels_out: int, width: int, dilation: int = 1) -> None:
        super().__init__(
            channels_in, channels_out, width, padding=width // 2 * dilation, dilation=dilation
        )

    def forward(self, frames: Tensor) -> Tensor:
        """`(batch, time, channels_in)` to `(batch, time, channels_out)`."""
        if self.kernel_size[0] == 1:
            return F.linear(frames, self.weight[:, :, 0], self.bias)
        weight = self.weight[:, :, None].contiguous(memory_format=torch.channels_last)
        reach = int(self.padding[0])
        image = frames.transpose(1, 2)[:, :, None]
        seen = F.conv2d(
            image, weight, self.bias, padding=(0, reach), dilation=(1, self.dilation[0])
        )
        return seen[:, :, 0].transpose(1, 2)


class Dropout(nn.Module):
    """As `nn.Dropout`, but decided by random bytes, so that fractions are multiples of 1/256.

    Drawing a number for each element is a quarter of a training step on a CPU; this is a seventh of
    that. UsageError for a fraction that leaves nothing.
    """

    def __init__(self, fraction: float) -> None:
        super().__init__()
        if not 0 <= fraction < 1:
            raise UsageError(f"dropout {fraction}: expected a share from 0 to below 1")
        self.left_out = min(round(256 * fraction), 255)

    def forward(self, frames: Tensor) -> Tensor:
        """Elements are set to 0 in training, the others scaled up by as much."""
        if not self.training or not self.left_out:
            return frames
        if frames.is_cuda:
            return F.dropout(frames, self.left_out / 256)
        words = torch.empty(frames.numel() // 8 + 1, dtype=torch.int64).random_(-(2**63), None)
        drawn = words.view(torch.uint8)[: frames.numel()].view(frames.shape)
        kept = (drawn >= self.left_out).to(frames.dtype)
        return frames * kept.mul_(256 / (256 - self.left_out))

    def extra_repr(self) -> str:
        """The share as it is."""
        return f"{self.left_out / 256}"


class PredictionStage(nn.Module):
    """The first stage: layers that look near and far at once, and the first logits.

    Layer i joins a convolution that reaches `2**(layers - 1 - i)` frames with one that reaches
    `2**i`. `maps` is the width of all layers, `features` that of the input.
    """

    def __init__(self, layers: int, maps: int, features: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.conv_1x1_in = TimeConv(features, maps, 1)
        self.conv_dilated_1 = nn.ModuleList(
            TimeConv(maps, maps, 3, 2 ** (layers - 1 - i)) for i in range(layers)
        )
        self.conv_dilated_2 = nn.ModuleList(TimeConv(maps, maps, 3, 2**i) for i in range(layers))
        self.conv_fusion = nn.ModuleList(TimeConv(2 * maps, maps, 1) for _ in range(layers))
        self.conv_out = TimeConv(maps, classes, 1)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """`(batch, time, features)` to logits `(batch, time, classes)`."""
        return self.rest(self.conv_1x1_in(features))

    def rest(self, frames: Tensor) -> Tensor:
        """The same from what the first layer makes of them."""
        for far, near, fusion in zip(
            self.conv_dilated_1, self.conv_dilated_2, self.conv_fusion, strict=True
        ):
            change = torch.relu(fusion(torch.cat([far(frames), near(frames)], dim=2)))
            frames = frames + self.dropout(change)
        return cast(Tensor, self.conv_out(frames))


class DilatedLayer(nn.Module):
    """A residual convolution that looks `dilation` frames back and ahead."""

    def __init__(self, maps: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.conv_dilated = TimeConv(maps, maps, 3, dilation)
        self.conv_1x1 = TimeConv(maps, maps, 1)
        self.dropout = Dropout(dropout)

    def forward(self, frames: Tensor) -> Tensor:
        """`(batch, time, maps)` to the same."""
        change = self.conv_1x1(torch.relu(self.conv_dilated(frames)))
        return cast(Tensor, frames + self.dropout(change))


class RefinementStage(nn.Module):
    """Logits anew from the probabilities of the stage before."""

    def __init__(self, layers: int, maps: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.conv_1x1 = TimeConv(classes, maps, 1)
        self.layers = nn.ModuleList(DilatedLayer(maps, 2**i, dropout) for i in range(layers))
        self.conv_out = TimeConv(maps, classes, 1)

    def forward(self, logits: Tensor) -> Tensor:
        """`(batch, time, classes)` to the same; gradients reach the stages before."""
        frames = self.conv_1x1(torch.softmax(logits, dim=2))
        for layer in self.layers:
            frames = layer(frames)
        return cast(Tensor, self.conv_out(frames))


class MsTcn2(nn.Module):
    """A prediction stage and refinements one behind the other."""

    def __init__(self, prediction: PredictionStage, refinements: list[RefinementStage]) -> None:
        super().__init__()
        self.PG = prediction
        self.Rs = nn.ModuleList(refinements)

    @property
    def reach(self) -> int:
        """Frames before and after a frame that its output may depend on."""
        convolutions = [m for m in self.Rs.modules() if isinstance(m, TimeConv)]
        pairs = zip(self.PG.conv_dilated_1, self.PG.conv_dilated_2, strict=True)
        first = sum(max(int(c.padding[0]) for c in cast("list[TimeConv]", pair)) for pair in pairs)
        return first + sum(int(c.padding[0]) for c in convolutions)

    def forward(self, features: Tensor) -> Tensor:
        """Logits `(stage, batch, classes, time)` of every stage, the prediction stage first.

        `features` `(batch, features, time)` are of any length; DataError for another shape.
        """
        check_shape(features, f"batch {self.PG.conv_1x1_in.in_channels} time", "features")
        return self.segment(self.enter(features))

    @property
    def interface(self) -> Interface:
        """Of its parts: the map of each frame alone, and what a whole sequence makes of them."""
        entry, leave = self.PG.conv_1x1_in, self.PG.conv_out
        entered = {"entered": f"batch time {entry.out_channels}"}
        logits = {"logits": f"{1 + len(self.Rs)} batch {leave.out_channels} time"}
        return Interface(
            {
                "enter": Part({"features": f"batch {entry.in_channels} time"}, entered),
                "segment": Part(entered, logits),
            },
            sizes={"reach": self.reach, "features": entry.in_channels},
            example={"time": 100},
        )

    def enter(self, features: Tensor) -> Tensor:
        """What the first layer makes of `(batch, features, time)`: `(batch, time, maps)`."""
        return cast(Tensor, self.PG.conv_1x1_in(features.transpose(1, 2)))

    def segment(self, entered: Tensor) -> Tensor:
        """Logits `(stage, batch, classes, time)` of what `enter` gives."""
        stages = [self.PG.rest(entered)]
        for refinement in self.Rs:
            stages.append(refinement(stages[-1]))
        return torch.stack(stages).transpose(2, 3)


def ms_tcn2(
    *,
    layers_prediction: Size = 11,
    layers_refinement: Size = 10,
    refinements: Whole = 4,
    maps: Size = 64,
    features: Size = 2048,
    classes: Size = 2,
    dropout: FractionBelowOne = 0.5,
) -> MsTcn2:
    """The builder; the defaults are those of the authors' released network."""
    return MsTcn2(
        PredictionStage(layers_prediction, maps, features, classes, dropout),
        [RefinementStage(layers_refinement, maps, classes, dropout) for _ in range(refinements)],
    )
