"""Pooling and spreading of tokens over their grid by depthwise convolutions of 3 x 3 x 3.

Tokens are stored channels last. The weights of a head's channels are the same in all heads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Stride = tuple[int, int, int]
"""Over time, rows and columns."""


def pool(tokens: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Tokens of every `stride`-th row and column, each with its neighbours.

    Tokens are `(batch, time, row, column, channel)`, the weight `(channel, 1, 3, 3, 3)`; the stride
    divides rows and columns.
    """
    return _convolve(tokens, weight, stride, 1)


def pool_apart(tokens: Tensor, weight: Tensor) -> Tensor:
    """Tokens of every third row and column from the second on, each with its neighbours.

    With `neighbourhoods` this is `pool` with strides of three and more.
    """
    return _convolve(tokens, weight, 3, 0)


def neighbourhoods(tokens: Tensor, stride: int) -> Tensor:
    """The tokens that a stride of three or more looks at.

    Of `(batch, time, row, column, channel)` it gives `(batch, time, 3 row / stride, 3 column /
    stride, channel)`. The first row and column lie beyond the border and hold their neighbours':
    see `without_border`.
    """
    rows, columns = (_looked_at(n, stride, tokens.device) for n in tokens.shape[2:4])
    return tokens.index_select(2, rows).index_select(3, columns)


def without_border(tokens: Tensor) -> Tensor:
    """`neighbourhoods`, or what was computed of each, with zeros beyond the border."""
    return F.pad(tokens[:, :, 1:, 1:], (0, 0, 1, 0, 1, 0))


def spread(tokens: Tensor, weight: Tensor, stride: Stride) -> Tensor:
    """A transposed convolution: between tokens, and after the last, come `stride - 1` new ones."""
    batch, *grid, channels = tokens.shape
    apart = tokens.new_zeros(batch, *(n * s for n, s in zip(grid, stride, strict=True)), channels)
    apart[:, :: stride[0], :: stride[1], :: stride[2]] = tokens
    return _convolve(apart, weight.flip(2, 3, 4), 1, 1)


def _looked_at(count: int, stride: int, device: torch.device) -> Tensor:
    centres = torch.arange(0, count, stride, device=device)
    return (centres[:, None] + torch.arange(-1, 2, device=device)).flatten().clamp(min=0)


def _convolve(tokens: Tensor, weight: Tensor, stride: int, border: int) -> Tensor:
    if tokens.device.type == "cpu":  # oneDNN's gradients in 16 bits hold numbers of chance
        tokens = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
    strides, padding = (1, stride, stride), (1, border, border)
    with torch.autocast("cpu", enabled=False):
        maps = tokens.permute(0, 4, 1, 2, 3)
        result = F.conv3d(maps, weight, stride=strides, padding=padding, groups=len(weight))
    return result.permute(0, 2, 3, 4, 1)
