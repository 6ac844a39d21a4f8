"""Slow: two processes train as one does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from eyeline.training import checkpoint
from tests.conftest import Command
from tests.systems.ego_social import taught
from tests.systems.gaze_3d import shrunken
from tests.systems.gaze_anticipation import made_up
from tests.systems.gaze_following.detector import invented as images
from tests.systems.gaze_following.matching import invented as looks
from tests.systems.test_training import CASES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, os, sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
torch.set_num_threads(1)
from eyeline.systems.{module}.train import run
from eyeline.training.devices import Devices
made = run(json.loads({recipe!r}), {data!r}, {out!r}, devices=Devices(count=2))
Path({out!r} + f".ended.{{os.getpid()}}").write_text(str(len(made)))
"""


def trained_in_two(name: str, recipe: Mapping[str, Any], data: Path, out: Path) -> dict[str, Any]:
    """Train in a script of two processes, of which one makes a report."""
    script = out.with_suffix(".py")
    text = SCRIPT.format(
        root=str(ROOT),
        module=CASES[name].module,
        recipe=json.dumps(recipe),
        data=str(data),
        out=str(out),
    )
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=500
    )
    ended = [int(path.read_text()) for path in out.parent.glob(f"{out.name}.ended.*")]
    assert len(ended) == 2 and min(ended) == 0 < max(ended), done.stderr
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return report


def changed(recipe: Mapping[str, Any], **sections: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with other values."""
    return {**recipe, **{name: {**recipe.get(name, {}), **s} for name, s in sections.items()}}


def even_windows(folder: Path) -> Path:
    """Of an odd number the first would come twice to two processes."""
    return shrunken.made_data(
        folder, sessions=2, test_sessions=1, cameras=1, frames=23, width_px=96
    )


def odd_looks(folder: Path) -> Path:
    """A last batch of an odd number of looks."""
    from eyeline.systems.gaze_following.matching import data, train

    looks.write_folder(folder, videos=20, frames=30)
    lines = (folder / data.TRUTH).read_text().splitlines(keepends=True)
    plan = train.TASK.read_recipe("matcher")
    while not len(train.TASK.open_data(plan, folder)[0].rows) % 2:
        lines.pop()
        (folder / data.TRUTH).write_text("".join(lines))
    return folder


@dataclass(frozen=True)
class Shared:
    """A training without numbers that each process draws for itself."""

    recipe: dict[str, Any]
    data: Callable[[Path], Path]
    figures: tuple[str, ...]
    """Of an epoch, which are equal."""
    within: float
    """Relative to each."""
    steps: int = 3


AS_ONE = {
    "gaze_3d": Shared(
        {
            "model": {"backbone": "small", "drop_connect": 0.0},
            "loss": {"concentration": "per_item", "recurrence": "independent"},
            "training": {
                "epochs": 2,
                "batch_size": 4,
                "statistics": "frozen",
                "concentration_every": 3,
                "save_every": 2,
                "select": "last",
            },
            "data": {"validation_interval": 5},
        },
        even_windows,
        ("loss", "direction", "concentration", "validation_angle_deg"),
        1e-4,
    ),
    "lam": Shared(
        changed(
            taught.SMALL["lam"],
            training={"batch_size": 4, "statistics": "frozen", "save_every": 2, "select": "last"},
        ),
        lambda folder: taught.taught(folder, 2, 2),
        ("loss", "accuracy", "validation_loss", "validation_mAP"),
        1e-4,
    ),
    # each sees half of every batch, and contrasts it with all of it; with gradients of the contrast
    # from each process's own half the curves part at once
    "csts": Shared(
        changed(
            made_up.SMALL,
            model={"drop_path": 0.0},
            loss={"contrast": 0.5},
            training={"batch_size": 4, "select": "last"},
        ),
        made_up.prepared,
        ("loss", "divergence", "contrast", "validation_loss"),
        1e-5,
        steps=2,
    ),
    # with dropout and all that is hidden
    "matcher": Shared(
        {
            "model": {"builder": "matcher", "width": 16, "dropout": 0.1},
            "training": {"epochs": 3, "batch_size": 128},
        },
        odd_looks,
        ("loss", "validation_loss"),
        2e-6,
    ),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", AS_ONE)
def test_two_processes_train_as_one(name: str, tmp_path: Path) -> None:
    """The same losses and weights with the same batches."""
    case, how = CASES[name], AS_ONE[name]
    (tmp_path / "data").mkdir()
    data = how.data(tmp_path / "data")
    alone = case.task.run(how.recipe, data, tmp_path / "one")
    shared = trained_in_two(name, how.recipe, data, tmp_path / "two")
    if name in ("gaze_3d", "lam"):
        assert alone["data"]["windows" if name == "gaze_3d" else "samples"] % 2 == 0
    for ours, theirs in zip(alone["history"], shared["history"], strict=True):
        assert ours["steps"] == theirs["steps"] >= how.steps
        for figure in how.figures:
            assert theirs[figure] == pytest.approx(ours[figure], rel=how.within), figure
    one, two = (checkpoint.load(tmp_path / n / case.weights)[1] for n in ("one", "two"))
    fresh = case.task.init_network(case.task.read_recipe(how.recipe), None)[0].state_dict()
    moved = torch.cat([(one[k].double() - fresh[k].double()).flatten() for k in one])
    apart = torch.cat([(one[k].double() - two[k].double()).flatten() for k in one])
    assert float(moved.norm()) > 0.1, "they did learn"
    if name == "csts":
        assert float(apart.norm()) < 0.01 * float(moved.norm())
    else:
        assert float(apart.abs().max()) < (2e-4 if name == "gaze_3d" else 1e-4)


def test_two_processes_learn_talk(tmp_path: Path) -> None:
    """Each takes other batches, so the curve is another; both end, and the weights are whole."""
    data, recipe = taught.taught(tmp_path / "data", 2, 2), taught.SMALL["ttm"]
    shared = trained_in_two("ttm", recipe, data, tmp_path / "two")
    alone = CASES["ttm"].task.run(recipe, data, tmp_path / "one")
    assert shared["history"][0]["steps"] == -(-alone["history"][0]["steps"] // 2)
    assert (tmp_path / "two" / "ttm.safetensors").is_file()


def test_two_processes_learn_from_images(tmp_path: Path) -> None:
    """An image each a step; sums are divided by each process's own counts, as published."""
    data = images.data_set(tmp_path / "data", train=[(128, 96)] * 6, validation=[(128, 96)] * 2)
    shared = trained_in_two("mask_rcnn", images.TINY, data, tmp_path / "two")
    alone = CASES["mask_rcnn"].task.run(images.TINY, data, tmp_path / "one")
    for ours, theirs in zip(alone["history"], shared["history"], strict=True):
        assert theirs["steps"] == ours["steps"]
        assert theirs["loss"] == pytest.approx(ours["loss"], rel=0.1)


def test_torchrun_on_two_machines_trains_as_one_process(tmp_path: Path, eyeline: Command) -> None:
    """A process on each; the first one of all prints and writes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "data").mkdir()
    command = ["train", "gaze_following/matcher", "--data", str(odd_looks(tmp_path / "data"))]
    for setting in ("model.width=16", "training.epochs=2", "training.batch_size=128"):
        command += ["--set", setting]
    assert eyeline(*command, "-o", tmp_path / "one").code == 0
    machines = [
        subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "torch.distributed.run",
                    "--nnodes=2",
                    "--nproc-per-node=1",
                ),
                *(f"--node-rank={rank}", "--master-addr=127.0.0.1", f"--master-port={port}"),
                *("-m", "eyeline", *command, "-o", str(tmp_path / "two"), "--devices", "2"),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    (first, log), (second, _) = (machine.communicate(timeout=500) for machine in machines)
    assert [machine.returncode for machine in machines] == [0, 0], log
    assert json.loads(first) and not second
    one, two = (json.loads((tmp_path / n / "report.json").read_bytes()) for n in ("one", "two"))
    for ours, theirs in zip(two["history"], one["history"], strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
