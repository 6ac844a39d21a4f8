"""From synthetic clips to scores: a shrunken network beats guessing on people it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.results import Floats
from eyeline.systems.ego_social import evaluate, prepare, report, synthesize, train
from eyeline.systems.ego_social.predictions import read_predictions, read_truth
from eyeline.systems.ego_social.recordings.annotations import read_list

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SMALL = [
    "model.width=6", "model.memory=32", "training.flip=true", "training.select=last",
    "loss.class_weights=[0.5, 0.5]",
    "data.validation_split=few", "training.seed=0",
]  # fmt: skip
"""The last epoch is taken, so that nothing is chosen by clips that are measured on."""
TEST = "val"
"""The list to measure on."""


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Cores that others use make several threads many times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared clips: 45 to train on, 24 to measure on; two of these show how each epoch went."""
    root = tmp_path_factory.mktemp("made")
    synthesize.run(root / "raw", clips=45, val_clips=24, seconds=10.0, seed=11)
    assert not prepare.run(root / "raw", root / "data").failed
    lists = root / "data" / "split"
    uids = read_list(lists / "val.list")
    (lists / "few.list").write_text("\n".join(uids[:2]))
    return root / "data"


@pytest.fixture(scope="module")
def looking(data: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """Weights of a shrunken `lam_lstm`."""
    out = tmp_path_factory.mktemp("looking")
    changes = ["data.balanced=true", "training.batch_size=32", "training.epochs=3"]
    changes += ["optimizer.learning_rate=1.0e-3"]
    created = train.run("lam", data, out, changes=[*SMALL, *changes])
    assert created["history"][-1]["loss"] < created["history"][0]["loss"] - 0.05
    return out / "lam_lstm.safetensors"


def guessed(folder: Path, count: int = 500) -> tuple[float, Floats]:
    """The mAP of the scores of an evaluation, and of the same scores in random order."""
    truth, result = read_truth(folder / "gt.csv"), read_predictions(folder / "pred.csv")
    label, score = truth.label, result.score
    assert label is not None and score is not None
    rng = np.random.default_rng(0)
    mean: Callable[[Any], float] = lambda s: float(report.published(label, s)["mAP"])  # noqa: E731
    return mean(score), np.array([mean(rng.permutation(score)) for _ in range(count)])


def test_looks_of_new_people_are_reported(data: Path, looking: Path, tmp_path: Path) -> None:
    result = evaluate.run(looking, data, tmp_path, split=TEST, stride=13)
    assert result["seen_in_training"] == 0
    assert result["counts"]["clips"] == 24
    figures, chance = guessed(tmp_path)
    assert figures == pytest.approx(result["published"]["mAP"], abs=1e-6)
    assert figures > chance.mean() + 0.1
    assert figures > chance.max()
    assert result["interval"]["mAP"][0] > chance.mean()
    assert result["pooled"]["auc"] > 0.65
    assert result["pooled"]["ap_positive"] > result["pooled"]["prior"]["ap_positive"] + 0.1


def test_talk_of_new_people_is_reported(data: Path, looking: Path, tmp_path: Path) -> None:
    """It begins at the encoder and memory that looks have taught, as the authors' at Gaze360's.

    It takes about a hundred segments of talk; of half as many it learns too little to be shown.
    """
    changes = ["training.epochs=4", "model.voice_width=8", "optimizer.learning_rate=1.0e-3"]
    created = train.run("ttm", data, tmp_path / "ttm", changes=[*SMALL, *changes], weights=looking)
    losses = [epoch["loss"] for epoch in created["history"]]
    assert losses[-1] < losses[0] - 0.1
    weights = tmp_path / "ttm" / "ttm.safetensors"
    result = evaluate.run(weights, data, tmp_path, split=TEST, flip=True)
    assert result["seen_in_training"] == 0
    figures, chance = guessed(tmp_path)
    assert figures == pytest.approx(result["published"]["mAP"], abs=1e-6)
    assert figures > chance.mean() + 0.08
    assert figures > np.quantile(chance, 0.99)
    assert result["interval"]["mAP"][0] > chance.mean()
    assert result["pooled"]["auc"] > 0.65
