"""Frozen numbers of the original code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

if TYPE_CHECKING:
    from eyeline.systems.gaze_3d.model import GazeFromAfar

GOLDEN = Path(__file__).parent / "golden"

Array = npt.NDArray[Any]
Golden = Callable[[str], dict[str, Array]]


@pytest.fixture
def golden() -> Golden:
    def read(name: str) -> dict[str, Array]:
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return read


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small networks are slower with more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def net() -> GazeFromAfar:
    """The whole network with the weights of the golden numbers, in evaluation mode."""
    from tests.systems.gaze_3d.invented import network

    return network()
