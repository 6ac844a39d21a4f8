"""The block that encoders, fusion and decoder consist of: attention over a grid, then an MLP.

Tokens keep their grid throughout: `(batch, time, row, column, channel)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from eyeline.systems.gaze_anticipation.network import depthwise
from eyeline.systems.gaze_anticipation.network.depthwise import Stride

NORM_EPS = 1e-6
"""Of a block's norms."""
POOLED_NORM_EPS = 1e-5
"""Of the norms behind pooling."""
MLP_RATIO = 4


@dataclass(frozen=True)
class Shape:
    """Numbers of one block."""

    width: int
    width_out: int
    heads: int
    down: int = 1
    """Rows and columns of tokens that become one."""
    up: Stride = (1, 1, 1)
    """Tokens that one becomes."""
    kv_stride: int | None = None
    """Rows and columns of tokens of which one is asked; None asks each, without pooling."""
    hidden: int = 0
    """Width between the MLP's layers; 0 is four times `width`."""
    drop_path: float = 0.0
    """Share of samples that training takes past attention, and past the MLP."""


class DropPath(nn.Module):
    """In training a fraction of the samples is left out and the others scaled up."""

    def __init__(self, fraction: float) -> None:
        super().__init__()
        self.fraction = fraction

    def forward(self, x: Tensor) -> Tensor:
        """Of `(sample, ...)`."""
        factor = self.factor(x)
        return x if factor is None else x * factor.view(-1, *[1] * (x.ndim - 1))

    def factor(self, x: Tensor) -> Tensor | None:
        """Of each sample of `(sample, ...)`, 0 or more than 1; None leaves all as they are."""
        if not self.training or self.fraction == 0:
            return None
        keep = 1 - self.fraction
        return torch.floor(keep + torch.rand(len(x), device=x.device)) / keep


class Attention(nn.Module):
    """Attention over a grid of tokens, where queries, and keys and values, are pooled."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        head = shape.width // shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.proj = nn.Linear(shape.width, shape.width)
        if shape.down > 1 or shape.up != (1, 1, 1):
            self.pool_q, self.norm_q = _pooling(head), nn.LayerNorm(head, POOLED_NORM_EPS)
        if shape.kv_stride:
            self.pool_k, self.norm_k = _pooling(head), nn.LayerNorm(head, POOLED_NORM_EPS)
            self.pool_v, self.norm_v = _pooling(head), nn.LayerNorm(head, POOLED_NORM_EPS)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens `(batch, time, row, column, width)` to as many as ask."""
        query, grid = self.queries(tokens)
        key, value = self.keys_and_values(tokens)
        q, k, v = (x.transpose(1, 2) for x in (query, key, value))
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return cast(Tensor, self.proj(attended.reshape(tokens.shape[0], *grid, -1)))

    def queries(self, tokens: Tensor) -> tuple[Tensor, torch.Size]:
        """Queries `(batch, token, head, channel)`, and their grid."""
        width, shape = self.shape.width, self.shape
        query = F.linear(tokens, self.qkv.weight[:width], self.qkv.bias[:width])
        if shape.down > 1:
            query = depthwise.pool(query, self._repeated("q"), shape.down)
        elif shape.up != (1, 1, 1):
            query = depthwise.spread(query, self._repeated("q"), shape.up)
        result = self._by_head(query)
        return (self.norm_q(result) if hasattr(self, "norm_q") else result), query.shape[1:4]

    def keys_and_values(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values, each `(batch, token, head, channel)`."""
        width, stride = self.shape.width, self.shape.kv_stride
        weight, bias = self.qkv.weight[width:], self.qkv.bias[width:]
        if not stride:
            key, value = F.linear(tokens, weight, bias).chunk(2, dim=-1)
            return self._by_head(key), self._by_head(value)
        pooling = torch.cat([self._repeated("k"), self._repeated("v")])
        if stride < 3:
            both = depthwise.pool(F.linear(tokens, weight, bias), pooling, stride)
        else:  # between the places that pooling looks at are others that nobody needs
            near = depthwise.neighbourhoods(tokens, stride)
            near = depthwise.without_border(F.linear(near, weight, bias))
            both = depthwise.pool_apart(near, pooling)
        key, value = both.chunk(2, dim=-1)
        return self.norm_k(self._by_head(key)), self.norm_v(self._by_head(value))

    def weights(self, tokens: Tensor) -> Tensor:
        """How much each token looks at which, `(batch, head, asking, asked)`, sums of 1."""
        query, (key, _) = self.queries(tokens)[0], self.keys_and_values(tokens)
        logits = torch.einsum("bqhc,bkhc->bhqk", query, key) * query.shape[-1] ** -0.5
        return torch.softmax(logits, dim=-1)

    def _repeated(self, which: str) -> Tensor:
        """Weights of pooling for the channels of all heads."""
        conv = cast(nn.Conv3d, getattr(self, f"pool_{which}"))
        return conv.weight.repeat(self.shape.heads, 1, 1, 1, 1)

    def _by_head(self, tokens: Tensor) -> Tensor:
        return tokens.reshape(
            tokens.shape[0], -1, self.shape.heads, tokens.shape[-1] // self.shape.heads
        )


class Mlp(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, hidden: int, width_out: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width_out)

    def forward(self, tokens: Tensor) -> Tensor:
        """`(..., width)` to `(..., width_out)`."""
        return cast(Tensor, self.fc2(F.gelu(self.fc1(tokens))))


class Block(nn.Module):
    """Attention and an MLP, each with a shortcut."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.norm1, self.norm2 = (nn.LayerNorm(shape.width, NORM_EPS) for _ in range(2))
        self.attention = Attention(shape)
        hidden = shape.hidden or MLP_RATIO * shape.width
        self.mlp = Mlp(shape.width, hidden, shape.width_out)
        self.drop_path = DropPath(shape.drop_path)
        if shape.width != shape.width_out:
            self.proj = nn.Linear(shape.width, shape.width_out)
        self.checkpoint_attention = self.checkpoint_mlp = False
        """Keep a half's input only, and compute the rest again for gradients."""

    def forward(self, tokens: Tensor) -> Tensor:
        """`(batch, time, row, column, width)` to `(batch, time, row, column, width_out)`."""
        attended = self._half(self.checkpoint_attention, self._attended, tokens)
        down, up = self.shape.down, self.shape.up
        result = (halved(tokens) if down > 1 else enlarged(tokens, up)) + self.drop_path(attended)
        return self._half(self.checkpoint_mlp, self._fed, result, self.drop_path.factor(result))

    def _half(self, again: bool, work: Callable[..., Tensor], *given: Tensor | None) -> Tensor:
        if again and self.training and torch.is_grad_enabled():
            return checkpoint(work, *given, use_reentrant=False)
        return work(*given)

    def _attended(self, tokens: Tensor) -> Tensor:
        return cast(Tensor, self.attention(self.norm1(tokens)))

    def _fed(self, tokens: Tensor, factor: Tensor | None) -> Tensor:
        normed = self.norm2(tokens)
        result = self.mlp(normed)
        if factor is not None:
            result = result * factor.view(-1, *[1] * (tokens.ndim - 1))
        # as published: the shortcut begins behind the norm where the width changes
        kept = tokens if self.shape.width == self.shape.width_out else self.proj(normed)
        return cast(Tensor, kept + result)


def halved(tokens: Tensor) -> Tensor:
    """The largest of each 3 x 3 tokens around every second row and column."""
    return _planar(tokens, lambda maps: F.max_pool2d(maps, 3, 2, padding=1))


def enlarged(tokens: Tensor, by: Stride) -> Tensor:
    """Linear between neighbours, with corners not aligned; by 1 or 2 over time."""
    if by[1:] != (1, 1):
        tokens = _planar(
            tokens,
            lambda maps: F.interpolate(
                maps, scale_factor=[float(s) for s in by[1:]], mode="bilinear", align_corners=False
            ),
        )
    return _twice_as_long(tokens) if by[0] == 2 else tokens


def _twice_as_long(tokens: Tensor) -> Tensor:
    before = torch.cat([tokens[:, :1], tokens[:, :-1]], dim=1)
    after = torch.cat([tokens[:, 1:], tokens[:, -1:]], dim=1)
    both = [torch.lerp(tokens, other, 0.25) for other in (before, after)]
    return torch.stack(both, dim=2).flatten(1, 2)


def _planar(tokens: Tensor, work: Any) -> Tensor:
    """Something done to the images of all moments."""
    maps = work(tokens.flatten(0, 1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return cast(Tensor, maps.unflatten(0, tokens.shape[:2]))


def _pooling(channels: int) -> nn.Conv3d:
    return nn.Conv3d(channels, channels, 3, padding=1, groups=channels, bias=False)
