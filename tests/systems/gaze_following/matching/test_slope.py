"""The published regressor against numbers of scikit-learn, and its weights files."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from eyeline.errors import CheckpointError, DataError
from eyeline.systems.gaze_following.matching import slope
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard


def test_forward_is_that_of_scikit_learn(best_gaze, golden_mlp):
    np.testing.assert_allclose(
        golden_mlp(best_gaze["head_points"]), best_gaze["k_pred"], atol=1e-12
    )


@pytest.mark.parametrize("activation", slope.ACTIVATIONS)
def test_module_and_arrays_agree(activation):
    import torch

    rng = np.random.default_rng(0)
    widths = (2, 5, 4, 1)
    mlp = SlopeMlp(
        tuple(rng.normal(size=(a, b)) for a, b in pairwise(widths)),
        tuple(rng.normal(size=b) for b in widths[1:]),
        activation,
    )
    network = slope.slope_mlp(**slope.arguments_of(mlp))
    checkpoint.fill(network, slope.state_of(mlp), "here")
    points = rng.normal(size=(7, 2))
    with torch.no_grad():
        result = network(torch.from_numpy(points)).numpy()[:, 0]
    np.testing.assert_allclose(result, mlp(points), atol=1e-12)


def test_written_and_read_back(tmp_path, best_gaze, golden_mlp):
    path = tmp_path / "slope.safetensors"
    card = CheckpointCard("gaze_following", slope.NETWORK, slope.arguments_of(golden_mlp))
    checkpoint.save(path, slope.state_of(golden_mlp), card)
    result = slope.read(path)
    np.testing.assert_array_equal(
        result(best_gaze["head_points"]), golden_mlp(best_gaze["head_points"])
    )
    assert result.hidden == (100,)


def test_other_weights_are_refused(tmp_path):
    import torch

    path = tmp_path / "other.safetensors"
    checkpoint.save(path, {"a": torch.zeros(1)}, CheckpointCard("gaze_following", "matcher", {}))
    with pytest.raises(CheckpointError, match="gaze_following/slope_mlp"):
        slope.read(path)


def test_layers_must_fit():
    with pytest.raises(CheckpointError, match=r"layer 1 .*should take 3 numbers"):
        SlopeMlp((np.zeros((2, 3)), np.zeros((4, 1))), (np.zeros(3), np.zeros(1)))
    with pytest.raises(CheckpointError, match="2 outputs"):
        SlopeMlp((np.zeros((2, 2)),), (np.zeros(2),))
    with pytest.raises(CheckpointError, match="no activation 'swish'"):
        SlopeMlp((np.zeros((2, 1)),), (np.zeros(1),), "swish")


def test_points_must_be_points(golden_mlp):
    with pytest.raises(DataError, match="head points"):
        golden_mlp(np.zeros((3, 3)))
