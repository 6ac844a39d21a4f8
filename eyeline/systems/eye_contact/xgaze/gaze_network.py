"""The gaze network of ETH-XGaze: a ResNet-50 whose pooled features also give pitch and yaw.

Names are those of the authors' checkpoint, in which the ResNet keeps a head of 1000 classes that
nothing uses.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from eyeline.errors import check_shape
from eyeline.runtimes.interface import Interface, whole
from eyeline.systems.eye_contact.xgaze.inputs import FACE_PX, PIXELS

if TYPE_CHECKING:
    from torchvision.models.resnet import ResNet

FEATURES = 2048
"""Width of the feature."""


class GazeNetwork(nn.Module):
    """Pitch, yaw and a feature of normalised faces, by a ResNet-50 (stride in the 3x3)."""

    def __init__(self, resnet: ResNet) -> None:
        super().__init__()
        self.gaze_network = resnet
        self.gaze_fc = nn.Sequential(nn.Linear(FEATURES, 2))

    @property
    def interface(self) -> Interface:
        """Faces to angles and features."""
        return whole(
            {"faces": f"face 3 {FACE_PX} {FACE_PX}"},
            {"pitch_yaw": "face 2", "feature": f"face {FEATURES}"},
            pixels={"faces": PIXELS},
        )

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Pitch and yaw `(batch, 2)` in radians, and the pooled feature `(batch, 2048)`.

        The vector of these angles points away from the scene; the feature is nowhere negative.
        `faces` `(batch, 3, 224, 224)` are as of `inputs.network_input`; DataError for another
        shape.
        """
        check_shape(faces, f"batch 3 {FACE_PX} {FACE_PX}", "faces")
        net = self.gaze_network
        maps = net.maxpool(net.relu(net.bn1(net.conv1(faces))))
        maps = net.layer4(net.layer3(net.layer2(net.layer1(maps))))
        feature = torch.flatten(net.avgpool(maps), 1)
        return self.gaze_fc(feature), feature


def xgaze_resnet50() -> GazeNetwork:
    """The builder, with random weights; nothing is downloaded."""
    from torchvision.models import resnet50

    return GazeNetwork(resnet50(weights=None))


def folded(network: GazeNetwork) -> GazeNetwork:
    """A copy for inference: batch norms within the convolutions, channels last in memory.

    It has no batch norms and no head of 1000 classes left, so that its names are no checkpoint's.
    """
    network = copy.deepcopy(network).eval()
    resnet = network.gaze_network
    with torch.no_grad():
        for owner, convolution, norm in _pairs(resnet):
            _fold(owner.get_submodule(convolution), owner.get_submodule(norm))
            setattr(owner, norm, nn.Identity())
    resnet.fc = nn.Identity()
    return network.requires_grad_(False).to(memory_format=torch.channels_last)


def _pairs(resnet: ResNet) -> Iterator[tuple[nn.Module, str, str]]:
    """Each convolution with the batch norm behind it: whose they are, and their names there."""
    from torchvision.models.resnet import Bottleneck

    yield resnet, "conv1", "bn1"
    for block in [m for m in resnet.modules() if isinstance(m, Bottleneck)]:
        yield from ((block, f"conv{i}", f"bn{i}") for i in (1, 2, 3))
        if block.downsample is not None:
            yield block.downsample, "0", "1"


def _fold(convolution: nn.Module, norm: nn.Module) -> None:
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    convolution.weight.mul_(gain[:, None, None, None])
    convolution.bias = nn.Parameter(norm.bias - norm.running_mean * gain)
