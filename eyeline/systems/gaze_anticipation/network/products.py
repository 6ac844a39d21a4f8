"""Products of matrices on a processor by oneDNN, where nothing is to be differentiated.

torch sends products of 32-bit numbers to MKL, which on processors of other makers runs at about
half of what oneDNN reaches. Training, other devices and precisions, autocast, traced graphs, and
builds of torch without oneDNN have torch's own operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

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
    return product(x, weight, bias) if is_quick(x) else F.linear(x, weight, bias)


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


def is_quick(x: Tensor) -> bool:
    """Whether oneDNN's products are for such a tensor, here and now."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not _is_traced()
        and not torch.compiler.is_compiling()
        and _has_products()
    )


def stretches(rows: int, width: int) -> Iterator[slice]:
    """Rows in pieces whose widest tensor stays in the processor's cache."""
    step = max(64, _CELLS // max(1, width) // 64 * 64)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def _is_traced() -> bool:
    compiler: Any = torch.jit
    return bool(compiler.is_tracing())


@cache
def _has_products() -> bool:
    operators: Any = torch.ops.mkldnn
    backend: Any = torch.backends.mkldnn
    return bool(backend.is_available()) and hasattr(operators, "_linear_pointwise")
