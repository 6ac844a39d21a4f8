"""Rates of the optimiser, a step that learns, and training of a shrunken detector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from eyeline.errors import DataError, RecipeError
from eyeline.systems.gaze_following.detector import evaluate, train, weights
from eyeline.systems.gaze_following.detector.average_precision import PUBLISHED
from eyeline.systems.gaze_following.detector.data import Batch
from eyeline.systems.gaze_following.detector.recipe import Sgd, read_recipe
from eyeline.systems.gaze_following.detector.targets import Targets
from eyeline.systems.gaze_following.detector.train import Step, optimizer, rate, scheduler
from eyeline.training import checkpoint, loop
from eyeline.training.devices import Devices
from tests.systems.gaze_following.detector.invented import SMALL, TINY, data_set, saved, small


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (0, 0.0025 * 0.001),
        (250, 0.0025 * (1 - 0.5 * 0.999)),
        (499, 0.0025 * (1 - 0.002 * 0.999)),
        (500, 0.0025),
        (7999, 0.0025),
        (8000, 0.00025),
        (10999, 0.00025),
        (11000, 0.000025),
    ],
)
def test_the_published_rates(step: int, wanted: float) -> None:
    assert rate(Sgd(), step, 1000) == pytest.approx(wanted, rel=1e-9)


def test_the_scheduler_follows() -> None:
    how = Sgd(learning_rate=0.1, warm_up_steps=2, drop_epochs=(1,))
    moved = optimizer(how, nn.Linear(2, 1))
    following = scheduler(how, moved, 3)
    result = []
    for _ in range(5):
        result.append(moved.param_groups[0]["lr"])
        moved.step()
        following.step()
    wanted = [rate(how, step, 3) for step in range(5)]
    assert result == pytest.approx(wanted) and wanted[-1] == pytest.approx(0.01)


def test_the_optimiser_leaves_out_what_is_frozen() -> None:
    network = small()
    network.backbone.freeze(1)  # type: ignore[operator]
    groups = optimizer(Sgd(), network).param_groups
    assert len(groups) == 1 and (groups[0]["momentum"], groups[0]["weight_decay"]) == (0.9, 1e-4)
    own = {p.data_ptr() for p in groups[0]["params"]}
    frozen = {n for n, p in network.named_parameters() if p.data_ptr() not in own}
    assert {n.split(".")[1] for n in frozen} == {"conv1", "bn1", "layer1"}


def batch(*counts: int) -> Batch:
    """Images with so many targets each."""
    boxes = torch.tensor([[8.0, 8, 40, 40], [60, 20, 90, 60]])
    masks = torch.zeros(2, 64, 96, dtype=torch.uint8)
    masks[0, 8:40, 8:40] = 1
    masks[1, 20:60, 60:90] = 1
    size = (64, 96)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(len(counts), 3, *size, generator=generator)
    return Batch(images, [Targets(boxes[:n], masks[:n], size, size) for n in counts])


@pytest.mark.parametrize("counts", [(2,), (0,), (1, 0)])
def test_a_step(counts: tuple[int, ...]) -> None:
    """Also where nothing is to be found, every parameter gets a gradient."""
    network = small().train()
    result = Step(read_recipe({}))(network, batch(*counts))
    names = ["anchor_class", "anchor_box", "region_class", "region_box", "mask"]
    assert list(result.parts) == [*names, "accuracy"]
    total = sum(result.parts[name] for name in names)
    assert float(result.total.detach()) == pytest.approx(total, rel=1e-5)
    result.total.backward()
    lacking = [n for n, p in network.named_parameters() if p.grad is None]
    assert not lacking
    if not sum(counts):
        assert result.parts["mask"] == result.parts["region_box"] == 0


def test_half_precision_gives_much_the_same() -> None:
    network, step = small().train(), Step(read_recipe({}))
    totals = []
    for half in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            result = step(network, batch(2))
        assert result.total.dtype == torch.float32
        totals.append(float(result.total.detach()))
    assert totals[1] == pytest.approx(totals[0], rel=0.05) and totals[0] != totals[1]


WIDE = (128, 96)

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
    """Images never seen: boxes and masks of squares in noise are found."""
    plan = read_recipe(TINY, ["training.epochs=30"])
    learned, held = train.TASK.open_data(plan, root)
    network = train.TASK.init_network(plan, None)[0]
    created = train.TASK.new_run(plan, network, learned, None, None)
    history = loop.fit(created, Devices().fabric())
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    result = evaluate.report(held, evaluate.predict(network, held))
    assert result["targets"] == 3
    for kind in ("bbox", "segm"):
        assert result[kind]["mAP_50"] > 0.9 and result[kind]["mAP"] > 0.6
    assert created.schedulers["main"].get_last_lr() == [pytest.approx(0.001)]


def test_the_card_says_how(trained: tuple[Path, dict[str, Any]]) -> None:
    out, created = trained
    assert tuple(created["published"]["segm"]) == PUBLISHED
    card = checkpoint.read_card(out / NAME)
    assert card.settings == {"fusion": "hs", "short_px": 96}
    assert card.data["pictures"] == 6 and card.data["pictures_held_out"] == 2
    assert card.scores["bbox"] == created["published"]["bbox"]
    assert created["history"][-1]["validation_segm_mAP"] == pytest.approx(created["segm"]["mAP"])
    network = weights.load_mask_rcnn(out / NAME)
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    assert shapes == {name: value.shape for name, value in small().state_dict().items()}


def test_training_begins_with_given_weights_and_freezes(root: Path, tmp_path: Path) -> None:
    begun = saved(tmp_path / "begun.safetensors", 7)
    changes = ["training.epochs=1", "training.frozen_stages=2", "training.validate_masks=false"]
    created = train.run(TINY, root, tmp_path / "out", changes=changes, weights=begun)
    assert "validation_segm_mAP" not in created["history"][0] and "segm" in created
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


def test_the_published_recipes_bind_and_run_a_step(root: Path, monkeypatch: Any) -> None:
    """A step of the published numbers, but for the network's size and frozen stages."""
    model = [f"model.{k}={list(v) if isinstance(v, tuple) else v}" for k, v in SMALL.items()]
    for name in ("mask_rcnn_hs", "mask_rcnn_h", "mask_rcnn_none"):
        changes = [*model, "training.frozen_stages=0", "data.short_px=64", "data.workers=0"]
        plan = read_recipe(name, changes)
        learned, _ = train.TASK.open_data(plan, root)
        network = train.TASK.init_network(plan, None)[0]
        created = train.TASK.new_run(plan, network, learned, None, None)
        batch = next(iter(created.batches(loop.Epoch(0, 0))))
        assert len(batch.images) == 4
        result = created.step(network.train(), batch)
        assert 0 < float(result.total.detach()) < 20


def test_images_of_a_split_are_needed(tmp_path: Path) -> None:
    root = data_set(tmp_path / "d", train=[WIDE], validation=[WIDE])
    path = root / "annotations" / "instances_train2017.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "annotations": []}), encoding="utf-8")
    with pytest.raises(DataError, match="no image with a target"):
        train.run(TINY, root, tmp_path / "out")
