"""The rotation that takes one direction to another, finite for every pair."""

from __future__ import annotations

import torch
from torch import Tensor

_TINY = 1e-12


def rotation_between(start: Tensor, end: Tensor) -> Tensor:
    """Rotations about the axis perpendicular to both directions.

    `I + [v] + k [v]^2` with `v = start x end`, `[v]` its matrix, `c = start . end` and
    `k = (1 - c) / |v|^2 = 1 / (1 + c)`: the second form is used where the first one ends at 0 / 0.
    Opposite directions, for which no axis is told, get a half turn (about x, if they are along z);
    the published code gives no number for parallel and for opposite ones.

    Args:
        start: unit vectors `(..., 3)`.
        end: unit vectors `(..., 3)`.

    Returns:
        Matrices `(..., 3, 3)`; `matrix @ start` is `end`.
    """
    axis, cosine = torch.linalg.cross(start, end), (start * end).sum(-1)
    square = (axis * axis).sum(-1)
    ahead = cosine > 0
    opposite = ~ahead & (square < _TINY)
    # both sides of a `where` must be finite, or their gradients are not
    safe = torch.where(ahead | opposite, 1.0, square)
    factor = torch.where(ahead, 1 / (1 + cosine.clamp(min=0)), (1 - cosine) / safe)
    turned = _from_axis(axis, factor)
    return torch.where(opposite[..., None, None], _half_turn(start), turned)


def _from_axis(axis: Tensor, factor: Tensor) -> Tensor:
    crossed = _cross_matrix(axis)
    identity = torch.eye(3, dtype=axis.dtype, device=axis.device)
    return identity + crossed + factor[..., None, None] * (crossed @ crossed)


def _cross_matrix(axis: Tensor) -> Tensor:
    """`matrix @ u` is `axis x u`."""
    x, y, z = axis.unbind(-1)
    zero = x - x  # exporters make zeros_like a constant of the example's batch
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.unflatten(torch.stack(rows, -1), -1, (3, 3))


def _half_turn(start: Tensor) -> Tensor:
    """About an axis across `start`: the cross product with y, or with z where it is along y."""
    start = start.detach()
    along_y = start[..., 1:2].abs() > 0.9
    y, z = (start.new_tensor(axis) for axis in ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    helper = torch.where(along_y, z, y)
    axis = torch.nn.functional.normalize(torch.linalg.cross(start, helper), dim=-1)
    identity = torch.eye(3, dtype=start.dtype, device=start.device)
    return 2 * axis[..., :, None] * axis[..., None, :] - identity
