"""Convolutions for inference: batch norm within, activation along, weights packed by oneDNN."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FusedConv(nn.Module):
    """A convolution, the batch norm behind it, and an activation; it cannot be trained.

    On a processor all of it is one operator of oneDNN, with weights packed once for the first
    sizes that it sees; others are possible.

    Args:
        conv: its weights; copied.
        norm: with its running statistics.
        activation: `none`, `relu` or `swish`.
        kernel: to be used instead of the convolution's.
        border: zeros on all sides, by default the convolution's.
    """

    def __init__(
        self,
        conv: nn.Conv2d,
        norm: nn.BatchNorm2d,
        activation: str = "none",
        *,
        kernel: Tensor | None = None,
        border: int | None = None,
    ) -> None:
        super().__init__()
        assert norm.running_mean is not None and norm.running_var is not None
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        before = norm.running_mean if conv.bias is None else norm.running_mean - conv.bias
        weight = (conv.weight if kernel is None else kernel) * gain[:, None, None, None]
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(norm.bias - before * gain)
        padding = [int(side) for side in conv.padding] if border is None else [border] * 2
        self.settings = (padding, list(conv.stride), [1, 1], conv.groups)
        self.activation = activation
        self._packed: Tensor | None = None

    def forward(self, maps: Tensor, beside: Tensor | None = None) -> Tensor:
        """Maps `(batch, channels_in, h, w)` to `(batch, channels_out, h / stride, w / stride)`.

        Args:
            maps: of any layout in memory.
            beside: maps of the result's shape that are added before the activation, which must then
                not be `swish`; may be overwritten.
        """
        if maps.device.type == "cpu" and has_fusion():
            return self._by_onednn(maps, beside)
        padding, stride, dilation, groups = self.settings
        found = F.conv2d(maps, self.weight, self.bias, stride, padding, dilation, groups)
        if beside is not None:
            found.add_(beside)
        return _activated(found, self.activation)

    def _by_onednn(self, maps: Tensor, beside: Tensor | None) -> Tensor:
        maps = maps.contiguous(memory_format=torch.channels_last)
        if self._packed is None:
            self._packed = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight.detach(), *self.settings, list(maps.shape)
            )
        given = self._packed, self.bias, *self.settings
        operators: Any = torch.ops.mkldnn
        if beside is None:
            return cast(
                Tensor, operators._convolution_pointwise(maps, *given, self.activation, [], "")
            )
        beside = beside.contiguous(memory_format=torch.channels_last)
        after = self.activation if self.activation != "none" else None
        return cast(
            Tensor,
            operators._convolution_pointwise_(beside, maps, *given, "add", 1.0, after, [], ""),
        )


def _activated(maps: Tensor, name: str) -> Tensor:
    if name == "none":
        return maps
    return F.relu(maps, inplace=True) if name == "relu" else F.silu(maps, inplace=True)


@cache
def has_fusion() -> bool:
    """Whether this build of torch has oneDNN's operators."""
    operators: Any = torch.ops.mkldnn
    backend: Any = torch.backends.mkldnn
    wanted = ("_convolution_pointwise", "_convolution_pointwise_", "_reorder_convolution_weight")
    return bool(backend.is_available()) and all(hasattr(operators, name) for name in wanted)
