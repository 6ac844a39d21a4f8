"""The network as ONNX says what it says in torch, and the command writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from eyeline.systems.gaze_anticipation.export import INPUTS, OUTPUTS
from eyeline.systems.gaze_anticipation.model import heatmaps
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.conftest import Command
from tests.systems.gaze_anticipation.invented import SMALL, small, small_inputs


@pytest.mark.parametrize("options", [{}, {"gate_by_sound": True, "embedding": 0}])
def test_the_command_writes_what_torch_says(
    eyeline: Command, tmp_path: Path, options: dict[str, int]
) -> None:
    network = small(2, **options)
    weights, out = tmp_path / "csts.safetensors", tmp_path / "csts.onnx"
    card = CheckpointCard("gaze_anticipation", "csts", {**SMALL, **options})
    checkpoint.save(weights, network.state_dict(), card)
    done = eyeline("export", "gaze_anticipation", "--weights", weights, "-o", out)
    assert done.code == 0, done.err
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    given = small_inputs(1, seed=5)
    result = session.run(list(OUTPUTS), {n: x.numpy() for n, x in zip(INPUTS, given, strict=True)})[
        0
    ]
    with torch.no_grad():
        wanted = heatmaps(network(*given).logits).numpy()
    np.testing.assert_allclose(result, wanted, atol=1e-6)
    assert wanted.max() > 0.01


def test_weights_of_another_room_are_refused(eyeline: Command, tmp_path: Path) -> None:
    weights = tmp_path / "other.safetensors"
    state = {"a": torch.zeros(1)}
    checkpoint.save(weights, state, CheckpointCard("gaze_3d", "gaze_from_afar", {}))
    out = tmp_path / "x.onnx"
    done = eyeline("export", "gaze_anticipation", "--weights", weights, "-o", out)
    assert done.code == 2 and "gaze_anticipation" in done.err
    assert not out.exists()
