"""Products of matrices on a processor by oneDNN, with gradients.

torch sends products of 32-bit numbers to MKL, which on processors of other makers runs at about
half of what oneDNN reaches. On other devices, in other precisions, under autocast, while a graph
is traced, and where torch was built without oneDNN, torch's own operators do the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

_CELLS = 1 << 20
"""Numbers of a stretch's widest tensor: 4 MiB."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x weight^T + bias`.

    Args:
        x: `(..., width_in)`.
        weight: `(width_out, width_in)`.
        bias: `(width_out,)`.

    Returns:
        `(..., width_out)`.
    """
    if not is_quick(x):
        return F.linear(x, weight, bias)
    if needs_gradient(x, weight, bias):
        return cast(Tensor, _Linear.apply(x, weight, bias))
    return product(x, weight, bias)


def product(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str = "none"
) -> Tensor:
    """As `linear`, by oneDNN and without a gradient; any axis may be the close one in memory.

    Args:
        x: `(..., width_in)`.
        weight: `(width_out, width_in)`.
        bias: `(width_out,)`.
        activation: `none` or `gelu`.
    """
    operators: Any = torch.ops.mkldnn
    return cast(Tensor, operators._linear_pointwise(x, weight, bias, activation, [], "none"))


def over_rows(a: Tensor, b: Tensor) -> Tensor:
    """`a^T b`, without a gradient: `(row, n)` and `(row, m)` to `(n, m)`."""
    if a.shape[1] <= b.shape[1]:  # the first factor is copied
        return product(a.t(), b.t())
    return product(b.t(), a.t()).t()


def is_quick(x: Tensor) -> bool:
    """Whether oneDNN's products are for such a tensor, here and now."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._get_tracing_state()
        and not torch.compiler.is_compiling()
        and _has_products()
    )


def needs_gradient(*given: Tensor | None) -> bool:
    """Whether what is made of these is to be differentiated."""
    return torch.is_grad_enabled() and any(v is not None and v.requires_grad for v in given)


def stretches(rows: int, width: int) -> Iterator[slice]:
    """Rows in pieces whose widest tensor stays in the processor's cache."""
    step = max(64, _CELLS // max(1, width) // 64 * 64)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wanted = gradients[0]
        rows = wanted.flatten(0, -2)
        to_x, to_weight, to_bias = ctx.needs_input_grad
        return (
            product(wanted, weight.t()) if to_x else None,
            over_rows(rows, x.flatten(0, -2)) if to_weight else None,
            rows.sum(0) if to_bias else None,
        )


@cache
def _has_products() -> bool:
    operators: Any = torch.ops.mkldnn
    backend: Any = torch.backends.mkldnn
    return bool(backend.is_available()) and hasattr(operators, "_linear_pointwise")
