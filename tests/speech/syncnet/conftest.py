"""Frozen numbers of the original code, and networks whose weights need no file."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from eyeline.speech.syncnet.model import SyncNet, syncnet
from eyeline.speech.syncnet.weights import our_name

GOLDEN = Path(__file__).parent / "golden"
SYSTEM_GOLDEN = Path(__file__).parents[2] / "systems/gaze_following/golden"

Array = npt.NDArray[Any]
Golden = Callable[[str], dict[str, Array]]


@pytest.fixture(scope="session")
def golden() -> Golden:
    def read(name: str) -> dict[str, Array]:
        path = GOLDEN / f"{name}.npz"
        path = path if path.is_file() else SYSTEM_GOLDEN / f"{name}.npz"
        with np.load(path, allow_pickle=False) as file:
            return dict(file)

    return read


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def published() -> SyncNet:
    """The network in its published size with the weights of the golden numbers."""
    net = syncnet()
    net.load_state_dict({our_name(name): value for name, value in their_tensors().items()})
    return net.eval()


def their_tensors() -> dict[str, Tensor]:
    """A state dict in the names of the authors, each tensor drawn by its name."""
    shapes = json.loads((GOLDEN / "keys.json").read_text(encoding="utf-8"))
    return {name: _tensor(name, tuple(shape)) for name, shape in shapes.items()}


def random_of(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    rng = random_of(name)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if name.endswith("running_var"):
        values = 1 + 0.1 * rng.random(shape)
    elif name.endswith(("running_mean", "bias")):
        values = 0.01 * rng.standard_normal(shape)
    elif len(shape) <= 1:
        values = 1 + 0.05 * rng.standard_normal(shape)
    else:
        values = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(values, np.float32))
