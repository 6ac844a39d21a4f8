"""Training learns, gives the same numbers twice, and minds its surroundings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.eye_contact.landmarks import fit
from eyeline.systems.eye_contact.landmarks.fit import fit_network, logits_of, person_logits
from eyeline.systems.eye_contact.landmarks.forward import agreed
from eyeline.systems.eye_contact.landmarks.inputs import FEATURES
from eyeline.systems.eye_contact.landmarks.model import landmarks_tcn
from eyeline.systems.eye_contact.recipe import read_recipe
from eyeline.systems.eye_contact.samples import Sample

SMALL = read_recipe(
    {
        "model": {
            "builder": "landmarks_tcn",
            "channels": 8,
            "layers": 3,
            "members": 1,
            "dropout": 0.0,
        },
        "optimizer": {"learning_rate": 0.02},
        "training": {"epochs": 40, "batch_size": 4, "crop_frames": 300},
    }
)


def test_four_samples_are_learned(invented: list[Sample]) -> None:
    network = fit_network(invented, SMALL)
    right = [(logits_of(network, s.features) >= 0) == (s.label == 1) for s in invented]
    assert np.concatenate(right).mean() > 0.95


def test_the_same_seed_gives_the_same_network(invented: list[Sample]) -> None:
    quick = read_recipe(
        {
            "model": {"channels": 4, "layers": 2, "members": 2},
            "training": {"epochs": 2, "batch_size": 2},
        }
    )
    first, second = (fit_network(invented, quick, seed=3) for _ in range(2))
    other = fit_network(invented, quick, seed=4)
    states = [n.state_dict() for n in (first, second, other)]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert not torch.equal(states[0]["members.0.enter.weight"], states[2]["members.0.enter.weight"])
    assert not torch.equal(states[0]["members.0.enter.weight"], states[0]["members.1.enter.weight"])


def test_threads_and_random_state_are_put_back(invented: list[Sample]) -> None:
    quick = read_recipe(
        {"model": {"channels": 4, "layers": 1, "members": 1}, "training": {"epochs": 1}}
    )
    threads = torch.get_num_threads()
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    fit_network(invented, quick)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_progress_is_reported(invented: list[Sample]) -> None:
    heard: list[str] = []
    quick = read_recipe(
        {"model": {"channels": 4, "layers": 1, "members": 2}, "training": {"epochs": 1}}
    )
    fit_network(invented, quick, log=heard.append)
    assert [text.partition(",")[0] for text in heard] == ["member 1 of 2", "member 2 of 2"]


def test_a_long_track_is_answered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = landmarks_tcn(channels=4, layers=5, members=1).eval()
    rows = np.random.default_rng(0).normal(size=(1000, len(FEATURES))).astype(np.float32)
    whole = logits_of(network, rows)
    for frames in (20, 37, 100, 999, 1000):
        monkeypatch.setattr(fit, "_FRAMES_AT_ONCE", frames)
        assert logits_of(network, rows) == pytest.approx(whole, abs=1e-5)


def test_tracks_of_one_person_are_answered_together() -> None:
    torch.manual_seed(1)
    network = landmarks_tcn(channels=4, layers=2, members=1).eval()
    rng = np.random.default_rng(1)
    rows = [rng.normal(size=(n, len(FEATURES))).astype(np.float32) for n in (120, 80)]
    result = person_logits(network, iter(rows))
    expected = agreed([logits_of(network, part) for part in rows], rows)
    assert all(np.array_equal(x, y) for x, y in zip(result, expected, strict=True))
    (alone,) = person_logits(network, rows[:1])
    assert not np.allclose(alone, result[0])


def test_no_samples_and_no_frames(invented: list[Sample]) -> None:
    with pytest.raises(DataError, match="no samples"):
        fit_network([], SMALL)
    quick = read_recipe(
        {"model": {"channels": 4, "layers": 1, "members": 1}, "training": {"epochs": 1}}
    )
    network = fit_network(invented, quick)
    assert len(logits_of(network, invented[0].features[:0])) == 0
    assert len(logits_of(network, invented[0].features[:1])) == 1
