"""Weights and images by a rule that gives the same numbers on every machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch


def uniform(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Numbers in [-1, 1) of the raw words of Philox, whose key is a hash of the name."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    words = np.random.Philox(key=key).random_raw(math.prod(shape))
    return ((words >> np.uint64(11)) * 2.0**-52 - 1).reshape(shape)


def weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A tensor whose layer keeps the size of what passes through it."""
    values = uniform(name, shape)
    if name.endswith("gamma") or ("norm" in name and name.endswith("weight")):
        values = 1 + values / 4
    elif len(shape) > 1 and "token" not in name and "pos_embed" not in name:
        values *= math.sqrt(3 / math.prod(shape[1:]))
    return torch.from_numpy(values).float()


def state_of(network: torch.nn.Module, but: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    """All tensors of a network, by the names that they have there."""
    return {
        name: value if name in but else weight(name, tuple(value.shape))
        for name, value in network.state_dict().items()
    }


def image() -> npt.NDArray[np.uint8]:
    """Blocks of colours, 300 x 400 pixels."""
    blocks = (uniform("image", (15, 20, 3)) + 1) * 127.5
    return np.repeat(np.repeat(blocks, 20, axis=0), 20, axis=1).astype(np.uint8)


HEADS_NORM = ((0.1, 0.2, 0.3, 0.5), (0.55, 0.1, 0.75, 0.42))
"""Of two people in the image."""
SMALL: Mapping[str, int] = {"width": 128, "depth": 2}
"""Of the encoder whose outputs are frozen."""
