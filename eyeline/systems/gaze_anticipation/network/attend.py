"""Attention in stretches: its weights are never whole in memory, and computed again for gradients.

The products are those of `products`, which are quicker on a processor than torch's own attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from eyeline.systems.gaze_anticipation.network.products import (
    is_quick,
    needs_gradient,
    over_rows,
    product,
    stretches,
)

_SMALL = 1 << 16
"""Weights of one head below which torch's own attention is as quick."""

Three = tuple[Tensor, Tensor, Tensor]


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention, of which a gradient keeps the three arguments alone.

    Args:
        query: `(batch, asking, head, width)`.
        key: `(batch, asked, head, width)`.
        value: as `key`.

    Returns:
        As `query`.
    """
    if not is_quick(query) or query.shape[1] * key.shape[1] < _SMALL:
        q, k, v = (x.transpose(1, 2) for x in (query, key, value))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
    if needs_gradient(query, key, value):
        return cast(Tensor, _Attention.apply(query, key, value))
    return _attend(query, key, value)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, value)
        return _attend(query, key, value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Three:
        given = ctx.saved_tensors
        out = tuple(torch.empty(v.shape, dtype=v.dtype) for v in given)
        for at in _heads(given[0]):
            one, other = (tuple(v[at] for v in three) for three in (given, out))
            _attend_back(cast(Three, one), gradients[0][at], cast(Three, other))
        return cast(Three, out)


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    out = torch.empty(query.shape, dtype=query.dtype)
    for at in _heads(query):
        asked, told = _scaled(key[at]), value[at].t().contiguous()
        for part in stretches(query.shape[1], key.shape[1]):
            weights = torch.softmax(product(query[at][part], asked), dim=-1)
            out[at][part] = product(weights, told)
    return out


def _attend_back(given: Three, wanted: Tensor, out: Three) -> None:
    """Gradients of one head's attention into `out`; all `(row, width)`."""
    (query, key, value), (to_query, to_key, to_value) = given, out
    asked, value = _scaled(key), value.contiguous()
    to_key.zero_()
    to_value.zero_()
    for part in stretches(len(query), len(key)):
        asking, lost = query[part].contiguous(), wanted[part].contiguous()
        weights = torch.softmax(product(asking, asked), dim=-1)
        to_value += over_rows(weights, lost)
        inner = torch._softmax_backward_data(product(lost, value), weights, -1, weights.dtype)
        to_query[part] = product(inner, asked.t())
        to_key += over_rows(inner, asking)
    to_key *= key.shape[-1] ** -0.5


def _scaled(key: Tensor) -> Tensor:
    return key * float(key.shape[-1] ** -0.5)


def _heads(query: Tensor) -> Iterator[tuple[Any, ...]]:
    """Where the rows of each head of each item are."""
    items, _, heads, _ = query.shape
    return ((item, slice(None), head) for item in range(items) for head in range(heads))
