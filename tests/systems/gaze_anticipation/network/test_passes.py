"""Passes say what the network says, and silence costs its audio encoder once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.systems.gaze_anticipation.inputs import silence
from eyeline.systems.gaze_anticipation.model import GazeAnticipation, heatmaps
from eyeline.systems.gaze_anticipation.network.passes import Passes
from tests.systems.gaze_anticipation.invented import SMALL, small, small_inputs

FRAMES, SIDE = SMALL["frames"], SMALL["side"]


@pytest.fixture
def network() -> GazeAnticipation:
    return small(3)


def test_with_audio_it_is_the_whole_network(network: GazeAnticipation) -> None:
    clips, audios = small_inputs(3)
    with torch.no_grad():
        wanted = heatmaps(network(clips, audios).logits).numpy()
    result = Passes(network.train()).maps(clips, list(audios))
    np.testing.assert_allclose(result, wanted, atol=1e-6)
    np.testing.assert_allclose(result.sum(axis=(2, 3)), 1, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_silence_is_the_same_with_less_work(network: GazeAnticipation, precision: str) -> None:
    network.precision = precision
    clips, _ = small_inputs(2, seed=1)
    with torch.no_grad():
        quiet = silence(FRAMES, SIDE).expand(2, 1, FRAMES, SIDE, SIDE)
        wanted = heatmaps(network(clips, quiet).logits).numpy()
    heard = []
    network.sound.register_forward_hook(lambda *_: heard.append(1))
    passes = Passes(network)
    for _ in range(3):
        np.testing.assert_allclose(passes.maps(clips), wanted, atol=1e-6)
    assert len(heard) == (1 if precision == "float32" else 6)
