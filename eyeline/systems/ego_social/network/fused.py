"""Copies of both networks for inference: the same answers in about half the time.

Batch norms and activations lie within the frame encoder's convolutions, pictures are stored
channels last. The voice encoder, which rectifies before it normalises, stays as it is: it takes a
few hundredths of the time.
"""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.systems.ego_social.model import FrameEncoder, LookingAtMe, Residual
from eyeline.systems.ego_social.ttm_model import TalkingToMe
from eyeline.training.fused import FusedConv

AT_ONCE = 8
"""Frames that a processor sees together; measured: with twice as many each takes longer."""

Network = TypeVar("Network", LookingAtMe, TalkingToMe)


def fused(network: Network) -> Network:
    """A copy in evaluation mode that cannot be trained; its methods are the network's.

    It shares no tensors with the network, and its own have other names than a checkpoint's.
    """
    given = cast(FrameEncoder, network.encoder)
    with torch.no_grad():
        made = copy.deepcopy(network, {id(given): FusedEncoder(given)})
    return made.requires_grad_(False).eval()


class FusedEncoder(nn.Module):
    """`FrameEncoder`."""

    def __init__(self, encoder: FrameEncoder) -> None:
        super().__init__()
        self.stem = FusedConv(encoder.conv, encoder.norm, "relu")
        stages = (encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4)
        blocks = (cast(Residual, block) for stage in stages for block in stage)
        self.blocks = nn.Sequential(*(FusedBlock(block) for block in blocks))
        self.project = copy.deepcopy(encoder.project)

    def forward(self, frames: Tensor) -> Tensor:
        """`(frame, 3, h, w)`, as of `inputs.normalise`, to `(frame, 256)`."""
        if frames.device.type != "cpu":
            return self._seen(frames)
        return torch.cat([self._seen(part) for part in torch.split(frames, AT_ONCE)])

    def _seen(self, frames: Tensor) -> Tensor:
        maps = frames.contiguous(memory_format=torch.channels_last)
        maps = self.blocks(F.max_pool2d(self.stem(maps), 3, 2, padding=1))
        return cast(Tensor, self.project(maps.mean(dim=(2, 3))))


class FusedBlock(nn.Module):
    """`Residual`."""

    def __init__(self, block: Residual) -> None:
        super().__init__()
        self.first = FusedConv(block.conv1, block.norm1, "relu")
        self.second = FusedConv(block.conv2, block.norm2, "relu")
        self.shortcut: nn.Module = nn.Identity()
        if isinstance(block.shortcut, nn.Sequential):
            conv, norm = block.shortcut
            self.shortcut = FusedConv(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm))

    def forward(self, maps: Tensor) -> Tensor:
        """As the block; the maps given are overwritten."""
        inner = self.first(maps)
        return cast(Tensor, self.second(inner, self.shortcut(maps)))
