"""Batch norm of pictures stored channels last, whose sums are as exact as those of the usual order.

On a processor convolutions are quickest when the channels of a pixel lie side by side. PyTorch's
own batch norm then adds up all pixels one after the other in 32 bits, which costs the gradients
three digits. Here the pixels are added in many groups, and the groups exactly.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

_ROWS = 1024
"""Pixels of a group, where the number of all can be divided so."""
_WIDEST = 65_536


def channels_last(network: nn.Module) -> nn.Module:
    """Store a network's convolutions channels last, and exchange its norms; in place.

    Parameters, buffers and their names stay, the numbers but for rounding too.
    """
    network.to(memory_format=torch.channels_last)
    for module in [*network.modules()]:
        for name, part in module.named_children():
            if type(part) is nn.BatchNorm2d:
                setattr(module, name, GroupedNorm(part))
    return network


class GroupedNorm(nn.BatchNorm2d):
    """A batch norm with the parameters and statistics of another one.

    Args:
        given: with weights and running statistics.
    """

    def __init__(self, given: nn.BatchNorm2d) -> None:
        super().__init__(given.num_features, given.eps, given.momentum)
        self.weight, self.bias = given.weight, given.bias
        for name, buffer in given.named_buffers():
            self.register_buffer(name, buffer)
        self.train(given.training)

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channel, h, w)` to the same."""
        last = maps.is_contiguous(memory_format=torch.channels_last)
        if not (self.training and last and maps.dtype == torch.float32 and maps.is_cpu):
            return super().forward(maps)
        found, mean, variance = cast(
            tuple[Tensor, Tensor, Tensor],
            _Grouped.apply(maps, self.weight, self.bias, self.eps),
        )
        self._take(mean, variance, maps.numel() // maps.shape[1])
        return found

    @torch.no_grad()
    def _take(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)


class _Grouped(torch.autograd.Function):
    """All on maps seen as `(row, group * channel)`: so many rows make a group's sum."""

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        groups = _groups(maps)
        rows = _rows(maps, groups)
        means, variances = torch.batch_norm_update_stats(_as_maps(rows), None, None, 0.0)
        means, variances = (v.double().view(groups, -1) for v in (means, variances))
        mean = means.mean(dim=0)
        variance = variances.mean(dim=0) + (means - mean).square().mean(dim=0)
        inverse = (variance + eps).rsqrt()
        scale = weight * inverse
        found = torch.empty_like(maps, memory_format=torch.channels_last)
        out = _rows(found, groups)
        torch.addcmul(_wide(bias - mean * scale, groups), rows, _wide(scale, groups), out=out)
        ctx.save_for_backward(maps, weight, mean, inverse)
        ctx.mark_non_differentiable(mean, variance)
        return found, mean.float(), variance.float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        maps, weight, mean, inverse = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        groups = _groups(maps)
        rows, given = _rows(maps, groups), _rows(gradient, groups)
        _, for_weight, for_bias = torch.ops.aten.native_batch_norm_backward(
            _as_maps(given), _as_maps(rows), None, None, None, _wide(mean, groups),
            _wide(inverse, groups), True, 0.0, [False, True, True],
        )  # fmt: skip
        for_weight, for_bias = (v.double().view(groups, -1).sum(0) for v in (for_weight, for_bias))
        count = maps.numel() // maps.shape[1]
        scale = weight * inverse
        by_map = -scale * inverse * for_weight / count
        rest = -scale * for_bias / count - by_map * mean
        for_maps = torch.empty_like(gradient, memory_format=torch.channels_last)
        out = _rows(for_maps, groups)
        torch.addcmul(_wide(rest, groups), given, _wide(scale, groups), out=out)
        out.addcmul_(rows, _wide(by_map, groups))
        return for_maps, for_weight.float(), for_bias.float(), None


def _groups(maps: Tensor) -> int:
    """A power of two that divides the number of pixels."""
    channels = maps.shape[1]
    left, groups = maps.numel() // channels, 1
    while left % 2 == 0 and left > _ROWS and 2 * groups * channels <= _WIDEST:
        left, groups = left // 2, groups * 2
    return groups


def _rows(maps: Tensor, groups: int) -> Tensor:
    """`(row, group * channel)` of maps stored channels last, without a copy."""
    return maps.permute(0, 2, 3, 1).reshape(-1, groups * maps.shape[1])


def _as_maps(rows: Tensor) -> Tensor:
    """`(1, group * channel, row, 1)`, stored channels last."""
    return rows.t()[None, :, :, None]


def _wide(values: Tensor, groups: int) -> Tensor:
    return values.float().repeat(groups)
