"""Pooling and spreading of tokens over their grid by depthwise convolutions of 3 x 3 x 3.

Tokens are stored channels last. The weights of a head's channels are the same in all heads. On a
processor gradients are put together from convolutions that are quick there: that of the tokens is
a convolution itself, that of the weights a sum over planar ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from eyeline.systems.gaze_anticipation.network.products import is_quick

Stride = tuple[int, int, int]
"""Over time, rows and columns."""


def pool(tokens: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Tokens of every `stride`-th row and column, each with its neighbours.

    Args:
        tokens: `(batch, time, row, column, channel)`.
        weight: `(channel, 1, 3, 3, 3)`.
        stride: over rows and columns, which it divides.

    Returns:
        `(batch, time, row / stride, column / stride, channel)`.
    """
    return _convolved(tokens, weight, stride, 1)


def pool_apart(tokens: Tensor, weight: Tensor) -> Tensor:
    """Tokens of every third row and column from the second on, each with its neighbours.

    With `neighbourhoods` this is `pool` with strides of three and more.
    """
    return _convolved(tokens, weight, 3, 0)


def neighbourhoods(tokens: Tensor, stride: int) -> Tensor:
    """The tokens that a stride of three or more looks at.

    Args:
        tokens: `(batch, time, row, column, channel)`.
        stride: over rows and columns, which it divides.

    Returns:
        `(batch, time, 3 row / stride, 3 column / stride, channel)`. The first row and column lie
        beyond the border and hold their neighbours': see `without_border`.
    """
    rows, columns = (_looked_at(n, stride, tokens.device) for n in tokens.shape[2:4])
    return tokens.index_select(2, rows).index_select(3, columns)


def without_border(tokens: Tensor) -> Tensor:
    """`neighbourhoods`, or what was made of each, with zeros beyond the border."""
    return F.pad(tokens[:, :, 1:, 1:], (0, 0, 1, 0, 1, 0))


def spread(tokens: Tensor, weight: Tensor, stride: Stride) -> Tensor:
    """A transposed convolution: between tokens come `stride - 1` new ones, after the last one too.

    Args:
        tokens: `(batch, time, row, column, channel)`.
        weight: `(channel, 1, 3, 3, 3)`.
        stride: over time, rows and columns.
    """
    return _exact(_Spread, _spread, tokens, weight, stride)


def _looked_at(count: int, stride: int, device: torch.device) -> Tensor:
    middles = torch.arange(0, count, stride, device=device)
    return (middles[:, None] + torch.arange(-1, 2, device=device)).flatten().clamp(min=0)


def _apart(tokens: Tensor, stride: Stride) -> Tensor:
    """Zeros between tokens, and after the last one."""
    batch, *grid, channels = tokens.shape
    wide = tokens.new_zeros(batch, *(n * s for n, s in zip(grid, stride, strict=True)), channels)
    wide[:, :: stride[0], :: stride[1], :: stride[2]] = tokens
    return wide


def _convolved(tokens: Tensor, weight: Tensor, stride: int, border: int) -> Tensor:
    return _exact(_Depthwise, _convolve, tokens, weight, stride, border)


def _exact(
    quick: type[torch.autograd.Function], plain: Callable[..., Tensor], tokens: Tensor, *rest: Any
) -> Tensor:
    """In 32 bits on a processor, where oneDNN's gradients in 16 bits hold numbers of chance."""
    if tokens.device.type != "cpu":
        return plain(tokens, *rest)
    with torch.autocast("cpu", enabled=False):
        if tokens.dtype in (torch.bfloat16, torch.float16):
            tokens = tokens.float()
        if torch.is_grad_enabled() and is_quick(tokens):
            return cast(Tensor, quick.apply(tokens, *rest))
        return plain(tokens, *rest)


def _spread(tokens: Tensor, weight: Tensor, stride: Stride) -> Tensor:
    return _convolve(_apart(tokens, stride), weight.flip(2, 3, 4), 1, 1)


def _convolve(tokens: Tensor, weight: Tensor, stride: int, border: int) -> Tensor:
    maps = tokens.permute(0, 4, 1, 2, 3)
    strides, padding = (1, stride, stride), (1, border, border)
    found = F.conv3d(maps, weight, stride=strides, padding=padding, groups=len(weight))
    return found.permute(0, 2, 3, 4, 1)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, weight: Tensor, stride: int, border: int) -> Tensor:
        ctx.save_for_backward(tokens, weight)
        ctx.stride, ctx.border = stride, border
        return _convolve(tokens, weight, stride, border)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        tokens, weight = ctx.saved_tensors
        wanted, stride, border = gradients[0], ctx.stride, ctx.border
        to_tokens = None
        if ctx.needs_input_grad[0]:
            wide = wanted
            if stride > 1:
                wide = torch.zeros_like(tokens)
                wide[:, :, 1 - border :: stride, 1 - border :: stride] = wanted
            to_tokens = _convolve(wide, weight.flip(2, 3, 4), 1, 1)
        to_weight = _of_weight(tokens, wanted, weight, stride, border)
        return to_tokens, to_weight, None, None


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, weight: Tensor, stride: Stride) -> Tensor:
        ctx.save_for_backward(tokens, weight)
        ctx.stride = stride
        return _spread(tokens, weight, stride)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        tokens, weight = ctx.saved_tensors
        (over_time, rows, columns), wanted = ctx.stride, gradients[0].contiguous()
        to_tokens = _convolve(wanted, weight, 1, 1)[:, ::over_time, ::rows, ::columns]
        to_weight = _of_weight(_apart(tokens, ctx.stride), wanted, weight, 1, 1).flip(2, 3, 4)
        return to_tokens, to_weight, None


def _of_weight(tokens: Tensor, wanted: Tensor, weight: Tensor, stride: int, border: int) -> Tensor:
    """The gradient of the weights, one of three moments at a time."""
    found = torch.zeros_like(weight)
    times = tokens.shape[1]
    for moment, shift in enumerate((-1, 0, 1)):
        first, last = max(0, -shift), min(times, times - shift)
        if first < last:
            here, near = wanted[:, first:last], tokens[:, first + shift : last + shift]
            found[:, :, moment] = torch.ops.aten.convolution_backward(
                _pictures(here), _pictures(near),
                weight[:, :, moment], None, [stride, stride], [border, border], [1, 1], False,
                [0, 0], len(weight), [False, True, False],
            )[1]  # fmt: skip
    return found


def _pictures(tokens: Tensor) -> Tensor:
    """`(batch, time, row, column, channel)` to `(batch time, channel, row, column)`."""
    return tokens.flatten(0, 1).permute(0, 3, 1, 2)
