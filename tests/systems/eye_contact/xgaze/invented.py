"""Deterministic weights by name, as the golden numbers of the networks were made with."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from tests.systems.eye_contact.conftest import Array

_Network = TypeVar("_Network", bound=nn.Module)


def random_of(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def tensors(shapes: Mapping[str, tuple[int, ...]], scale: float = 1.0) -> dict[str, Tensor]:
    """A state dict; `scale` is that of all tensors of two axes and more."""
    return {name: _tensor(name, shape, scale) for name, shape in shapes.items()}


def filled(network: _Network, scale: float = 1.0) -> _Network:
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(tensors(shapes, scale))
    return network.eval()


def _tensor(name: str, shape: tuple[int, ...], scale: float) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    return torch.from_numpy(np.asarray(_values(name, shape, scale), np.float32))


def _values(name: str, shape: tuple[int, ...], scale: float) -> Array:
    rng = random_of(name)
    if name.endswith("running_var"):
        return 1 + 0.1 * rng.random(shape)
    if name.endswith(("running_mean", "bias")):
        return 0.01 * rng.standard_normal(shape)
    if len(shape) <= 1:
        return 1 + 0.05 * rng.standard_normal(shape)
    return scale * rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
