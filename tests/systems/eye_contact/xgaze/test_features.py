"""The gaze network as a function of faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.systems.eye_contact.xgaze.features import GazeFeatures
from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork
from eyeline.systems.eye_contact.xgaze.inputs import network_input
from tests.closeness import assert_close_to_scale
from tests.systems.eye_contact.xgaze.invented import random_of


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
