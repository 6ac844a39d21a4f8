"""The networks as ONNX say what they say in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from eyeline.errors import CheckpointError
from eyeline.systems.eye_contact.weights import SHIPPED
from eyeline.systems.eye_contact.xgaze.export import to_onnx
from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork
from eyeline.systems.eye_contact.xgaze.model import MsTcn2


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def test_the_gaze_network(tmp_path: Path, gaze_weights: Path, gaze_network: GazeNetwork) -> None:
    to_onnx(gaze_weights, tmp_path / "gaze.onnx")
    faces = torch.randn(2, 3, 224, 224)
    gaze, feature = session(tmp_path / "gaze.onnx").run(None, {"faces": faces.numpy()})
    with torch.inference_mode():
        expected, wanted = gaze_network(faces)
    assert gaze == pytest.approx(expected.numpy(), abs=1e-5)
    assert feature == pytest.approx(wanted.numpy(), abs=1e-4)


@pytest.mark.parametrize("time", [101, 333])
def test_the_temporal_network(
    tmp_path: Path, temporal_weights: Path, temporal: MsTcn2, time: int
) -> None:
    to_onnx(temporal_weights, tmp_path / "temporal.onnx")
    features = np.random.default_rng(0).random((1, 2048, time), np.float32)
    (logits,) = session(tmp_path / "temporal.onnx").run(None, {"features": features})
    with torch.inference_mode():
        expected = temporal(torch.from_numpy(features)).numpy()
    assert logits == pytest.approx(expected, abs=2e-4)


def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="landmarks_tcn"):
        to_onnx(SHIPPED, tmp_path / "w.onnx")
