"""A copy of the network for inference: the same answers in about half the time.

Batch norms lie within the convolutions and pictures are stored channels last. On a processor each
convolution takes its activation along (oneDNN), with weights packed once for the sizes that it
sees.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.systems.gaze_3d.efficientnet import Block, EfficientNetB0, PaddedConv
from eyeline.systems.gaze_3d.model import GazeFromAfar, Stem
from eyeline.training.fused import FusedConv

_AT_ONCE = 7
"""Frames that a processor sees together; measured: with twice as many each takes a third longer."""


def fused(network: GazeFromAfar) -> GazeFromAfar:
    """A copy in evaluation mode that cannot be trained; `forward` and `see` are the network's.

    It shares no tensors with the network, and its own have other names than a checkpoint's.
    """
    stem = cast(Stem, network.stem)
    with torch.no_grad():
        made = GazeFromAfar(
            fused_conv(stem.conv, stem.norm, swish=False),
            FusedBranch(cast(EfficientNetB0, network.head_branch)),
            FusedBranch(cast(EfficientNetB0, network.body_branch)),
            copy.deepcopy(network.gaze),
        )
        made.gaze.memory = cast(nn.LSTM, FusedMemory(network.gaze.memory))
    made.at_once = _AT_ONCE
    for name in ("motion", "memory", "head", "body"):
        setattr(made, name, copy.deepcopy(getattr(network, name)))
    return made.requires_grad_(False).eval()


def fused_conv(conv: nn.Conv2d, norm: nn.BatchNorm2d, *, swish: bool = True) -> FusedConv:
    """A convolution of the network, its batch norm, and a swish or none."""
    kernel, border = _even(conv)
    return FusedConv(conv, norm, "swish" if swish else "none", kernel=kernel, border=border)


class FusedBlock(nn.Module):
    """A block of `EfficientNetB0`."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.expand: nn.Module = nn.Identity()
        if block.expand is not None and block.expand_norm is not None:
            self.expand = fused_conv(block.expand, block.expand_norm)
        self.depthwise = fused_conv(block.depthwise, block.depthwise_norm)
        self.squeeze, self.excite = _linear(block.squeeze), _linear(block.excite)
        self.project = fused_conv(block.project, block.project_norm, swish=False)
        self.adds = block.adds

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels_in, h, w)` to `(batch, channels, h / stride, w / stride)`."""
        wide = self.depthwise(self.expand(maps))
        squeezed = F.silu(self.squeeze(wide.mean((2, 3))))
        wide.mul_(torch.sigmoid(self.excite(squeezed))[:, :, None, None])
        found = cast(Tensor, self.project(wide))
        return found.add_(maps) if self.adds else found


class FusedBranch(nn.Module):
    """`EfficientNetB0`."""

    def __init__(self, branch: EfficientNetB0) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(FusedBlock(cast(Block, block)) for block in branch.blocks))
        self.top = fused_conv(branch.top, branch.top_norm)

    def forward(self, maps: Tensor) -> Tensor:
        """`(frame, 32, h, w)`, before its activation, to features `(frame, 1280)`."""
        return cast(Tensor, self.top(self.blocks(F.silu(maps))).mean((2, 3)))


class FusedMemory(nn.Module):
    """The gaze module's LSTM; a single step from a state of zeros is written out.

    Nothing is there to be forgotten, so that a layer is `leave tanh(enter tanh(new))` in both
    directions at once.
    """

    def __init__(self, memory: nn.LSTM) -> None:
        super().__init__()
        self.memory = copy.deepcopy(memory)
        self.layers = nn.ModuleList(_single_step(memory, i) for i in range(memory.num_layers))

    def forward(self, given: Tensor) -> tuple[Tensor, None]:
        """`(time, batch, features)` to `(time, batch, 2 hidden)`, as of `nn.LSTM`."""
        if len(given) > 1:
            return self.memory(given)[0], None
        for layer in self.layers:
            enter, new, leave = layer(given).chunk(3, dim=-1)
            given = torch.sigmoid(leave) * torch.tanh(torch.sigmoid(enter) * torch.tanh(new))
        return given, None


def _single_step(memory: nn.LSTM, layer: int) -> nn.Linear:
    """Gates of both directions of a layer, without those that forget."""
    weights, biases = [], []
    for direction in ("", "_reverse"):
        weight, first, second = (
            cast(Tensor, getattr(memory, f"{name}_l{layer}{direction}"))
            for name in ("weight_ih", "bias_ih", "bias_hh")
        )
        weights.append(weight.chunk(4))
        biases.append((first + second).chunk(4))
    kept = (0, 2, 3)  # of the order enter, forget, new, leave
    made = nn.Linear(weights[0][0].shape[1], 2 * len(kept) * memory.hidden_size)
    made.weight.copy_(torch.cat([w[gate] for gate in kept for w in weights]))
    made.bias.copy_(torch.cat([b[gate] for gate in kept for b in biases]))
    return made


def _even(conv: nn.Conv2d) -> tuple[Tensor, int]:
    """Weights and the border on all sides.

    A kernel with a first row and column of zeros spares a copy of the picture with more border
    after it than before it.
    """
    if not isinstance(conv, PaddedConv):
        return conv.weight, 0
    before, after = conv.border[:2]
    if before == after:
        return conv.weight, before
    return F.pad(conv.weight, (1, 0, 1, 0)), after


def _linear(conv: nn.Conv2d) -> nn.Linear:
    """A convolution of single pixels as a product."""
    made = nn.Linear(conv.in_channels, conv.out_channels)
    assert conv.bias is not None
    made.weight.copy_(conv.weight.flatten(1))
    made.bias.copy_(conv.bias)
    return made
