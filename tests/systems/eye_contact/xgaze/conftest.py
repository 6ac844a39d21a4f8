"""Both networks with deterministic weights, as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork, xgaze_resnet50
from eyeline.systems.eye_contact.xgaze.model import MsTcn2, ms_tcn2
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.eye_contact.xgaze.invented import filled


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def gaze_network() -> GazeNetwork:
    return filled(xgaze_resnet50())


@pytest.fixture(scope="session")
def temporal() -> MsTcn2:
    return filled(ms_tcn2())


@pytest.fixture(scope="session")
def gaze_weights(tmp_path_factory: pytest.TempPathFactory, gaze_network: GazeNetwork) -> Path:
    path = tmp_path_factory.mktemp("weights") / "xgaze_resnet50.safetensors"
    card = CheckpointCard("eye_contact", "xgaze_resnet50", {})
    checkpoint.save(path, gaze_network.state_dict(), card)
    return path


@pytest.fixture(scope="session")
def temporal_weights(tmp_path_factory: pytest.TempPathFactory, temporal: MsTcn2) -> Path:
    path = tmp_path_factory.mktemp("weights") / "ms_tcn2.safetensors"
    checkpoint.save(path, temporal.state_dict(), CheckpointCard("eye_contact", "ms_tcn2", {}))
    return path
