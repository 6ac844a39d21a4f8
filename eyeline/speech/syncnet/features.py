"""SyncNet over time: the same numbers as clip by clip, each step in the form that runs quickest.

A clip's first convolution spans its five frames, all others one, so a convolution in two
dimensions over five frames laid on one another does the same work. Norms are folded into what
stands before them, images lie channels last, and maxima are taken before what they commute with.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from eyeline.errors import check_shape
from eyeline.results import Image
from eyeline.speech.mfcc import COEFFICIENTS
from eyeline.speech.syncnet.model import (
    CLIP_FRAMES,
    FACE_PX,
    HOP_ROWS,
    WINDOW_ROWS,
    Encoder,
    SyncNet,
)

Precision = Literal["float32", "bfloat16"]
"""Arithmetic of the convolutions; the shorter one moves features by about a hundredth."""
Features = npt.NDArray[np.float32]

AT_ONCE = 20
"""Clips or windows that are encoded together."""


class OverTime:
    """The network for runs of faces and of audio; answers lie on the processor."""

    def __init__(
        self, net: SyncNet, *, precision: Precision = "float32", device: str = "cpu"
    ) -> None:
        """Fold a network, which stays as it is.

        Args:
            net: in evaluation mode.
            precision: of the convolutions.
            device: where to run.
        """
        self.features = net.features
        self._kind = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        self._device = torch.device(device)
        self._lips = self._folded(net.lips)
        self._audio = self._folded(net.sound)

    def lips(self, faces: Image, *, every: int = 1) -> Features:
        """One point for each five successive faces.

        Args:
            faces: `(n, 224, 224, 3)` BGR.
            every: faces from one clip to the next.

        Returns:
            `((n - 5) // every + 1, features)`; row i is of the faces i `every` to i `every` + 4.
        """
        check_shape(faces, f"n {FACE_PX} {FACE_PX} 3", "faces")
        count = max(0, (len(faces) - CLIP_FRAMES) // every + 1)

        def clips(start: int, stop: int) -> Tensor:
            last = (stop - 1) * every
            run = torch.from_numpy(np.ascontiguousarray(faces[start * every : last + CLIP_FRAMES]))
            run, span = run.to(self._device), last - start * every + 1
            shape = (stop - start, FACE_PX, FACE_PX, 3 * CLIP_FRAMES)
            laid = torch.empty(shape, dtype=self._kind, device=self._device)
            for i in range(CLIP_FRAMES):
                laid[..., 3 * i : 3 * i + 3] = run[i : i + span : every]
            return laid.permute(0, 3, 1, 2)

        return self._encoded(self._lips, clips, count)

    def sound(self, coefficients: npt.NDArray[np.float32]) -> Features:
        """One point for each window of audio.

        Args:
            coefficients: `(4 n + 16, 13)` as of `mfcc`.

        Returns:
            `(n, features)`; row i is of the rows 4 i to 4 i + 19.
        """
        check_shape(coefficients, f"rows {COEFFICIENTS}", "coefficients")
        count = max(0, (len(coefficients) - WINDOW_ROWS) // HOP_ROWS + 1)
        rows = np.ascontiguousarray(coefficients, np.float32)

        def windows(start: int, stop: int) -> Tensor:
            at = HOP_ROWS * np.arange(start, stop)[:, None] + np.arange(WINDOW_ROWS)
            run = torch.from_numpy(rows[at]).to(self._device, self._kind)
            return run.transpose(1, 2)[:, None].contiguous(memory_format=torch.channels_last)

        return self._encoded(self._audio, windows, count)

    def _encoded(
        self, encoder: nn.Module, piece: Callable[[int, int], Tensor], count: int
    ) -> Features:
        parts = [np.zeros((0, self.features), np.float32)]
        with torch.inference_mode():
            for start in range(0, count, AT_ONCE):
                result = encoder(piece(start, min(count, start + AT_ONCE)))
                parts.append(result.float().cpu().numpy())
        return np.concatenate(parts)

    def _folded(self, encoder: Encoder) -> nn.Sequential:
        own = copy.deepcopy(encoder).eval()
        steps = nn.Sequential(*_flat(own.convolutions), nn.Flatten(1), *_linear(own.head)).eval()
        return steps.to(self._device, self._kind).to(memory_format=torch.channels_last)


def _flat(convolutions: nn.Sequential) -> list[nn.Module]:
    """The same in two dimensions without norms, maxima before rectifiers."""
    steps: list[Any] = []
    for layer in convolutions:
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            steps.append(layer)
        elif isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm3d)):
            steps[-1] = _conv2(fuse_conv_bn_eval(steps[-1], layer))
        elif isinstance(layer, (nn.MaxPool2d, nn.MaxPool3d)):
            if layer.kernel_size != 1:
                steps.insert(len(steps) - 1, _pool2(layer))
        else:
            steps.append(nn.ReLU(inplace=True))
    return steps


def _conv2(conv: nn.Conv2d | nn.Conv3d) -> nn.Conv2d:
    """A convolution over time and image as one over the images laid on one another."""
    if isinstance(conv, nn.Conv2d):
        return conv
    assert conv.bias is not None
    weight = conv.weight.detach().transpose(1, 2).flatten(1, 2)
    out, channels, high, wide = weight.shape
    stride, padding = conv.stride[-2:], cast(tuple[int, int], conv.padding[-2:])
    flat = nn.Conv2d(channels, out, (high, wide), cast(tuple[int, int], stride), padding)
    flat.load_state_dict({"weight": weight, "bias": conv.bias.detach()})
    return flat


def _pool2(pool: nn.MaxPool2d | nn.MaxPool3d) -> nn.MaxPool2d:
    def last_two(value: Any) -> Any:
        return value if isinstance(value, int) else value[-2:]

    sizes = (last_two(v) for v in (pool.kernel_size, pool.stride, pool.padding))
    return nn.MaxPool2d(**dict(zip(("kernel_size", "stride", "padding"), sizes, strict=True)))


def _linear(head: nn.Sequential) -> list[nn.Module]:
    first, norm, rectifier, last = head
    assert isinstance(first, nn.Linear) and isinstance(norm, nn.BatchNorm1d)
    return [fuse_linear_bn_eval(first, norm), rectifier, last]
