"""Deterministic weights and inputs by name, as the golden numbers of the network were made with."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from eyeline.systems.gaze_3d.model import Directions3D, Estimate, GazeFromAfar, gaze_from_afar
from eyeline.systems.gaze_3d.weights import our_name
from tests.systems.gaze_3d.conftest import GOLDEN, Array

_GAINS = {
    "_expand_conv.weight": 1.5,
    "_depthwise_conv.weight": 1.5,
    "_project_conv.weight": 2.0,
    "_conv_head.weight": 1.7,
    "temporal_align_net.weight_ih_l0": 8.0,
}


def random_of(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def their_shapes() -> dict[str, tuple[int, ...]]:
    """Of all entries of the authors' state dict."""
    text = (GOLDEN / "keys.json").read_text(encoding="utf-8")
    return {name: tuple(shape) for name, shape in json.loads(text).items()}


def their_tensors() -> dict[str, Tensor]:
    """A state dict in the names of the authors."""
    return {name: _tensor(name, shape) for name, shape in their_shapes().items()}


def network(drop_connect: float = 0.0) -> GazeFromAfar:
    """In evaluation mode."""
    created = gaze_from_afar(drop_connect=drop_connect)
    created.load_state_dict({our_name(name): value for name, value in their_tensors().items()})
    return created.eval()


def inputs(
    name: str, batch: int, time: int, height: int = 256, width: int = 192
) -> tuple[Tensor, Tensor, Tensor]:
    """Clip, head mask and motion of the body."""
    rng = random_of(f"input:{name}")
    clip = _clip(rng, (batch, time, 3, height, width))
    mask = _mask(rng, (batch, time), height, width)
    motion = np.float32(0.1 * rng.standard_normal((batch, time, 2)))
    return torch.from_numpy(clip), torch.from_numpy(mask), torch.from_numpy(motion)


def checksum(given: tuple[Tensor, Tensor, Tensor]) -> Array:
    """Of inputs; as in the golden files."""
    clip, mask, motion = (value.double() for value in given)
    return np.array([float(v.sum()) for v in (clip, clip.abs(), mask, motion)])


def labels(name: str, batch: int, time: int) -> Mapping[str, Tensor]:
    """True directions of gaze, head and body."""
    rng = random_of(f"input:{name}:labels")
    return {part: _unit(rng, (batch, time, 3)) for part in ("gaze", "head", "body")}


def expected(file: Mapping[str, Array]) -> Directions3D:
    """What a golden file says of windows `(batch, time)`."""
    parts = (
        Estimate(
            torch.from_numpy(file[f"{part}_direction"]),
            torch.from_numpy(file[f"{part}_kappa"])[..., 0],
        )
        for part in ("gaze", "head", "body")
    )
    return Directions3D(*parts)


def assert_same(found: Directions3D, wanted: Directions3D, tolerance: float = 1e-4) -> None:
    for part, ours, theirs in zip(found._fields, found, wanted, strict=True):
        for name, a, b in zip(ours._fields, ours, theirs, strict=True):
            torch.testing.assert_close(
                a.detach(), b, atol=tolerance, rtol=0,
                msg=lambda m, p=part, n=name: f"{p} {n}: {m}",
            )  # fmt: skip


def _unit(rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    vectors = rng.standard_normal(shape)
    vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return torch.from_numpy(vectors.astype(np.float32))


def _clip(rng: np.random.Generator, shape: tuple[int, int, int, int, int]) -> Array:
    fine = rng.standard_normal(shape)
    coarse = rng.standard_normal((*shape[:3], shape[3] // 8, shape[4] // 8))
    return np.float32(0.5 * fine + coarse.repeat(8, axis=3).repeat(8, axis=4))


def _mask(rng: np.random.Generator, shape: tuple[int, int], height: int, width: int) -> Array:
    x, y = rng.integers(0, width // 2, shape), rng.integers(0, height // 2, shape)
    w = rng.integers(width // 8, width // 2, shape)
    h = rng.integers(height // 8, height // 2, shape)
    mask = np.zeros((*shape, 1, height, width), np.float32)
    for b, t in np.ndindex(*shape):
        left, top = x[b, t], y[b, t]
        mask[b, t, 0, top : top + h[b, t], left : left + w[b, t]] = 1
    return mask


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    return torch.from_numpy(np.asarray(_values(name, shape), np.float32))


def _values(name: str, shape: tuple[int, ...]) -> Array:
    rng = random_of(name)
    if name.endswith("running_var"):
        return 1 + 0.1 * rng.random(shape)
    if name.endswith(("running_mean", "bias")) or name.rpartition(".")[2].startswith("bias_"):
        return 0.01 * rng.standard_normal(shape)
    if len(shape) <= 1:
        return 1 + 0.05 * rng.standard_normal(shape)
    return _gain(name) * (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:])))


def _gain(name: str) -> float:
    if "gazemodule.lstm.weight_" in name:
        return 2.0
    return next((gain for end, gain in _GAINS.items() if name.endswith(end)), 1.0)
