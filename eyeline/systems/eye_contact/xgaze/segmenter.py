"""The temporal network rewritten for processors: fewer and wider products, the same to rounding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.runtimes.interface import Interface
from eyeline.systems.eye_contact.xgaze.model import (
    MsTcn2,
    PredictionStage,
    RefinementStage,
    TimeConv,
)

_SHORT_FRAMES = 300  # below, three products take less time than a convolution on a CPU


class Quick(nn.Module):
    """`MsTcn2` for prediction: its parts, for one sequence at a time and with the last stage alone.

    It shares no tensors with the network.
    """

    def __init__(self, network: MsTcn2) -> None:
        super().__init__()
        with torch.no_grad():
            rest = [
                _Refinement(stage) for stage in network.Rs if isinstance(stage, RefinementStage)
            ]
            self.entry = _Map.of(network.PG.conv_1x1_in)
            self.stages = nn.Sequential(_Prediction(network.PG), *rest)
        self.interface: Interface = network.interface

    def enter(self, features: Tensor) -> Tensor:
        """`(1, features, time)` to `(1, time, maps)`."""
        entered: Tensor = self.entry(features[0].T)
        return entered[None]

    def segment(self, entered: Tensor) -> Tensor:
        """`(1, time, maps)` to logits `(1, 1, classes, time)`."""
        logits: Tensor = self.stages(entered[0])
        return logits.T[None, None]


class _Map(nn.Module):
    """A map of each frame alone: `(n, channels_in)` to `(n, channels_out)`."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Buffer(weight.detach().clone())
        self.bias = nn.Buffer(bias.detach().clone())

    @classmethod
    def of(cls, convolution: nn.Module) -> _Map:
        assert isinstance(convolution, TimeConv) and convolution.bias is not None
        return cls(convolution.weight[:, :, 0], convolution.bias)

    def forward(self, frames: Tensor) -> Tensor:
        return F.linear(frames, self.weight, self.bias)


class _Dilated(nn.Module):
    """A convolution of three frames `dilation` apart, `(n, maps)` to the same, weights laid out."""

    def __init__(self, weight: Tensor, bias: Tensor, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        image = weight.detach()[:, :, None].contiguous(memory_format=torch.channels_last)
        self.image = nn.Buffer(image.clone(memory_format=torch.preserve_format))
        self.taps = nn.Buffer(weight.detach().permute(2, 1, 0).contiguous())
        self.bias = nn.Buffer(bias.detach().clone())

    @classmethod
    def of(cls, convolution: nn.Module) -> _Dilated:
        assert isinstance(convolution, TimeConv) and convolution.bias is not None
        return cls(convolution.weight, convolution.bias, convolution.dilation[0])

    def forward(self, frames: Tensor) -> Tensor:
        if len(frames) > _SHORT_FRAMES:
            padding, dilation = (0, self.dilation), (1, self.dilation)
            row = frames.T[None, :, None]
            out = F.conv2d(row, self.image, self.bias, padding=padding, dilation=dilation)
            return out[0, :, 0].T
        seen = torch.addmm(self.bias, frames, self.taps[1])
        if len(frames) > self.dilation:
            seen[self.dilation :].addmm_(frames[: -self.dilation], self.taps[0])
            seen[: -self.dilation].addmm_(frames[self.dilation :], self.taps[2])
        return seen


class _Prediction(nn.Module):
    """A prediction stage behind its first layer; each fusion is worked into its two convolutions.

    Nothing but a sum lies between them, so that the results are the same to rounding.
    """

    def __init__(self, stage: PredictionStage) -> None:
        super().__init__()
        self.far, self.near = nn.ModuleList(), nn.ModuleList()
        for far, near, fusion in zip(
            stage.conv_dilated_1, stage.conv_dilated_2, stage.conv_fusion, strict=True
        ):
            assert isinstance(fusion, TimeConv) and fusion.bias is not None
            halves = fusion.weight[:, :, 0].chunk(2, dim=1)
            self.far.append(_fused(halves[0], far, fusion.bias))
            self.near.append(_fused(halves[1], near, torch.zeros_like(fusion.bias)))
        self.leave = _Map.of(stage.conv_out)

    def forward(self, frames: Tensor) -> Tensor:
        """`(n, maps)` to logits `(n, classes)`."""
        for far, near in zip(self.far, self.near, strict=True):
            frames = frames + far(frames).add_(near(frames)).relu_()
        logits: Tensor = self.leave(frames)
        return logits


class _Refinement(nn.Module):
    """A refinement stage."""

    def __init__(self, stage: RefinementStage) -> None:
        super().__init__()
        self.enter = _Map.of(stage.conv_1x1)
        self.dilated = nn.ModuleList(
            _Dilated.of(layer.get_submodule("conv_dilated")) for layer in stage.layers
        )
        self.mix = nn.ModuleList(_Map.of(layer.get_submodule("conv_1x1")) for layer in stage.layers)
        self.leave = _Map.of(stage.conv_out)

    def forward(self, logits: Tensor) -> Tensor:
        """Logits `(n, classes)` to the same."""
        frames = self.enter(torch.softmax(logits, dim=1))
        for dilated, mix in zip(self.dilated, self.mix, strict=True):
            frames = frames + mix(dilated(frames).relu_())
        better: Tensor = self.leave(frames)
        return better


def _fused(mix: Tensor, convolution: nn.Module, bias: Tensor) -> _Dilated:
    """The convolution, and the map `(maps, maps)` and bias behind it, as one convolution."""
    assert isinstance(convolution, TimeConv) and convolution.bias is not None
    weight = torch.einsum("of,fit->oit", mix, convolution.weight)
    return _Dilated(weight, mix @ convolution.bias + bias, convolution.dilation[0])
