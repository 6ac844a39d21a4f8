"""LR-ASD: does this face say what is heard? (Liao et al., IJCV 2025; code and weights MIT)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from eyeline.errors import check_shape
from eyeline.training.checkpoint import fill
from eyeline.training.foreign import load_state

FEATURES = 128
"""Channels of the face's and of the audio's embedding."""
FACE_REACH = 9
"""Frames before and after that the embedding of a face in one frame depends on."""
AUDIO_REACH = 6
"""Frames before and after that the embedding of the audio in one frame depends on."""

_EPS, _MOMENTUM = 1e-3, 1e-2  # of every batch norm of the published network
_GREY_MEAN, _GREY_STD = 0.4161, 0.1688
_WIDTHS = ((1, 32), (32, 64), (64, FEATURES))
_IGNORED = frozenset({"lossV.FC.weight", "lossV.FC.bias"})  # face-only head, used in training alone


class LrAsdNet(nn.Module):
    """Face and audio encoders, a gate over both, and a forward and a backward GRU."""

    def __init__(self) -> None:
        """Make the one published size: 841,086 values with the training head that is left out."""
        super().__init__()
        self.face = FaceEncoder()
        self.sound = AudioEncoder()
        self.gate = Gate(2 * FEATURES)
        self.onward = nn.GRU(2 * FEATURES, FEATURES // 2, batch_first=True)
        self.hindward = nn.GRU(2 * FEATURES, FEATURES // 2, batch_first=True)
        self.gate_out = Gate(FEATURES)
        self.head = nn.Linear(FEATURES, 2)

    def judge(self, face: Tensor, audio: Tensor) -> Tensor:
        """Scores of one stretch from its embeddings.

        Args:
            face: `(batch, frames, 128)`.
            audio: `(batch, frames, 128)`.

        Returns:
            `(batch, frames, 2)` logits: silent, speaking.
        """
        both = self.gate(torch.cat([audio, face], dim=2))
        onward = self.onward(both)[0]
        backward = self.hindward(both.flip(1))[0].flip(1)
        logits: Tensor = self.head(self.gate_out(torch.cat([onward, backward], dim=2)))
        return logits

    def forward(self, faces: Tensor, coefficients: Tensor) -> Tensor:
        """Logits of faces and the audio with them.

        Args:
            faces: `(batch, frames, 112, 112)` grey in 0..255, 25 Hz.
            coefficients: `(batch, 4 * frames, 13)` as of `mfcc`, 100 Hz.

        Returns:
            `(batch, frames, 2)` logits: silent, speaking.
        """
        sizes = check_shape(faces, "batch frames 112 112", "faces")
        sizes["quarters"] = 4 * sizes["frames"]
        check_shape(coefficients, "batch quarters 13", "coefficients", sizes)
        return self.judge(self.face(faces), self.sound(coefficients))


class FaceEncoder(nn.Module):
    """Grey faces to one embedding a frame; looks 9 frames back and ahead."""

    def __init__(self) -> None:
        """Three factorised blocks: within the frame first, then over time."""
        super().__init__()
        self.blocks = nn.ModuleList(
            _block(((1, 5, 5), (1, 3, 3), (5, 1, 1), (3, 1, 1)), *widths, stride=1 if i else 2)
            for i, widths in enumerate(_WIDTHS)
        )
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings `(batch, frames, 128)` of faces `(batch, frames, 112, 112)` in 0..255."""
        x = ((faces / 255 - _GREY_MEAN) / _GREY_STD).unsqueeze(1)
        x = self.blocks[2](self.pool(self.blocks[1](self.pool(self.blocks[0](x)))))
        embedded: Tensor = x.amax(dim=(3, 4)).transpose(1, 2)
        return embedded


class AudioEncoder(nn.Module):
    """Cepstral coefficients at 100 Hz to one embedding a frame of 25 Hz."""

    def __init__(self) -> None:
        """Three factorised blocks: over the coefficients first, then over time."""
        super().__init__()
        self.blocks = nn.ModuleList(
            _block(((5, 1), (3, 1), (1, 5), (1, 3)), *widths, stride=1) for widths in _WIDTHS
        )
        self.pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))

    def forward(self, coefficients: Tensor) -> Tensor:
        """Embeddings `(batch, frames, 128)` of coefficients `(batch, 4 * frames, 13)`."""
        x = coefficients.transpose(1, 2).unsqueeze(1)
        x = self.blocks[2](self.pool(self.blocks[1](self.pool(self.blocks[0](x)))))
        embedded: Tensor = x.mean(dim=2).transpose(1, 2)
        return embedded


class Gate(nn.Module):
    """Each channel times a number in (0, 1) that all channels of the frame decide."""

    def __init__(self, channels: int) -> None:
        """Make the gate of `channels` channels."""
        super().__init__()
        self.mix = nn.Conv1d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm1d(channels, eps=_EPS, momentum=_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, frames, channels)` to the same."""
        open_: Tensor = torch.sigmoid(self.norm(self.mix(x.transpose(1, 2)))).transpose(1, 2)
        return x * open_


def lr_asd(weights: str | Path) -> LrAsdNet:
    """The network with the weights of a published file, in evaluation mode.

    Raises:
        CheckpointError: for a file that is missing, is no file of tensors, or does not hold exactly
            the published network's tensors.
    """
    net = LrAsdNet()
    theirs = load_state(weights, "LR-ASD, for example finetuning_TalkSet.model").state
    fill(net, _renamed(theirs), weights)
    return net.eval()


def fold(net: LrAsdNet) -> LrAsdNet:
    """The same network in evaluation mode with every norm folded into its convolution: quicker."""
    for step in net.modules():
        if isinstance(step, _Step):
            step.conv, step.norm = fuse_conv_bn_eval(step.conv, step.norm), nn.Identity()
    return net


def _block(
    kernels: Sequence[tuple[int, ...]], before: int, after: int, stride: int
) -> nn.Sequential:
    """Four convolutions, each with norm and ReLU; the first has half the width and the stride."""
    widths = (before, after // 2, after, after, after)
    return nn.Sequential(
        *(
            _Step(kernel, widths[i], widths[i + 1], stride if i == 0 else 1)
            for i, kernel in enumerate(kernels)
        )
    )


class _Step(nn.Module):
    """Convolution without bias that keeps the size (a stride acts on the image, not on time)."""

    def __init__(self, kernel: tuple[int, ...], before: int, after: int, stride: int) -> None:
        super().__init__()
        conv: Any = {2: nn.Conv2d, 3: nn.Conv3d}[len(kernel)]
        norm: Any = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[len(kernel)]
        strides = tuple(stride if size > 1 else 1 for size in kernel)
        padding = tuple(size // 2 for size in kernel)
        self.conv: Any = conv(before, after, kernel, strides, padding, bias=False)
        self.norm: Any = norm(after, eps=_EPS, momentum=_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(self.norm(self.conv(x)))


def _renamed(original: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the published file under our names; unknown ones keep theirs."""
    modules = dict(_original_modules())
    named: dict[str, Tensor] = {}
    for key, value in original.items():
        module, _, leaf = key.rpartition(".")
        if key not in _IGNORED:
            named[f"{modules[module]}.{leaf}" if module in modules else key] = value
    return named


def _original_modules() -> Iterator[tuple[str, str]]:
    """The published names of modules with ours."""
    encoders = {"visualEncoder": ("face", "s"), "audioEncoder": ("sound", "m")}
    for theirs, (ours, inner) in encoders.items():
        for block in range(3):
            for step, letter in enumerate((inner, inner, "t", "t")):
                there = f"model.{theirs}.block{block + 1}.{letter}_"
                here = f"{ours}.blocks.{block}.{step}"
                yield f"{there}{step % 2 + 1}", f"{here}.conv"
                yield f"{there}norm_{step % 2 + 1}", f"{here}.norm"
    yield "model.fusion.attention", "gate.mix"
    yield "model.fusion.bn", "gate.norm"
    yield "model.detector.gru_forward", "onward"
    yield "model.detector.gru_backward", "hindward"
    yield "model.detector.attention.attention", "gate_out.mix"
    yield "model.detector.attention.bn", "gate_out.norm"
    yield "lossAV.FC", "head"
