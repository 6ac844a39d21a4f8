"""The parts of `benchmarks gpu`, on a processor: each gives figures of the right kind."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import torch

from benchmarks import gpu, trainings
from eyeline.training.recipe import EXECUTION

NETWORK = "gaze_3d/heads"


def test_a_network_is_measured_in_both_precisions() -> None:
    figures: dict[str, Any] = gpu.forward(NETWORK, "cpu", 1)
    assert figures.keys() == {"apart", "float32_4", "float32_64", "bfloat16_4", "bfloat16_64"}
    assert 0 < figures.pop("apart") < 0.1
    assert all(f["ms"] > 0 and f["items_a_second"] > 0 for f in figures.values())


def test_what_the_time_leaves_out_is_named() -> None:
    figures = trainings.run(quick=True, until=0.0)
    assert figures == {"left_out": ["gaze_3d/gafa"]}


@pytest.mark.parametrize("name", trainings.TRAININGS)
def test_every_way_is_a_recipe(name: str) -> None:
    module = importlib.import_module(f"eyeline.systems.{trainings.TRAININGS[name].module}")
    for precision, changes in trainings.WAYS.values():
        plan = module.TASK.read_recipe(name.partition("/")[2], changes)
        on = {key for key in EXECUTION if getattr(plan.training, key)}
        assert on >= {c.partition("=")[0].partition(".")[2] for c in changes}
        assert precision in ("32-true", "bf16-mixed")


def test_a_batch_is_weighed_with_all_that_it_holds() -> None:
    class Holder:
        def __init__(self) -> None:
            self.inside = {"a": torch.zeros(2), "b": [torch.zeros(3), "text", 4]}

    assert trainings._bytes((Holder(), torch.zeros(1))) == 6 * 4


@pytest.mark.slow
def test_a_training_is_measured() -> None:
    figures = gpu.run("cpu", quick=True)
    assert figures["left_out"] == []
    training: Any = figures["trainings"]
    one = training["gaze_3d/gafa"]
    assert one["loader"]["samples_a_core_second"] > 0
    assert one["step"].keys() == {"float32", "bfloat16"}
    assert all(step["ms"] > 0 and step["batch"] == 1 for step in one["step"].values())
