"""The temporal network for prediction: the same answers, sooner, at any length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.systems.eye_contact.xgaze import running as module
from eyeline.systems.eye_contact.xgaze.model import MsTcn2, ms_tcn2
from eyeline.systems.eye_contact.xgaze.running import Segmenter
from eyeline.systems.eye_contact.xgaze.weights import load_segmenter
from tests.systems.eye_contact.xgaze.invented import filled, random_of

Golden = Callable[[str], dict[str, Any]]


def features_of(frames: int, width: int = 2048) -> np.ndarray:
    return np.abs(random_of("features").standard_normal((frames, width))).astype(np.float32)


def plainly(network: MsTcn2, features: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(features.T[None]))[-1, 0].T.numpy()


def test_logits_are_those_of_the_original_code(golden: Golden, temporal: MsTcn2) -> None:
    expected = golden("mstcn_std_T300")
    created = 0.5 * np.abs(random_of("input:mstcn_std_T300").standard_normal((1, 2048, 300)))
    quick = Segmenter(temporal)
    logits = quick.logits(quick.enter(created[0].T)).T
    assert logits == pytest.approx(expected["out"][-1, 0], abs=2e-4)
    assert np.array_equal(logits.argmax(0), expected["pred_last"][0])


@pytest.mark.parametrize("frames", [1, 2, 101, 1500])
def test_folded_it_says_the_same(temporal: MsTcn2, frames: int) -> None:
    features = features_of(frames)
    quick = Segmenter(temporal)
    entered = quick.enter(features)
    assert entered.shape == (frames, 64) and quick.maps == 64
    assert quick.logits(entered) == pytest.approx(plainly(temporal, features), abs=2e-4)


def test_features_may_come_in_parts(temporal: MsTcn2) -> None:
    features, quick = features_of(40), Segmenter(temporal)
    parts = np.concatenate([quick.enter(features[:7]), quick.enter(features[7:])])
    assert parts == pytest.approx(quick.enter(features), abs=1e-5)


@pytest.mark.parametrize("frames", [89, 90, 91, 200, 333])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    network = filled(ms_tcn2(
        layers_prediction=4, layers_refinement=3, refinements=2, maps=16, features=32
    ))  # fmt: skip
    quick, features = Segmenter(network), features_of(frames, 32)
    assert quick.reach == 38
    whole = quick.logits(quick.enter(features))
    monkeypatch.setattr(module, "BLOCK_FRAMES", 52)
    seen: list[int] = []
    entered, run = quick.enter(features), quick.network.run
    monkeypatch.setattr(
        quick.network, "run", lambda part, x: seen.append(x.shape[1]) or run(part, x)
    )
    assert quick.logits(entered) == pytest.approx(whole, abs=1e-5)
    assert max(seen) <= 52 + 2 * 38 and (len(seen) > 1) == (frames > 90)


def test_prediction_leaves_torch_as_it_was(temporal: MsTcn2) -> None:
    before = torch.get_num_threads()
    quick = Segmenter(temporal, threads=1)
    quick.logits(quick.enter(features_of(5)))
    assert torch.get_num_threads() == before and torch.is_grad_enabled()
    assert all(p.requires_grad for p in temporal.parameters())


def test_from_a_file(temporal: MsTcn2, temporal_weights: Path) -> None:
    features = features_of(120)
    quick = Segmenter(load_segmenter(temporal_weights))
    result = quick.logits(quick.enter(features))
    assert result == pytest.approx(plainly(temporal, features), abs=2e-4)


def test_a_device_that_is_not_there_and_other_shapes_are_refused(temporal: MsTcn2) -> None:
    with pytest.raises(UsageError, match="cuda:99"):
        Segmenter(temporal, "cuda:99")
    quick = Segmenter(temporal)
    with pytest.raises(DataError, match="features"):
        quick.enter(np.zeros((10, 512), np.float32))
    with pytest.raises(DataError, match="entered"):
        quick.logits(np.zeros((10, 2048), np.float32))


@pytest.mark.gpu
def test_on_a_gpu_it_says_the_same(temporal: MsTcn2) -> None:
    features = features_of(1500)
    quick = Segmenter(temporal, "cuda")
    result = quick.logits(quick.enter(features))
    assert result == pytest.approx(plainly(temporal, features), abs=2e-4)
