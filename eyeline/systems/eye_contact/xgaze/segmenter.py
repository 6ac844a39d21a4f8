"""The temporal network for prediction: contact in each frame of a sequence of any length."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.errors import check_shape
from eyeline.results import Floats
from eyeline.systems.eye_contact.xgaze.model import (
    MsTcn2,
    PredictionStage,
    RefinementStage,
    TimeConv,
)
from eyeline.training.devices import THREADS, check_device, for_answers

BLOCK_FRAMES = 30_000
"""Sequences much longer than this (20 minutes) are segmented block by block, so that memory stays
bounded; each block is shown with all frames around it that its outputs depend on."""

_SHORT_FRAMES = 300  # below, three products take less time than a convolution on a CPU


class Segmenter:
    """Logits of the last stage, from features or from what the first layer leaves of them.

    The network begins with a map of each frame alone, of 2048 numbers to 64. `enter` does only
    that, so that long videos need not keep all features; `logits` does the rest.
    """

    def __init__(self, network: MsTcn2, device: str = "cpu", *, threads: int = THREADS) -> None:
        """Copy a network for inference; UsageError for a device that is not there."""
        self.device = check_device(device)
        self.threads = threads
        self.reach = network.reach
        with torch.no_grad():
            stages = [
                _Refinement(stage) for stage in network.Rs if isinstance(stage, RefinementStage)
            ]
            self._entry = _Map.of(network.PG.conv_1x1_in)
            self._stages = nn.Sequential(_Prediction(network.PG), *stages)
        for part in (self._entry, self._stages):
            part.to(self.device)

    @property
    def maps(self) -> int:
        """Numbers that `enter` leaves of a frame."""
        return len(self._entry.weight)

    def enter(self, features: Floats) -> Floats:
        """What `logits` needs of features: `(n, features)` to `(n, maps)` float32."""
        check_shape(features, f"frame {self._entry.weight.shape[1]}", "features")
        with for_answers(self.threads):
            rows = torch.from_numpy(np.ascontiguousarray(features, np.float32)).to(self.device)
            return np.asarray(self._entry(rows).cpu().numpy())

    def logits(self, entered: Floats) -> Floats:
        """Logits `(n, classes)` float32 of one unbroken sequence of `enter`ed frames."""
        check_shape(entered, f"frame {self.maps}", "entered frames")
        with for_answers(self.threads):
            return np.concatenate([self._block(entered, part) for part in self._blocks(entered)])

    def _blocks(self, entered: Floats) -> list[slice]:
        if len(entered) <= BLOCK_FRAMES + self.reach:
            return [slice(0, len(entered))]
        starts = range(0, len(entered), BLOCK_FRAMES)
        return [slice(start, min(start + BLOCK_FRAMES, len(entered))) for start in starts]

    def _block(self, entered: Floats, part: slice) -> Floats:
        first, last = max(part.start - self.reach, 0), part.stop + self.reach
        rows = torch.from_numpy(np.ascontiguousarray(entered[first:last], np.float32))
        logits = self._stages(rows.to(self.device))
        return np.asarray(logits[part.start - first : part.stop - first].cpu().numpy())


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
