"""Training: the way from data to weights and a report, resuming, choosing, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.systems.ego_social import evaluate, train
from eyeline.systems.ego_social.model import gaze360_lstm
from eyeline.systems.ego_social.weights import (
    GAZE360_LICENCE,
    load_looking_at_me,
    load_talking_to_me,
)
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.loop import Epoch
from tests.systems.ego_social.taught import SMALL, plan, small, taught

pytestmark = pytest.mark.usefixtures("one_thread")

BUILDERS = {"lam": "lam_lstm", "ttm": "ttm"}
Trained = dict[str, tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught(tmp_path_factory.mktemp("taught"), 3, 2)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    torch.set_num_threads(1)
    folders = {task: tmp_path_factory.mktemp(task) / "new" / "folder" for task in SMALL}
    return {task: (out, train.run(SMALL[task], data, out)) for task, out in folders.items()}


@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_the_card_names_clips(trained: Trained, task: str) -> None:
    out, created = trained[task]
    name = f"{BUILDERS[task]}.safetensors"
    card = checkpoint.read_card(out / name)
    assert card.data["clips"] == ["train0", "train1", "train2"]
    assert card.data["validation_clips"] == ["val0", "val1"]
    assert card.data["samples"] == {"lam": 21, "ttm": 6}[task]
    assert card.scores["validation_mAP"] == pytest.approx(created["published"]["mAP"], abs=1e-4)
    (load_looking_at_me if task == "lam" else load_talking_to_me)(out / name)


@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_evaluation_agrees_with_the_report(
    data: Path, trained: Trained, task: str, tmp_path: Path
) -> None:
    out, created = trained[task]
    options: dict[str, Any] = {"stride": 9} if task == "lam" else {}
    again = evaluate.run(
        out / f"{BUILDERS[task]}.safetensors", data, tmp_path, task=task, **options
    )
    assert again["published"]["mAP"] == pytest.approx(created["published"]["mAP"], abs=0.01)
    assert again["notes"] == ["the epoch of these weights was chosen by 2 of these clips"]
    assert again["seen_in_training"] == 0
    whole = evaluate.run(out / f"{BUILDERS[task]}.safetensors", data, split="train")
    assert whole["seen_in_training"] == 3


def test_our_options_train(data: Path, tmp_path: Path) -> None:
    changes = [
        "training.epochs=1",
        "training.flip=true",
        "data.balanced=true",
        "training.statistics=frozen",
        "training.select=last",
    ]
    created = train.run(SMALL["lam"], data, tmp_path, changes=changes)
    assert created["recipe"]["data"]["balanced"] and created["history"][0]["steps"] == 3


def test_a_balanced_epoch() -> None:
    label = np.array([0, 1, 0, 0, 1, 0, 0])
    first, second = train.balanced(label, 0), train.balanced(label, 1)
    assert label[first].tolist().count(1) == 2 and len(first) == len({*first.tolist()}) == 4
    assert first.tolist() != second.tolist()
    assert train.balanced(1 - label, 0).tolist() == first.tolist()
    assert train.balanced(np.zeros(3, int), 0).tolist() == [0, 1, 2]


def test_one_class_alone_in_validation_is_reported(tmp_path: Path) -> None:
    data, known = taught(tmp_path / "data", 2, 1, only="val"), list[str]()
    created = train.run(SMALL["ttm"], data, tmp_path / "out", known.append)
    assert known[0] == "0 of 2 rows are positive: mAP is not defined on the validation clips"
    assert created["published"]["mAP"] is None and "validation_mAP" not in created["history"][0]
    assert created["notes"] == ["0 of 2 rows are positive: mAP is not defined"]
    assert (tmp_path / "out" / "ttm.safetensors").is_file()


def test_the_recipe_that_begins_at_gaze360(data: Path, tmp_path: Path) -> None:
    changes = ["training.epochs=1", "model.width=4", "model.memory=8", "data.stride=20"]
    with pytest.raises(UsageError, match="name Gaze360's file, or a ResNet-18"):
        train.run("lam_gaze360", data, tmp_path, changes=changes)
    path, small = tmp_path / "gaze360.safetensors", {"width": 4, "memory": 8, "head": "angles"}
    given = CheckpointCard("ego_social", "gaze360_lstm", small, licence=GAZE360_LICENCE)
    checkpoint.save(path, gaze360_lstm(width=4, memory=8, head="angles").state_dict(), given)
    created = train.run("lam_gaze360", data, tmp_path / "out", changes=changes, weights=path)
    card = checkpoint.read_card(tmp_path / "out" / "gaze360_lstm.safetensors")
    assert card.licence == created["began_at"]["licence"] == GAZE360_LICENCE
    heads = [f"head.{layer}.{what}" for layer in (0, 1) for what in ("weight", "bias")]
    assert card.settings["began_at"]["random"] == heads


def test_what_cannot_be_trained(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.list"):
        train.run(SMALL["lam"], data, tmp_path, changes=["data.train_split=nowhere"])
    ttm = small("ttm", tmp_path / "ttm.safetensors")
    assert (
        train.run(SMALL["lam"], data, tmp_path / "x", changes=["training.epochs=1"], weights=ttm)[
            "began_at"
        ]["taken"]
        > 0
    )


@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_batches_of_processes_make_up_those_of_one(data: Path, task: str) -> None:
    """Of windows each process has its part of every batch; of talk every second batch."""
    created = plan(task)
    learned, _ = train.TASK.open_data(created, data)

    def numbers(rank: int, world: int) -> list[list[int]]:
        run = train.TASK.new_run(created, created.network(), learned, None, None, world)
        batches = run.batches(Epoch(1, 7, rank, world))
        return [batch["number"].tolist() for batch in batches]

    one, parts = numbers(0, 1), [numbers(rank, 2) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1])
    every = sorted(n for batch in one for n in batch)
    both = sorted(n for part in parts for batch in part for n in batch)
    assert every == list(range(len(learned))) and {*both} == {*every}
    assert len(both) - len(every) <= {"lam": 1, "ttm": max(map(len, one))}[task]
