"""Losses of directions and of their concentrations, as published and as meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_3d.model import Directions3D, Estimate

Likelihood = Literal["per_item", "published"]
"""How concentrations meet the errors that they are to tell of.

`per_item`: each its own frame's. `published`: in the authors' code a shape went astray, so that
every concentration meets every frame of the batch: all are drawn to the one value that fits the
batch's mean error, and say nothing of their frame.
"""
LIKELIHOODS: tuple[str, ...] = get_args(Likelihood)


def cosine_loss(direction: Tensor, label: Tensor) -> Tensor:
    """Mean of one minus the cosine.

    Args:
        direction: `(..., 3)` unit vectors.
        label: `(..., 3)` unit vectors, or `(..., 2)` where only the image's plane is known;
            directions are then compared in that plane.

    Returns:
        A scalar.
    """
    return (1 - cosine(direction, label)).mean()


def concentration_loss(
    direction: Tensor, concentration: Tensor, label: Tensor, *, kind: Likelihood = "per_item"
) -> Tensor:
    """Negative log likelihood of labels under von Mises-Fisher distributions, less log 2 pi.

    Args:
        direction: `(..., 3)` means; no gradient goes to them.
        concentration: `(...)`, positive.
        label: `(..., 3)` or `(..., 2)`, as of `cosine_loss`.
        kind: see `Likelihood`.

    Returns:
        A scalar.

    Raises:
        UsageError: no such kind.
    """
    if kind not in LIKELIHOODS:
        raise UsageError(f"no likelihood '{kind}'; there are {', '.join(LIKELIHOODS)}")
    near = cosine(direction.detach(), label)
    if kind == "per_item":
        return -(concentration * near + log_normaliser(concentration)).mean()
    # the authors multiply `(n, 1)` by `(n,)`: the mean of the outer product
    return -(concentration.mean() * near.mean() + log_normaliser(concentration).mean())


def log_normaliser(concentration: Tensor) -> Tensor:
    """Log of the density's factor, less -log 2 pi and the exponent's `kappa * cos`; any shape."""
    spread = torch.log(-torch.expm1(-2 * concentration))
    return torch.log(concentration) - spread - concentration


def cosine(direction: Tensor, label: Tensor) -> Tensor:
    """Cosines `(...)` within [-1, 1], without a gradient beyond; labels as of `cosine_loss`."""
    if label.shape[-1] == 2:
        flat = direction[..., :2]
        direction = flat / torch.linalg.vector_norm(flat, dim=-1, keepdim=True)
    if direction.shape != label.shape:
        raise DataError(f"labels {tuple(label.shape)} for directions {tuple(direction.shape)}")
    return (direction * label).sum(dim=-1).clamp(-1, 1)


def losses(
    found: Directions3D, label: Mapping[str, Tensor], *, kind: Likelihood | None = None
) -> dict[str, Tensor]:
    """Of `gaze`, `head` and `body` each; their mean is what the published training lowers.

    Args:
        found: what the network says.
        label: `(batch, time, 3 or 2)` by part.
        kind: None gives cosine losses, anything else concentration losses.
    """
    named: dict[str, Estimate] = found._asdict()
    if kind is None:
        return {part: cosine_loss(e.direction, label[part]) for part, e in named.items()}
    return {
        part: concentration_loss(e.direction, e.concentration, label[part], kind=kind)
        for part, e in named.items()
    }
