"""EfficientNet-B0 without its stem: what both branches of `gaze_from_afar` see a frame with.

The published network pads as TensorFlow does for an image of 224 x 224, whatever the image's
size; torchvision's pads evenly and has another epsilon, so that its weights would not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

FEATURES = 1280
"""Width of what a branch says of a frame."""
STEM = 32
"""Channels of what a branch is given."""


@dataclass(frozen=True)
class Stage:
    """Blocks of one width."""

    blocks: int
    kernel: int
    stride: int
    """Of the first block; the others have 1."""
    expansion: int
    channels: int


B0 = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""The stages of EfficientNet-B0."""
SMALL = (
    Stage(1, 3, 2, 1, 16),
    Stage(1, 3, 2, 4, 24),
    Stage(1, 5, 2, 4, 40),
    Stage(1, 3, 2, 4, 80),
)
"""Four blocks, for trying things out on little data."""
Backbone = Literal["b0", "small"]
BACKBONES: dict[Backbone, tuple[Stage, ...]] = {"b0": B0, "small": SMALL}
"""By name; the published network has `b0`."""


class PaddedConv(nn.Conv2d):
    """A convolution without bias, with zeros as for an even image: fewer before than after."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
        before, after = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2
        self.border = (before, after, before, after)
        if before == after:
            self.padding = (before, before)

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels_in, h, w)` to `(batch, channels_out, h / stride, w / stride)`."""
        if self.border[0] != self.border[1]:
            maps = F.pad(maps, self.border)
        return super().forward(maps)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """With the epsilon and the momentum of the published network."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Widen, look around, weigh the channels, narrow; and add the input where the shape allows.

    Args:
        channels_in: of the input.
        stage: sizes.
        stride: this block's.
        drop_connect: share of frames that training takes past this block, if it adds its input.
    """

    def __init__(self, channels_in: int, stage: Stage, stride: int, drop_connect: float) -> None:
        super().__init__()
        wide, squeezed = channels_in * stage.expansion, max(1, channels_in // 4)
        self.expand: nn.Conv2d | None = None
        self.expand_norm: nn.BatchNorm2d | None = None
        if stage.expansion != 1:
            self.expand = nn.Conv2d(channels_in, wide, 1, bias=False)
            self.expand_norm = batch_norm(wide)
        self.depthwise = PaddedConv(wide, wide, stage.kernel, stride, groups=wide)
        self.depthwise_norm = batch_norm(wide)
        self.squeeze = nn.Conv2d(wide, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, wide, 1)
        self.project = nn.Conv2d(wide, stage.channels, 1, bias=False)
        self.project_norm = batch_norm(stage.channels)
        self.adds = stride == 1 and channels_in == stage.channels
        self.drop_connect = drop_connect

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels_in, h, w)` to `(batch, channels, h / stride, w / stride)`."""
        wide = maps
        if self.expand is not None and self.expand_norm is not None:
            wide = _swish(self.expand_norm(self.expand(maps)))
        wide = _swish(self.depthwise_norm(self.depthwise(wide)))
        squeezed = F.silu(self.squeeze(wide.mean((2, 3), keepdim=True)))
        wide = wide * torch.sigmoid(self.excite(squeezed))
        result = cast(Tensor, self.project_norm(self.project(wide)))
        return self._dropped(result) + maps if self.adds else result

    def _dropped(self, change: Tensor) -> Tensor:
        if not self.training or not self.drop_connect:
            return change
        keep = 1 - self.drop_connect
        kept = torch.rand(len(change), 1, 1, 1, device=change.device) < keep
        return change * kept / keep


class EfficientNetB0(nn.Module):
    """16 blocks and a mean over the image.

    Args:
        drop_connect: share of frames that the last block would drop in training; less before.
        stages: the blocks.
    """

    def __init__(self, drop_connect: float = 0.2, stages: Sequence[Stage] = B0) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_blocks(drop_connect, stages))
        self.top = nn.Conv2d(stages[-1].channels, FEATURES, 1, bias=False)
        self.top_norm = batch_norm(FEATURES)
        self.gradient_checkpointing = False

    def forward(self, maps: Tensor) -> Tensor:
        """`(frame, 32, h, w)`, before its activation, to features `(frame, 1280)`."""
        maps = F.silu(maps)
        for block in self.blocks:
            maps = self._through(cast(Block, block), maps)
        return _swish(self.top_norm(self.top(maps))).mean((2, 3))

    def _through(self, block: Block, maps: Tensor) -> Tensor:
        if not (self.gradient_checkpointing and block.training and torch.is_grad_enabled()):
            return cast(Tensor, block(maps))
        return cast(
            Tensor,
            checkpoint(block, maps, use_reentrant=False, context_fn=lambda: _contexts(block)),
        )


def _contexts(block: Block) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Of the first pass and of the second, which must not move the running statistics again."""
    return nullcontext(), _statistics_kept(block)


@contextmanager
def _statistics_kept(block: Block) -> Iterator[None]:
    norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [(norm.momentum, cast(Tensor, norm.num_batches_tracked).clone()) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum = momentum
            cast(Tensor, norm.num_batches_tracked).copy_(count)


def _blocks(drop_connect: float, stages: Sequence[Stage]) -> Iterator[Block]:
    total, number, channels = sum(stage.blocks for stage in stages), 0, STEM
    for stage in stages:
        for nth in range(stage.blocks):
            stride = stage.stride if nth == 0 else 1
            yield Block(channels, stage, stride, drop_connect * number / total)
            channels, number = stage.channels, number + 1


def _swish(maps: Tensor) -> Tensor:
    # where a gradient is wanted the input must be kept, and in place it would be copied first
    return F.silu(maps, inplace=not torch.is_grad_enabled())
