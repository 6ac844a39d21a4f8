"""The gaze network against the original code's numbers, plain and folded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork, folded
from eyeline.systems.eye_contact.xgaze.inputs import network_input
from eyeline.systems.eye_contact.xgaze.running import GazeFeatures
from tests.closeness import assert_close_to_scale
from tests.systems.eye_contact.conftest import GOLDEN
from tests.systems.eye_contact.xgaze.invented import random_of

Golden = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def images() -> Tensor:
    created = random_of("input:xgaze_b2").standard_normal((2, 3, 224, 224))
    return torch.from_numpy(created.astype(np.float32))


def test_keys_and_shapes_are_those_of_the_authors(gaze_network: GazeNetwork) -> None:
    keys = json.loads((GOLDEN / "keys.json").read_text())["xgaze_resnet50"]
    state = gaze_network.state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == keys
    assert len(state) == 322
    assert sum(p.numel() for p in gaze_network.parameters()) == 25_561_130


def test_answers_and_layers(golden: Golden, gaze_network: GazeNetwork, images: Tensor) -> None:
    expected = golden("xgaze_b2")
    seen: dict[str, Tensor] = {}
    hooks = [
        getattr(gaze_network.gaze_network, name).register_forward_hook(
            lambda _, inputs, output, name=name: seen.update({name: output.clone()})
        )
        for name in ("conv1", "maxpool", "layer1", "layer2", "layer3", "layer4")
    ]
    with torch.inference_mode():
        gaze, feature = gaze_network(images)
    for hook in hooks:
        hook.remove()
    assert gaze.numpy() == pytest.approx(expected["gaze"], abs=1e-5)
    assert feature.numpy() == pytest.approx(expected["feature"], abs=1e-4)
    assert (feature >= 0).all()
    for name, value in seen.items():
        flat = value[0].flatten()
        step = 98 * max(1, flat.numel() // 50176)
        sampled = flat[::step][:512].numpy()
        wanted = expected[f"act_{name}"][: len(sampled)]
        assert sampled == pytest.approx(wanted, abs=1e-4), name


def test_folded_it_says_the_same(golden: Golden, gaze_network: GazeNetwork, images: Tensor) -> None:
    expected = golden("xgaze_b2")
    quick = folded(gaze_network)
    with torch.inference_mode():
        gaze, feature = quick(images.to(memory_format=torch.channels_last))
    assert gaze.numpy() == pytest.approx(expected["gaze"], abs=1e-5)
    assert feature.numpy() == pytest.approx(expected["feature"], abs=1e-4)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in quick.modules())
    assert sum(p.numel() for p in quick.parameters()) < 23_600_000


def test_folding_leaves_the_network_as_it_was(gaze_network: GazeNetwork) -> None:
    before = {name: value.clone() for name, value in gaze_network.state_dict().items()}
    folded(gaze_network)
    after = gaze_network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_other_shapes_are_refused(gaze_network: GazeNetwork) -> None:
    with pytest.raises(DataError, match="faces"):
        gaze_network(torch.zeros(1, 3, 112, 112))


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    coarse = random_of("faces").integers(0, 256, (3, 28, 28, 3))
    return np.kron(coarse, np.ones((1, 8, 8, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def features(gaze_network: GazeNetwork) -> GazeFeatures:
    return GazeFeatures(gaze_network, batch_size=2, threads=1)


def test_it_says_what_the_network_says(
    gaze_network: GazeNetwork, features: GazeFeatures, faces: np.ndarray
) -> None:
    with torch.inference_mode():
        gaze, feature = gaze_network(network_input(faces))
    angles, result = features(faces)
    assert angles.dtype == result.dtype == np.float32
    assert angles == pytest.approx(gaze.numpy(), abs=1e-5)
    assert result == pytest.approx(feature.numpy(), abs=1e-4)


def test_the_batch_changes_nothing(features: GazeFeatures, faces: np.ndarray) -> None:
    _, together = features(faces)
    alone = np.concatenate([features(face[None])[1] for face in faces])
    assert alone == pytest.approx(together, abs=1e-5)


def test_faces_may_be_a_mirrored_view_of_others(features: GazeFeatures, faces: np.ndarray) -> None:
    """Red first turned to blue first without a copy."""
    _, expected = features(faces[:1])
    _, result = features(np.ascontiguousarray(faces[:1, ..., ::-1])[..., ::-1])
    assert_close_to_scale(result, expected)


def test_no_faces(features: GazeFeatures) -> None:
    angles, result = features(np.zeros((0, 224, 224, 3), np.uint8))
    assert angles.shape == (0, 2) and result.shape == (0, 2048)


def test_from_a_file(gaze_weights: Path, features: GazeFeatures, faces: np.ndarray) -> None:
    opened = GazeFeatures.open(gaze_weights, threads=1)
    assert opened(faces[:1])[1] == pytest.approx(features(faces[:1])[1], abs=1e-5)


def test_what_cannot_be_is_refused(
    gaze_network: GazeNetwork, features: GazeFeatures, temporal_weights: Path
) -> None:
    with pytest.raises(UsageError, match="cuda:99"):
        GazeFeatures(gaze_network, "cuda:99")
    with pytest.raises(UsageError, match="at least one"):
        GazeFeatures(gaze_network, batch_size=0)
    with pytest.raises(DataError, match="faces"):
        features(np.zeros((1, 112, 112, 3), np.uint8))
    with pytest.raises(CheckpointError, match="expected eye_contact/xgaze_resnet50"):
        GazeFeatures.open(temporal_weights)


@pytest.mark.gpu
def test_on_a_gpu_it_says_the_same(gaze_network: GazeNetwork, faces: np.ndarray) -> None:
    with torch.inference_mode():
        gaze, feature = gaze_network(network_input(faces))
    angles, result = GazeFeatures(gaze_network, "cuda")(faces)
    assert angles == pytest.approx(gaze.numpy(), abs=1e-5)
    assert result == pytest.approx(feature.numpy(), abs=1e-4)
