"""The gaze network of ETH-XGaze: a ResNet-50 whose pooled features also give pitch and yaw.

Names are those of the authors' checkpoint, in which the ResNet keeps a head of 1000 classes that
nothing uses.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from eyeline.errors import UsageError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.interface import Interface, whole
from eyeline.systems.eye_contact.xgaze.inputs import FACE_PX, PIXELS, network_input
from eyeline.training.devices import THREADS, check_device, for_answers

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


BATCH_SIZES = {"cpu": 8, "cuda": 64}
"""Faces that pass through the network at once; more than 8 outgrow what a CPU's allocator keeps."""


class GazeFeatures:
    """Pitch, yaw and feature of normalised faces."""

    def __init__(
        self,
        network: GazeNetwork,
        device: str = "cpu",
        *,
        batch_size: int | None = None,
        threads: int = THREADS,
    ) -> None:
        """Copy a network for inference.

        `batch_size` is the most faces at once, by default `BATCH_SIZES`; predictions differ by
        rounding only. UsageError for a device that is not there, or a batch without faces.
        """
        self.device = check_device(device)
        self.batch_size = BATCH_SIZES[self.device.type] if batch_size is None else batch_size
        if self.batch_size < 1:
            raise UsageError(f"a batch of {batch_size} faces; at least one is needed")
        self.threads = threads
        self.network = folded(network).to(self.device)

    @classmethod
    def open(
        cls,
        path: Path | str,
        device: str = "cpu",
        *,
        batch_size: int | None = None,
        threads: int = THREADS,
    ) -> GazeFeatures:
        """From weights that `eyeline import` wrote; CheckpointError for another network's file."""
        from eyeline.systems.eye_contact.xgaze.weights import load_gaze_network

        check_device(device)
        return cls(load_gaze_network(path), device, batch_size=batch_size, threads=threads)

    def __call__(self, faces: Image) -> tuple[Floats, Floats]:
        """Pitch and yaw `(n, 2)` in radians, and the feature `(n, 2048)`, of faces, both float32.

        The vector of these angles points away from the scene, in the virtual camera's frame
        (`inputs.Views.network_vectors` turns it into the camera's). Faces are `(n, 224, 224, 3)`
        uint8 BGR as of `inputs.cut_faces`; DataError for another shape.
        """
        starts = range(0, max(len(faces), 1), self.batch_size)
        with for_answers(self.threads):
            parts = [
                self.network(network_input(faces[i : i + self.batch_size], self.device))
                for i in starts
            ]
        angles, features = zip(*parts, strict=True)
        return torch.cat(angles).cpu().numpy(), torch.cat(features).cpu().numpy()
