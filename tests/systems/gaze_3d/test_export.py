"""The network as ONNX says what it says in torch, and the command writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from eyeline.systems.gaze_3d.export import INPUTS, OUTPUTS
from eyeline.systems.gaze_3d.model import gaze_from_afar
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.conftest import Command


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    arguments = {"frames": 7, "backbone": "small"}
    state = gaze_from_afar(frames=7, backbone="small").state_dict()
    path = tmp_path / "gaze_from_afar.safetensors"
    checkpoint.save(path, state, CheckpointCard("gaze_3d", "gaze_from_afar", arguments))
    return path


def test_the_command_writes_what_torch_says(
    eyeline: Command, weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "network.onnx"
    done = eyeline("export", "gaze_3d", "--weights", weights, "-o", out)
    assert done.code == 0, done.err
    rng = np.random.default_rng(1)
    given = {
        "clip": rng.standard_normal((1, 7, 3, 256, 192)).astype(np.float32),
        "head_mask": (rng.random((1, 7, 1, 256, 192)) > 0.7).astype(np.float32),
        "body_motion": rng.standard_normal((1, 7, 2)).astype(np.float32),
    }
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    answers = dict(zip(OUTPUTS, session.run(list(OUTPUTS), given), strict=True))
    network = gaze_from_afar(frames=7, backbone="small")
    network.load_state_dict(checkpoint.load(weights)[1])
    with torch.inference_mode():
        result = network.eval()(*(torch.from_numpy(given[name]) for name in INPUTS))
    for part, estimate in zip(("gaze", "head", "body"), result, strict=True):
        for what, value in zip(("direction", "concentration"), estimate, strict=True):
            assert answers[f"{part}_{what}"] == pytest.approx(value.numpy(), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gaze_3d", "--format", "tflite"), "'tflite' is not"),
        (("ego_social",), "exports no network yet"),
        (("eye_contact",), "expected weights of eye_contact"),
    ],
)
def test_what_cannot_be_written(
    eyeline: Command, weights: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = eyeline("export", *arguments, "--weights", weights, "-o", tmp_path / "x.onnx")
    assert done.code == 2 and message in done.err
    assert not (tmp_path / "x.onnx").exists()
