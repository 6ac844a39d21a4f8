"""A copy of the network for finding: the same numbers in less than half the time on a processor.

Norms, activations and sums lie within the convolutions and maps are stored channels last. The two
last layers of the proposals are one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.systems.gaze_following.detector.model import BOX_BINS, Block, MaskRcnn, ResNeXt
from eyeline.training.fused import FusedConv


def fused(network: MaskRcnn) -> MaskRcnn:
    """A copy in evaluation mode that cannot be trained; its methods are the network's.

    It shares no tensors with the network, and its own have other names than a checkpoint's.
    """
    with torch.no_grad():
        made = MaskRcnn(
            FusedBackbone(cast(ResNeXt, network.backbone)),
            _pyramid(network.pyramid),
            FusedProposer(network.proposer),
            FusedBoxHead(network.box_head),
            copy.deepcopy(network.classes),
            copy.deepcopy(network.boxes),
            nn.Sequential(*(alone(block[0], "relu") for block in cast(Any, network.mask_head))),
            copy.deepcopy(network.masks),
        )
    return made.requires_grad_(False).eval()


class FusedBlock(nn.Module):
    """A block of the backbone; may overwrite what it is given."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.conv1 = FusedConv(block.conv1, block.bn1, "relu")
        self.conv2 = FusedConv(block.conv2, block.bn2, "relu")
        self.conv3 = FusedConv(block.conv3, block.bn3, "relu")
        self.shortcut: nn.Module = nn.Identity()
        if block.downsample is not None:
            self.shortcut = FusedConv(*block.downsample)

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels, h, w)`."""
        found = self.conv2(self.conv1(maps))
        return cast(Tensor, self.conv3(found, self.shortcut(maps)))


class FusedBackbone(nn.Module):
    """`ResNeXt`."""

    def __init__(self, backbone: ResNeXt) -> None:
        super().__init__()
        self.stem = FusedConv(backbone.conv1, backbone.bn1, "relu")
        self.stages = nn.ModuleList(
            nn.Sequential(*(FusedBlock(block) for block in cast(Any, stage)))
            for stage in backbone.stages
        )

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """As of `ResNeXt`; no block overwrites a stage's last maps, as the next has a shortcut."""
        found = [F.max_pool2d(self.stem(pictures), 3, 2, padding=1)]
        for stage in self.stages:
            found.append(stage(found[-1]))
        return found[1:]


class FusedProposer(nn.Module):
    """torchvision's head of proposals, its two last layers as one."""

    def __init__(self, proposer: Any) -> None:
        super().__init__()
        self.conv = alone(proposer.conv[0][0], "relu")
        parts = proposer.cls_logits, proposer.bbox_pred
        self.counts = [part.out_channels for part in parts]
        both = nn.Conv2d(parts[0].in_channels, sum(self.counts), 1)
        assert both.bias is not None
        both.weight.copy_(torch.cat([part.weight for part in parts]))
        both.bias.copy_(torch.cat([part.bias for part in parts]))
        self.both = alone(both, "none").to(parts[0].weight.device)

    def forward(self, maps: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Scores and deltas by level."""
        said = [self.both(self.conv(m)).split(self.counts, dim=1) for m in maps]
        return [scores for scores, _ in said], [deltas for _, deltas in said]


class FusedBoxHead(nn.Module):
    """torchvision's two layers, of bins that are stored channels last."""

    def __init__(self, head: Any) -> None:
        super().__init__()
        self.fc6, self.fc7 = copy.deepcopy(head.fc6), copy.deepcopy(head.fc7)
        by_channel = head.fc6.weight.reshape(head.fc6.out_features, -1, BOX_BINS**2)
        self.fc6.weight.copy_(by_channel.transpose(1, 2).flatten(1))

    def forward(self, bins: Tensor) -> Tensor:
        """`(n, channels, 7, 7)` to `(n, hidden)`."""
        found = F.relu(self.fc6(bins.permute(0, 2, 3, 1).flatten(1)), inplace=True)
        return F.relu(self.fc7(found), inplace=True)


def alone(conv: nn.Conv2d, activation: str) -> FusedConv:
    """A convolution that has no norm behind it."""
    norm = nn.BatchNorm2d(conv.out_channels, eps=0).to(conv.weight.device)  # changes nothing
    return FusedConv(conv, norm, activation)


def _pyramid(pyramid: nn.Module) -> nn.Module:
    made = cast(Any, copy.deepcopy(pyramid))
    for blocks in (made.inner_blocks, made.layer_blocks):
        for number, block in enumerate(blocks):
            blocks[number] = alone(block[0], "none")
    return cast(nn.Module, made)
