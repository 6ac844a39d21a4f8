"""Random numbers of a sample that depend on its key alone: not on the batch, nor on the process.

A generator's numbers depend on the batch in which a sample comes, so that two processes that share
a batch draw others than one. These are a hash of key and place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_BITS = 0xFFFFFFFF


def keys(seed: int, samples: Tensor) -> Tensor:
    """A key for each of some samples `(batch,)`, int64; other ones by another seed."""
    return mixed(samples, seed)


def mixed(key: Tensor, number: int) -> Tensor:
    """Another key for each key, for example of a layer."""
    return _hash(_hash(key & _BITS) + number * 0x9E3779B9 & _BITS)


def uniform(key: Tensor, shape: Sequence[int] = ()) -> Tensor:
    """Numbers in [0, 1), `(batch, *shape)`.

    A longer first axis of the shape, as padding makes it, leaves the numbers before its end alone.
    """
    place = torch.arange(math.prod(shape), device=key.device)
    drawn = _hash(key[:, None] + _hash(place) & _BITS)
    return ((drawn >> 8).float() / 2**24).reshape(-1, *shape)


def dropped(values: Tensor, key: Tensor, fraction: float) -> Tensor:
    """Dropout of `(batch, ...)` by the samples' keys."""
    kept = uniform(key, values.shape[1:]) >= fraction
    return values * kept / (1 - fraction)


def _hash(value: Tensor) -> Tensor:
    """A 32-bit integer hash, `lowbias32` of C. Wellons' hash prospector (public domain)."""
    value = (value ^ value >> 16) * 0x7FEB352D & _BITS
    value = (value ^ value >> 15) * 0x846CA68B & _BITS
    return value ^ value >> 16
