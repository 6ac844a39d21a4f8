"""One thread for small networks; the whole network with the weights of the golden numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from eyeline.systems.gaze_following.detector.model import MaskRcnn
from tests.systems.gaze_following.detector.invented import network


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def net() -> MaskRcnn:
    """In evaluation mode."""
    return network()
