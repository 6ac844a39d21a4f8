"""The network's shapes, lengths, symmetry and sameness."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.eye_contact.landmarks import forward as agreement
from eyeline.systems.eye_contact.landmarks.forward import agreed
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
        alone, paired = member(rows, mask[:, :, :90]), member(padded, mask)
    assert torch.allclose(alone, paired[:, :, :90], atol=1e-5)
    assert not paired[:, :, 90:].any()


def test_wild_values_are_held_in_bounds_and_members_are_averaged(network: LandmarksTcn) -> None:
    with torch.inference_mode():
        out = network(torch.full((1, WIDTH, 30), 1e6))
    assert torch.isfinite(out).all() and out.abs().max() < 1e3
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


Array = npt.NDArray[Any]


def features_of(yaw: Array) -> Array:
    rows = np.zeros((len(yaw), len(FEATURES)), np.float32)
    rows[:, FEATURES.index("yaw.video")] = yaw
    return rows


def directions(seed: int, frames: int) -> tuple[Array, Array, Array]:
    """Yaw that jumps between two places, the truth it means, and a noisy network's log odds."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.integers(0, 2, frames // 10), 10)
    yaw = np.where(truth == 1, 1.0, -1.0) + rng.normal(0, 0.3, len(truth))
    return yaw, truth, np.where(truth == 1, 0.3, -0.3) + rng.normal(0, 1, len(truth))


def test_noise_is_averaged_over_like_poses_and_another_track_of_the_person_counts() -> None:
    tracks = [directions(seed, 600) for seed in range(3)]
    result = agreed([t[2] for t in tracks], [features_of(t[0]) for t in tracks])
    truth = np.concatenate([t[1] for t in tracks])
    before = np.mean((np.concatenate([t[2] for t in tracks]) > 0) == truth)
    after = np.mean((np.concatenate(result) > 0) == truth)
    assert before < 0.65 and after - before > 0.1
    yaw, _, logit = directions(0, 300)
    other = directions(1, 2000)
    (alone,) = agreed([logit], [features_of(yaw)])
    paired, _ = agreed([logit, other[2]], [features_of(yaw), features_of(other[0])])
    assert np.abs(alone - paired).max() > 0.05


def test_half_of_a_long_tracks_mean_is_taken_off_and_less_of_a_short_ones() -> None:
    still = [np.full(n, 1.0) for n in (5000, 50)]
    for one, rest in zip(still, (0.505, 0.75), strict=True):
        (result,) = agreed([one], [features_of(np.zeros(len(one)))])
        assert result == pytest.approx(np.full(len(one), rest), abs=1e-3)


def test_common_answer_is_that_of_the_whole_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every frame a reference it is kernel ridge regression, solved here the direct way."""
    rng = np.random.default_rng(3)
    pose, said = rng.normal(size=(120, 6)), rng.normal(size=120)
    near = np.exp(-((pose[:, None] - pose[None]) ** 2).sum(axis=2) / 2)
    ridge = near + 120 * agreement._PENALTY * np.eye(120)
    expected = near @ np.linalg.solve(ridge, said - said.mean())
    assert agreement._common(pose, said) == pytest.approx(expected, abs=1e-3)
    whole = agreement._common(pose, said)
    monkeypatch.setattr(agreement, "_ROWS_AT_ONCE", 17)
    assert agreement._common(pose, said) == pytest.approx(whole, abs=1e-9)


def test_turning_all_answers_around_turns_the_result_around() -> None:
    yaw, _, logit = directions(4, 400)
    (ahead,), (turned,) = (agreed([x], [features_of(yaw)]) for x in (logit, -logit))
    assert turned == pytest.approx(-ahead, abs=1e-9)


@pytest.mark.parametrize("lengths", [[], [0], [1], [2, 0, 1], [50, 3]])
def test_any_lengths(lengths: list[int]) -> None:
    rng = np.random.default_rng(0)
    result = agreed(
        [rng.normal(size=n) for n in lengths], [features_of(np.ones(n)) for n in lengths]
    )
    assert [len(x) for x in result] == lengths
    assert all(np.isfinite(x).all() for x in result)


def test_wild_values_stay_finite_and_the_same_bytes_twice() -> None:
    rows = features_of(np.linspace(-1e6, 1e6, 300))
    (result,) = agreed([np.linspace(-1e3, 1e3, 300)], [rows])
    assert np.isfinite(result).all()
    yaw, _, logit = directions(5, 900)
    first, second = (agreed([logit], [features_of(yaw)])[0] for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("logit", [np.zeros(3), np.array([0.0, np.nan])])
def test_what_does_not_fit_is_named(logit: Array) -> None:
    with pytest.raises(DataError, match="log odds for 2 frames"):
        agreed([logit], [features_of(np.zeros(2))])
