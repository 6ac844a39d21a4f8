"""Slow: two processes train and evaluate as one does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eyeline.systems.ego_social import evaluate
from tests.systems.ego_social.taught import small, taught

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SCRIPT = """
import json, os, sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
torch.set_num_threads(1)
from eyeline.systems.ego_social import evaluate, train
from eyeline.training.devices import Devices
made = {call}
Path({out!r} + f".ended.{{os.getpid()}}").write_text(str(len(made)))
"""


def in_two(call: str, out: Path) -> None:
    """Run a call in a script of two processes, of which one makes a report."""
    script = out.with_suffix(".py")
    root = str(Path(__file__).parents[3])
    script.write_text(SCRIPT.format(root=root, call=call, out=str(out)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=400
    )
    ended = [int(path.read_text()) for path in out.parent.glob(f"{out.name}.ended.*")]
    assert len(ended) == 2 and min(ended) == 0 < max(ended), done.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught(tmp_path_factory.mktemp("taught"), 2, 2)


@pytest.mark.parametrize("task", ["lam", "ttm"])
def test_two_processes_evaluate_as_one(data: Path, task: str, tmp_path: Path) -> None:
    """The same tables and figures; no row twice although the work does not divide."""
    weights = small(task, tmp_path / "w.safetensors")
    options = "stride=4, batch=5" if task == "lam" else "fuse=True"
    out = str(tmp_path / "two")
    in_two(
        f"evaluate.run({str(weights)!r}, {str(data)!r}, {out!r}, flip=True, {options}, "
        "devices=Devices(count=2))",
        tmp_path / "two",
    )
    named: dict[str, Any] = {"stride": 4, "batch": 5} if task == "lam" else {"fuse": True}
    created = evaluate.run(weights, data, tmp_path / "one", flip=True, **named)
    for name in (evaluate.TRUTH, evaluate.PREDICTIONS):
        one, two = ((tmp_path / n / name).read_bytes() for n in ("one", "two"))
        assert one == two, name
    assert json.loads((tmp_path / "two" / "report.json").read_text(encoding="utf-8")) == created
