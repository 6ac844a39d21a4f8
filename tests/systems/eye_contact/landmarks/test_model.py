"""The network's shapes, lengths, symmetry and sameness."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.systems.eye_contact.landmarks.inputs import FEATURES, PARITY
from eyeline.systems.eye_contact.landmarks.model import LandmarksTcn, TemporalNetwork, landmarks_tcn

WIDTH = len(FEATURES)


@pytest.fixture(scope="module")
def network() -> LandmarksTcn:
    torch.manual_seed(0)
    return landmarks_tcn(channels=8, members=2).eval()


@pytest.mark.parametrize("time", [1, 2, 101, 214, 6560])
def test_any_length(network: LandmarksTcn, time: int) -> None:
    with torch.inference_mode():
        out = network(torch.randn(2, WIDTH, time))
    assert out.shape == (2, time) and torch.isfinite(out).all()


def test_a_mirrored_image_gives_the_same_answer(network: LandmarksTcn) -> None:
    rows = torch.randn(1, WIDTH, 120)
    with torch.inference_mode():
        twin = network(rows * torch.from_numpy(PARITY)[:, None])
        assert torch.allclose(network(rows), twin, atol=1e-5)


def test_evaluation_is_deterministic_and_training_is_not(network: LandmarksTcn) -> None:
    rows = torch.randn(1, WIDTH, 60)
    with torch.inference_mode():
        assert torch.equal(network(rows), network(rows))
        network.train()
        assert not torch.equal(network(rows), network(rows))
        network.eval()


def test_padding_changes_nothing() -> None:
    torch.manual_seed(1)
    member = TemporalNetwork(WIDTH, 8, 7, 0.0, 0.0, 0.0).eval()
    rows = torch.randn(1, WIDTH, 90)
    padded = torch.cat([rows, torch.randn(1, WIDTH, 40)], dim=2)
    mask = torch.cat([torch.ones(1, 1, 90), torch.zeros(1, 1, 40)], dim=2)
    with torch.inference_mode():
        alone, beside = member(rows, mask[:, :, :90]), member(padded, mask)
    assert torch.allclose(alone, beside[:, :, :90], atol=1e-5)
    assert not beside[:, :, 90:].any()


def test_wild_values_are_held_in_bounds(network: LandmarksTcn) -> None:
    with torch.inference_mode():
        out = network(torch.full((1, WIDTH, 30), 1e6))
    assert torch.isfinite(out).all() and out.abs().max() < 1e3


def test_members_are_averaged(network: LandmarksTcn) -> None:
    rows = torch.randn(1, WIDTH, 40)
    alone = [LandmarksTcn([m], PARITY.tolist()).eval() for m in network.members]
    with torch.inference_mode():
        mean = torch.stack([one(rows) for one in alone]).mean(0)
        assert torch.allclose(network(rows), mean, atol=1e-5)


def test_state_holds_what_belongs_to_the_weights(network: LandmarksTcn) -> None:
    keys = set(network.state_dict())
    assert {"members.0.mean", "members.0.deviation", "members.1.leave.weight"} <= keys
    assert "parity" not in keys, "it belongs to the features"


@pytest.mark.parametrize("frames", [1, 7, 300])
def test_the_forward_pass_without_torch_is_the_same(frames: int) -> None:
    from eyeline.systems.eye_contact.landmarks import forward
    from eyeline.systems.eye_contact.landmarks.inputs import FEATURES, PARITY
    from eyeline.systems.eye_contact.weights import load_landmarks_tcn

    model = load_landmarks_tcn()
    features = np.random.default_rng(frames).normal(size=(frames, len(FEATURES)))
    with torch.inference_mode():
        theirs = model.network(torch.tensor(features.T[None], dtype=torch.float32))[0].numpy()
    ours = forward.log_odds(model.arrays, features, PARITY)
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_a_persons_answers_without_torch_are_the_same() -> None:
    from eyeline.systems.eye_contact.landmarks.fit import person_logits
    from eyeline.systems.eye_contact.weights import load_landmarks_tcn

    model = load_landmarks_tcn()
    rng = np.random.default_rng(2)
    rows = [rng.normal(size=(n, WIDTH)).astype(np.float32) for n in (150, 60, 1)]
    theirs = person_logits(model.network, rows)
    for ours, expected in zip(model.person_logits(rows), theirs, strict=True):
        assert ours == pytest.approx(expected, abs=2e-4)
    for ours, expected in zip(model.log_odds(rows), theirs, strict=True):
        assert ours == pytest.approx(model.calibration.scale * expected, abs=2e-4)
