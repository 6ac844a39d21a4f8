"""The published way of `gaze_from_afar`, written anew from its description, to compare with.

Channels first, every convolution padded by a copy, batch norms and activations one by one, a swish
of two steps whose gradient computes it again, the whole window for every new frame.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Swish(torch.autograd.Function):
    """Keeps its input only."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        """`x sigmoid(x)`."""
        ctx.save_for_backward(maps)
        return maps * torch.sigmoid(maps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Through both factors."""
        (maps,) = ctx.saved_tensors
        gate = torch.sigmoid(maps)
        return gradients[0] * (gate * (1 + maps * (1 - gate)))


class Padded(nn.Module):
    """Zeros around the image, then a convolution without any."""

    def __init__(self, conv: nn.Conv2d, border: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d(border) if any(border) else nn.Identity()
        self.conv = conv
        conv.padding = (0, 0)

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels, h, w)`."""
        result: Tensor = nn.Conv2d.forward(self.conv, self.pad(maps))
        return result


class Block(nn.Module):
    """A block of a branch, with the weights of ours."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.expand, self.norm0 = block.expand, block.expand_norm
        self.depthwise = Padded(block.depthwise, block.depthwise.border)
        self.norm1, self.norm2 = block.depthwise_norm, block.project_norm
        self.squeeze, self.excite, self.project = block.squeeze, block.excite, block.project
        self.adds, self.rate = block.adds, block.drop_connect

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels, h, w)`."""
        x = maps
        if self.expand is not None:
            x = swish(self.norm0(self.expand(x)))
        x = swish(self.norm1(self.depthwise(x)))
        gate = self.excite(swish(self.squeeze(F.adaptive_avg_pool2d(x, 1))))
        x = self.norm2(self.project(torch.sigmoid(gate) * x))
        if not self.adds:
            return x
        if self.training and self.rate:
            keep = 1 - self.rate
            chance = keep + torch.rand([len(x), 1, 1, 1], dtype=x.dtype, device=x.device)
            x = x / keep * torch.floor(chance)
        return x + maps


class Branch(nn.Module):
    """A branch with the weights of ours."""

    def __init__(self, branch: Any) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(block) for block in branch.blocks)
        self.top, self.norm = branch.top, branch.top_norm

    def forward(self, maps: Tensor) -> Tensor:
        """`(frame, 32, h, w)` to `(frame, 1280)`."""
        maps = swish(maps)
        for block in self.blocks:
            maps = block(maps)
        maps = swish(self.norm(self.top(maps)))
        return F.adaptive_avg_pool2d(maps, 1).flatten(1)


class Stem(nn.Module):
    """The first convolution with the weights of ours."""

    def __init__(self, stem: Any) -> None:
        super().__init__()
        self.conv, self.norm = Padded(stem.conv, stem.conv.border), stem.norm

    def forward(self, frames: Tensor) -> Tensor:
        """`(frame, 3, h, w)` to `(frame, 32, h / 2, w / 2)`."""
        result: Tensor = self.norm(self.conv(frames))
        return result


def swish(maps: Tensor) -> Tensor:
    """The activation."""
    result: Tensor = Swish.apply(maps)
    return result


def published(network: Any) -> Any:
    """A copy of a network of ours that computes in the published way."""
    import copy

    created = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    created.stem = Stem(created.stem)
    created.head_branch, created.body_branch = (
        Branch(created.head_branch),
        Branch(created.body_branch),
    )
    return created
