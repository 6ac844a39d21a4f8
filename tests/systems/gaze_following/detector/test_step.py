"""Rates of the optimiser, and a step that learns."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eyeline.systems.gaze_following.detector.data import Batch
from eyeline.systems.gaze_following.detector.recipe import Sgd, read_recipe
from eyeline.systems.gaze_following.detector.step import Step, optimizer, rate, scheduler
from eyeline.systems.gaze_following.detector.targets import Targets
from tests.systems.gaze_following.detector.invented import small


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
