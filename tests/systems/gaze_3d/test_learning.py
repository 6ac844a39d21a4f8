"""Slow: a shrunken network learns rendered people, alone and shared by two processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.systems.gaze_3d import answers, evaluate, report, train
from eyeline.systems.gaze_3d.data import open_split
from eyeline.training import checkpoint, loop
from eyeline.training.devices import Devices
from tests.systems.gaze_3d import shrunken

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight people to learn from, three others to test on, three cameras each."""
    return shrunken.made_data(
        tmp_path_factory.mktemp("people"), seed=1, sessions=8, test_sessions=3, cameras=3,
        frames=40, width_px=320,
    )  # fmt: skip


def test_a_shrunken_network_beats_the_mean_direction(people: Path) -> None:
    """People never seen, 64 x 48 pixels: half of the error of the best single direction."""
    plan = shrunken.plan({
        "training": {"epochs": 10, "concentration_every": 3},
        "data": {"validation_share": 0.25, "validation_interval": 3},
    })  # fmt: skip
    learned, held = train.TASK.open_data(plan, people)
    some = shrunken.Reduced(learned.subset(np.arange(0, len(learned), 2)))
    net = shrunken.network(plan)
    loop.fit(train.TASK.new_run(plan, net, some.as_windows(), None, None), Devices().fabric())
    test = open_split(people, ["made/008", "made/009", "made/010"], interval=7)
    truth = answers.truth_of(test)
    found = evaluate.as_answers(test, told(net, shrunken.Reduced(test)))
    given = report.score(found, truth)
    print(given["pooled"], given["mean_direction"], given["interval"])
    assert given["mean_direction"]["3d_all"] > 70
    assert given["pooled"]["3d_all"] < 45
    assert given["pooled"]["3d_all"] < 0.6 * given["mean_direction"]["3d_all"]
    assert given["interval"]["3d_all"][1] < 0.7 * given["mean_direction"]["3d_all"]
    known = evaluate.as_answers(held, told(net, shrunken.Reduced(held)))
    rescaling = evaluate.fit_calibration(known, answers.truth_of(held))
    mended = report.score(evaluate.calibrated(found, rescaling), truth)
    before, after = (m["reliability"]["gaze"] for m in (given, mended))
    print({k: (before[k], after[k]) for k in ("ece", "angular_ece_deg")})
    assert after["angular_ece_deg"] < 12 and after["ece"] < 0.2


def told(net: Any, items: shrunken.Reduced) -> Any:
    return evaluate.answer(net, items.as_windows())["independent"]


SCRIPT = """
import json, os, sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
torch.set_num_threads(1)
from eyeline.systems.gaze_3d import train
from eyeline.training.devices import Devices
made = train.run(json.loads({recipe!r}), {data!r}, {out!r}, devices=Devices(count=2))
Path({out!r} + f".ended.{{os.getpid()}}").write_text(str(len(made.get("history", []))))
"""


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """The same losses and weights with the same batches: without chance, statistics held.

    The number of windows is even: of an odd one, the first would come twice to two processes.
    """
    recipe = {
        "model": {"backbone": "small", "drop_connect": 0.0},
        "loss": {"concentration": "per_item", "recurrence": "independent"},
        "training": {
            "epochs": 2, "batch_size": 4, "statistics": "frozen", "concentration_every": 3,
            "keep_every": 2, "select": "last",
        },
        "data": {"validation_interval": 5},
    }  # fmt: skip
    data = shrunken.made_data(
        tmp_path / "made", sessions=2, test_sessions=1, cameras=1, frames=23, width_px=96
    )
    alone = train.run(recipe, data, tmp_path / "one")
    script = tmp_path / "two.py"
    script.write_text(
        SCRIPT.format(root=str(Path(__file__).parents[3]), recipe=json.dumps(recipe),
                      data=str(data), out=str(tmp_path / "two")),
        encoding="utf-8",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=400
    )
    ended = [path.read_text() for path in tmp_path.glob("two.ended.*")]
    assert sorted(ended) == ["0", "2"], done.stderr
    shared = json.loads((tmp_path / "two" / "report.json").read_text(encoding="utf-8"))
    assert alone["data"]["windows"] % 2 == 0
    for ours, theirs in zip(alone["history"], shared["history"], strict=True):
        for name in ("loss", "direction", "concentration", "validation_angle_deg"):
            assert theirs[name] == pytest.approx(ours[name], rel=1e-4), name
        assert ours["steps"] == theirs["steps"] >= 3
    name = "gaze_from_afar.safetensors"
    (_, one), (_, two) = (checkpoint.load(tmp_path / n / name) for n in ("one", "two"))
    apart = max(float((one[k].double() - two[k].double()).abs().max()) for k in one)
    print("weights apart by", apart)
    assert apart < 2e-4
    assert any(not torch.equal(one[k], v) for k, v in fresh(recipe).items()), "they did learn"


def fresh(recipe: dict[str, Any]) -> dict[str, torch.Tensor]:
    from eyeline.systems.gaze_3d.recipe import read_recipe

    return train.TASK.init_network(read_recipe(recipe), None)[0].state_dict()
