"""The published way of `mask_rcnn`, written anew from its description, to compare with.

Norms behind their convolutions, maps channels first, bins of regions channel by channel, masks of
all boxes in the original image.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from eyeline.systems.gaze_following.detector import pooling
from eyeline.systems.gaze_following.detector.model import BOX_BINS, MASK_BINS, MaskRcnn, ResNeXt


class Backbone(nn.Module):
    """torchvision's own, with the weights of ours; norms never learn statistics."""

    def __init__(self, backbone: ResNeXt) -> None:
        super().__init__()
        depths = [len(cast(nn.Sequential, stage)) for stage in backbone.stages]
        whole = ResNet(Bottleneck, depths, num_classes=1, groups=32, width_per_group=4)
        whole.load_state_dict({**backbone.state_dict(), **_head(whole)})
        self.stem = nn.Sequential(whole.conv1, whole.bn1, whole.relu)
        self.stages = nn.ModuleList([whole.layer1, whole.layer2, whole.layer3, whole.layer4])
        for part in (self.stem, self.stages[0]):
            part.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """`(batch, 3, h, w)` to maps of four sizes."""
        result = [F.max_pool2d(self.stem(images), 3, 2, padding=1)]
        for stage in self.stages:
            result.append(stage(result[-1]))
        return result[1:]

    def train(self, mode: bool = True) -> Backbone:
        """Always as in evaluation."""
        return super().train(False)


class Published(MaskRcnn):
    """The network, with regions as torchvision's operator reads them."""

    def classify(self, maps: Sequence[Tensor], regions: Tensor) -> tuple[Tensor, Tensor]:
        """As of `MaskRcnn`."""
        result = self.box_head(pooling.by_operator(maps, regions, BOX_BINS))
        return self.classes(result), self.boxes(result)

    def outline(self, maps: Sequence[Tensor], regions: Tensor) -> Tensor:
        """As of `MaskRcnn`."""
        bins = pooling.by_operator(maps, regions, MASK_BINS)
        return cast(Tensor, self.masks(self.mask_head(bins)))


def published(network: MaskRcnn) -> MaskRcnn:
    """A copy of a network of ours that computes in the published way."""
    parts: Any = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    return Published(
        Backbone(parts.backbone),
        parts.pyramid,
        parts.proposer,
        parts.box_head,
        parts.classes,
        parts.boxes,
        parts.mask_head,
        parts.masks,
    ).train(network.training)


def _head(whole: ResNet) -> dict[str, Tensor]:
    """Of torchvision's classifier, which is not used."""
    return {k: v for k, v in whole.state_dict().items() if k.startswith("fc.")}
