"""Training: squares are learned, runs are taken up again, and the way from data to a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from eyeline.errors import CheckpointError, DataError, RecipeError
from eyeline.systems.gaze_following.detector import evaluate, train, weights
from eyeline.systems.gaze_following.detector.average_precision import PUBLISHED
from eyeline.systems.gaze_following.detector.data import Batch
from eyeline.systems.gaze_following.detector.recipe import read_recipe
from eyeline.systems.gaze_following.detector.step import Step
from eyeline.training import checkpoint, loop
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices
from eyeline.training.loop import STATE, StepLoss
from tests.systems.gaze_following.detector.invented import SMALL, data_set, small

WIDE = (128, 96)

TINY: dict[str, dict[str, Any]] = {
    "model": {**SMALL, "depths": list(SMALL["depths"])},
    "data": {"short_px": 96, "workers": 0},
    "samples": {"anchors": 64, "regions": 32, "proposals_before": 200, "proposals": 100},
    "optimizer": {
        "learning_rate": 0.01, "warm_up_steps": 10, "drop_epochs": [24], "clip_norm": 5.0,
    },
    "training": {"epochs": 2, "batch_size": 2, "frozen_stages": 0, "keep_every": 1},
}  # fmt: skip
NAME = "mask_rcnn.safetensors"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_set(tmp_path_factory.mktemp("coco"), train=[WIDE] * 6, validation=[WIDE] * 2)


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("out") / "new" / "folder"
    return out, train.run(TINY, root, out)


def test_squares_are_learned(root: Path) -> None:
    """Pictures never seen: boxes and masks of squares in noise are found."""
    plan = read_recipe(TINY, ["training.epochs=30"])
    learned, held = train.open_data(plan, root)
    network = train.new_network(plan, None)
    made = train.new_run(plan, network, learned, None, None)
    history = loop.fit(made, Devices().fabric())
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    found = evaluate.report(held, evaluate.answers(network, held))
    assert found["targets"] == 3
    for kind in ("bbox", "segm"):
        assert found[kind]["mAP_50"] > 0.9 and found[kind]["mAP"] > 0.6
    assert made.schedulers["main"].get_last_lr() == [pytest.approx(0.001)]


def test_training_writes_weights_and_a_report(trained: tuple[Path, dict[str, Any]]) -> None:
    out, made = trained
    assert sorted(p.name for p in out.iterdir()) == ["log.jsonl", NAME, "report.json"]
    written = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert written["bbox"] == made["bbox"] and len(written["history"]) == 2
    assert tuple(written["published"]["segm"]) == PUBLISHED
    card = checkpoint.read_card(out / NAME)
    assert card.settings == {"fusion": "hs", "short_px": 96}
    assert card.data["pictures"] == 6 and card.data["pictures_held_out"] == 2
    assert card.scores["bbox"] == made["published"]["bbox"]
    assert made["history"][-1]["validation_segm_mAP"] == pytest.approx(made["segm"]["mAP"])
    network = weights.load_mask_rcnn(out / NAME)
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    assert shapes == {name: value.shape for name, value in small().state_dict().items()}


class StoppedError(Exception):
    """What a test stops a run with."""


def test_a_run_stopped_within_an_epoch_ends_like_one_that_was_not(
    root: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out, whole = trained
    steps, taken, step = whole["history"][0]["steps"], 0, Step.__call__
    assert steps == 3

    def counting(self: Step, net: nn.Module, batch: Batch) -> StepLoss:
        nonlocal taken
        taken += 1
        if taken == steps + 3:
            raise StoppedError
        return step(self, net, batch)

    monkeypatch.setattr(Step, "__call__", counting)
    with pytest.raises(StoppedError):
        train.run(TINY, root, tmp_path)
    assert (tmp_path / STATE).exists() and (tmp_path / train.BEST).exists()
    with pytest.raises(CheckpointError, match="another recipe"):
        train.run(TINY, root, tmp_path, changes=["optimizer.momentum=0.5"])
    told: list[str] = []
    resumed = train.run(TINY, root, tmp_path, told.append)
    assert told[0] == "going on after epoch 1 and 2 steps of 2"
    for ours, theirs in zip(resumed["history"], whole["history"], strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
    (_, ours), (_, theirs) = checkpoint.load(tmp_path / NAME), checkpoint.load(out / NAME)
    assert all(torch.equal(ours[k], theirs[k]) for k in theirs)


def test_training_begins_with_given_weights_and_freezes(root: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun.safetensors"
    card = CheckpointCard("gaze_following", "mask_rcnn", SMALL)
    checkpoint.save(begun, small(7).state_dict(), card)
    changes = ["training.epochs=1", "training.frozen_stages=2", "training.validate_masks=false"]
    made = train.run(TINY, root, tmp_path / "out", changes=changes, weights=begun)
    assert "validation_segm_mAP" not in made["history"][0] and "segm" in made
    (_, before), (_, after) = checkpoint.load(begun), checkpoint.load(tmp_path / "out" / NAME)
    same = {name for name in before if torch.equal(before[name], after[name])}
    frozen = ("backbone.conv1.", "backbone.bn1.", "backbone.layer1.", "backbone.layer2.")
    assert all(name in same for name in before if name.startswith(frozen))
    assert "backbone.layer3.0.bn1.weight" not in same and "classes.weight" not in same
    assert "backbone.layer3.0.bn1.running_mean" in same


def test_chance_is_not_frozen(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no weights to begin with"):
        train.run(TINY, root, tmp_path / "out", changes=["training.frozen_stages=1"])
    assert not (tmp_path / "out").exists()


def test_a_batch_must_be_shared_evenly() -> None:
    plan = read_recipe(TINY, ["training.batch_size=3"])
    with pytest.raises(RecipeError, match="shared evenly by 2 devices"):
        train.new_run(plan, small(), [], None, None, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("select", "wanted"), [("last", [1, 1, 1, 1, 1]), ("box_AP", [1, 1, 0, 0, 1])]
)
def test_the_chosen_epoch(select: str, wanted: list[int]) -> None:
    rows = [{}, *({"validation_bbox_mAP": v} for v in (0.2, 0.1, 0.2, 0.3))]
    kept = [train.is_chosen(select, rows[:i], row) for i, row in enumerate(rows)]
    assert [int(k) for k in kept] == wanted


def test_half_precision_trains_the_same_way(
    root: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    devices = Devices(precision="bf16-mixed")
    changes = ["training.epochs=1"]
    made = train.run(TINY, root, tmp_path, changes=changes, devices=devices)
    assert made["history"][0]["loss"] == pytest.approx(trained[1]["history"][0]["loss"], rel=0.05)
    _, state = checkpoint.load(tmp_path / NAME)
    assert {v.dtype for v in state.values() if v.is_floating_point()} == {torch.float32}


def test_the_published_recipes_bind_and_run_a_step(root: Path, monkeypatch: Any) -> None:
    """A step of the published numbers, but for the network's size and frozen stages."""
    model = [f"model.{k}={list(v) if isinstance(v, tuple) else v}" for k, v in SMALL.items()]
    for name in ("mask_rcnn_hs", "mask_rcnn_h", "mask_rcnn_none"):
        changes = [*model, "training.frozen_stages=0", "data.short_px=64", "data.workers=0"]
        plan = read_recipe(name, changes)
        learned, _ = train.open_data(plan, root)
        network = train.new_network(plan, None)
        made = train.new_run(plan, network, learned, None, None)
        batch = next(iter(made.batches(loop.Epoch(0, 0))))
        assert len(batch.pictures) == 4
        found = made.step(network.train(), batch)
        assert 0 < float(found.total.detach()) < 20


SCRIPT = """
import json, os, sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
torch.set_num_threads(1)
from eyeline.systems.gaze_following.detector import train
from eyeline.training.devices import Devices
made = train.run(json.loads({recipe!r}), {data!r}, {out!r}, devices=Devices(count=2))
Path({out!r} + f".ended.{{os.getpid()}}").write_text(str(len(made.get("history", []))))
"""


@pytest.mark.slow
def test_two_processes_learn(
    root: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """A picture each a step; sums are divided by each process's own counts, as published."""
    out, script = tmp_path / "two", tmp_path / "two.py"
    script.write_text(
        SCRIPT.format(root=str(Path(__file__).parents[4]), recipe=json.dumps(TINY),
                      data=str(root), out=str(out)),
        encoding="utf-8",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=400
    )
    ended = [path.read_text() for path in tmp_path.glob("two.ended.*")]
    assert sorted(ended) == ["0", "2"], done.stderr
    shared = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for ours, theirs in zip(trained[1]["history"], shared["history"], strict=True):
        assert theirs["steps"] == ours["steps"]
        assert theirs["loss"] == pytest.approx(ours["loss"], rel=0.1)


def test_pictures_of_a_split_are_needed(tmp_path: Path) -> None:
    root = data_set(tmp_path / "d", train=[WIDE], validation=[WIDE])
    path = root / "annotations" / "instances_train2017.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "annotations": []}), encoding="utf-8")
    with pytest.raises(DataError, match="no picture with a target"):
        train.run(TINY, root, tmp_path / "out")
