"""The second half of a block: a norm, an MLP, and a shortcut beside it.

Where nothing is to be differentiated, rows pass in stretches that stay in the processor's cache.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.systems.gaze_anticipation.network.products import is_quick, linear, product, stretches


class Layers(NamedTuple):
    """What the half is made of; all layers have a bias."""

    norm: nn.LayerNorm
    first: nn.Linear
    second: nn.Linear
    beside: nn.Linear | None
    """The shortcut from behind the norm; None takes it from before."""


def feed_forward(x: Tensor, layers: Layers, factor: Tensor | None = None) -> Tensor:
    """`shortcut + factor second(gelu(first(norm(x))))`.

    Args:
        x: `(item, ..., width)`.
        layers: see there.
        factor: of each item, `(item,)`; None is 1 for all.

    Returns:
        `(item, ..., width_out)`.
    """
    if factor is None and is_quick(x):
        return _in_stretches(x, layers)
    normed = layers.norm(x)
    found = layers.second(F.gelu(layers.first(normed)))
    if factor is not None:
        found = found * factor.view(-1, *[1] * (x.ndim - 1))
    return cast(Tensor, (x if layers.beside is None else layers.beside(normed)) + found)


def _in_stretches(x: Tensor, layers: Layers) -> Tensor:
    norm, first, second, beside = layers
    rows = x.flatten(0, -2)
    out = rows.new_empty(len(rows), second.out_features)
    for part in stretches(len(rows), first.out_features):
        normed = norm(rows[part])
        found = product(normed, first.weight, first.bias, "gelu")
        found = product(found, second.weight, second.bias)
        shortcut = rows[part] if beside is None else linear(normed, beside.weight, beside.bias)
        torch.add(shortcut, found, out=out[part])
    return out.view(*x.shape[:-1], -1)
