"""The second half of a block: a norm, an MLP, and a shortcut beside it.

On a processor rows pass in stretches that stay in its cache. The wide tensors within the MLP are
never whole in memory, neither forward nor backward: they are computed again for the gradients,
which costs about as much as to write them down and read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from eyeline.systems.gaze_anticipation.network.products import (
    is_quick,
    needs_gradient,
    over_rows,
    product,
    stretches,
)


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
    if not is_quick(x):
        return _plain(x, layers, factor)
    given = _tensors(layers)
    if needs_gradient(x, *given):
        return cast(Tensor, _FeedForward.apply(x, factor, layers.norm.eps, *given))
    return _forward(x, factor, layers.norm.eps, given)


def _plain(x: Tensor, layers: Layers, factor: Tensor | None) -> Tensor:
    normed = layers.norm(x)
    found = layers.second(F.gelu(layers.first(normed)))
    if factor is not None:
        found = found * factor.view(-1, *[1] * (x.ndim - 1))
    return cast(Tensor, (x if layers.beside is None else layers.beside(normed)) + found)


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, factor: Tensor | None, eps: float, *given: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, factor, *given)
        ctx.eps = eps
        return _forward(x, factor, eps, given)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, factor, *given = ctx.saved_tensors
        rows, wanted = x.flatten(0, -2), gradients[0].flatten(0, -2)
        to_x = torch.empty_like(rows)
        sums = [None if v is None else torch.zeros_like(v) for v in given]
        for part, gain in _parts(x, factor, len(given[2])):
            to_x[part] = _back(rows[part], wanted[part], gain, ctx.eps, given, sums)
        return to_x.view_as(x), None, None, *sums


def _forward(
    x: Tensor, factor: Tensor | None, eps: float, given: tuple[Tensor | None, ...]
) -> Tensor:
    norm_weight, norm_bias, first, first_bias, second, second_bias, beside, beside_bias = given
    assert first is not None and second is not None
    rows = x.flatten(0, -2)
    out = rows.new_empty(len(rows), len(second))
    for part, gain in _parts(x, factor, len(first)):
        normed = F.layer_norm(rows[part], rows.shape[-1:], norm_weight, norm_bias, eps)
        found = product(product(normed, first, first_bias, "gelu"), second, second_bias)
        shortcut = rows[part] if beside is None else product(normed, beside, beside_bias)
        torch.add(shortcut, found, alpha=gain, out=out[part])
    return out.view(*x.shape[:-1], -1)


def _back(
    x: Tensor, wanted: Tensor, gain: float, eps: float,
    given: list[Tensor], sums: list[Tensor | None],
) -> Tensor:  # fmt: skip
    """The gradient of some rows; those of the layers are added to `sums`."""
    norm_weight, norm_bias, first, first_bias, second, _, beside, _ = given
    normed, *moments = torch.native_layer_norm(x, x.shape[-1:], norm_weight, norm_bias, eps)
    before = product(normed, first, first_bias)
    lost = wanted if gain == 1 else wanted * gain
    inner = torch.ops.aten.gelu_backward(product(lost, second.t()), before)
    to_normed = product(inner, first.t())
    found = [None, None, *_of_layer(inner, normed), *_of_layer(lost, F.gelu(before)), None, None]
    if beside is not None:
        to_normed += product(wanted, beside.t())
        found[6:] = _of_layer(wanted, normed)
    to_x, *found[:2] = torch.ops.aten.native_layer_norm_backward(
        to_normed, x, x.shape[-1:], *moments, norm_weight, norm_bias, [True, True, True]
    )
    for total, one in zip(sums, found, strict=True):
        if total is not None:
            total += cast(Tensor, one)
    return cast(Tensor, to_x if beside is not None else to_x.add_(wanted))


def _of_layer(wanted: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of a layer's weight and bias."""
    return over_rows(wanted, x), wanted.sum(0)


def _parts(x: Tensor, factor: Tensor | None, width: int) -> Iterator[tuple[slice, float]]:
    """Stretches of rows, each of one item where they differ in their factor."""
    items = [1.0] if factor is None else cast(list[float], factor.tolist())
    rows = x.numel() // x.shape[-1] // len(items)
    for number, gain in enumerate(items):
        for part in stretches(rows, width):
            yield slice(number * rows + part.start, number * rows + part.stop), gain


def _tensors(layers: Layers) -> tuple[Tensor | None, ...]:
    return tuple(
        None if layer is None else getattr(layer, name)
        for layer in layers
        for name in ("weight", "bias")
    )
