"""Attention; without gradients in stretches, so that its weights stay in the processor's cache."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from eyeline.systems.gaze_anticipation.network.products import is_quick, product, stretches

_SMALL = 1 << 16
"""Weights of one head below which torch's own attention is as quick."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention.

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
    out = torch.empty(query.shape, dtype=query.dtype)
    scale = float(key.shape[-1] ** -0.5)
    for item in range(len(query)):
        for head in range(query.shape[2]):
            at = item, slice(None), head
            asked, told = key[at] * scale, value[at].t().contiguous()
            for part in stretches(query.shape[1], key.shape[1]):
                weights = torch.softmax(product(query[at][part], asked), dim=-1)
                out[at][part] = product(weights, told)
    return out
