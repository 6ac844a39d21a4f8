"""Slow: `evaluate --devices 2` gives the figures, tables and printed lines of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from eyeline.cli.outputs import MARK
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

ROOT = Path(__file__).parents[2]


def saved(folder: Path, system: str, network: nn.Module, builder: str, **card: Any) -> Path:
    path = folder / f"{builder}.safetensors"
    checkpoint.save(path, network.state_dict(), CheckpointCard(system, builder, **card))
    return path


def gaze_3d(folder: Path) -> list[object]:
    """48 windows: a whole batch, and a part of one."""
    from eyeline.systems.gaze_3d.model import gaze_from_afar
    from tests.systems.gaze_3d import shrunken

    data = shrunken.made_data(
        folder, sessions=2, test_sessions=2, cameras=3, frames=60, width_px=64
    )
    torch.manual_seed(0)
    arguments = {"backbone": "small"}
    network = gaze_from_afar(**arguments)
    weights = saved(folder, "gaze_3d", network, "gaze_from_afar", arguments=arguments)
    return ["gaze_3d/gafa", "--data", data, "--weights", weights]


def eye_contact(folder: Path) -> list[object]:
    from eyeline.systems.eye_contact import synthesize
    from eyeline.systems.eye_contact.weights import SHIPPED

    synthesize.run(folder / "made", videos=1, test_videos=3, seconds=120)
    return ["eye_contact/ecs_landmarks", "--data", folder / "made", "--weights", SHIPPED]


def detector(folder: Path) -> list[object]:
    from tests.systems.gaze_following.detector.invented import SMALL, data_set, small

    data = data_set(folder / "coco", train=[(96, 64)], validation=[(96, 64), (64, 96), (96, 64)])
    settings = {"fusion": "h", "short_px": 64}
    card = {"arguments": SMALL, "settings": settings}
    weights = saved(folder, "gaze_following", small(), "mask_rcnn", **card)
    return ["gaze_following/mask_rcnn_h", "--data", data, "--weights", weights]


def matcher(folder: Path) -> list[object]:
    """More looks than are answered at once."""
    from eyeline.systems.gaze_following.matching.model import matcher as built
    from tests.systems.gaze_following.matching.invented import write_folder

    (folder / "data").mkdir()
    data = write_folder(folder / "data", videos=24, frames=40)
    torch.manual_seed(0)
    network = built(width=16)
    weights = saved(folder, "gaze_following", network, "matcher", arguments={"width": 16})
    options = ["--set", "split=all", "--set", "samples=20"]
    return ["gaze_following/matcher", "--data", data, "--weights", weights, *options]


def looks(folder: Path) -> list[object]:
    from tests.systems.ego_social.taught import small, taught

    weights = small("lam", folder / "w.safetensors")
    options = ["--set", "stride=4", "--set", "batch=5", "--set", "flip=true"]
    return ["ego_social/lam", "--data", taught(folder / "d", 1, 2), "--weights", weights, *options]


def talks(folder: Path) -> list[object]:
    from tests.systems.ego_social.taught import small, taught

    weights = small("ttm", folder / "w.safetensors")
    options = ["--set", "flip=true", "--set", "fuse=true"]
    return ["ego_social/ttm", "--data", taught(folder / "d", 1, 2), "--weights", weights, *options]


def anticipation(folder: Path) -> list[object]:
    from eyeline.systems.gaze_anticipation.model import csts
    from tests.systems.gaze_anticipation.made_up import SMALL, prepared

    arguments = SMALL["model"]
    torch.manual_seed(0)
    weights = saved(folder, "gaze_anticipation", csts(**arguments), "csts", arguments=arguments)
    options = ["--set", "batch=1", "--set", "threshold=0.03"]
    data = prepared(folder)
    return ["gaze_anticipation/miniature", "--data", data, "--weights", weights, *options]


CASES: list[Callable[[Path], list[object]]] = [
    gaze_3d, eye_contact, detector, matcher, looks, talks, anticipation,
]  # fmt: skip


def evaluate(arguments: list[object], out: Path, devices: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eyeline", "evaluate", *map(str, arguments)]
    return subprocess.run(
        [*command, "-o", str(out), "--devices", str(devices)], cwd=ROOT, timeout=400,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True,
    )  # fmt: skip


def assert_alike(ours: Any, theirs: Any, where: str = "report") -> None:
    """Texts, whole numbers and keys equal, other numbers near by."""
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), where
        for name, value in theirs.items():
            assert_alike(ours[name], value, f"{where}.{name}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for number, value in enumerate(theirs):
            assert_alike(ours[number], value, f"{where}[{number}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-3), where
    elif not (isinstance(theirs, str) and theirs.startswith(("MAE", "json_stats"))):
        assert ours == theirs, where


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_two_processes_evaluate_as_one(
    case: Callable[[Path], list[object]], tmp_path: Path
) -> None:
    arguments = case(tmp_path)
    ended = {count: evaluate(arguments, tmp_path / str(count), count) for count in (1, 2)}
    assert [one.returncode for one in ended.values()] == [0, 0], ended[2].stderr
    one, two = (json.loads(ended[count].stdout) for count in (1, 2))
    assert_alike(two, one, "printed")
    written = {n: sorted(p.name for p in (tmp_path / str(n)).rglob("*")) for n in (1, 2)}
    assert written[1] == written[2] and {"report.json", MARK} <= {*written[2]}
    one, two = (json.loads((tmp_path / n / "report.json").read_text("utf-8")) for n in ("1", "2"))
    assert_alike(two, one)
    for table in (tmp_path / "1").glob("*.csv"):
        lines = len(table.read_text("utf-8").splitlines())
        assert len((tmp_path / "2" / table.name).read_text("utf-8").splitlines()) == lines
        if case in (looks, talks):  # no row twice, although the work does not divide
            assert (tmp_path / "2" / table.name).read_bytes() == table.read_bytes(), table.name


@pytest.mark.slow
def test_what_one_process_cannot_read_ends_both_in_one_line(tmp_path: Path) -> None:
    arguments = gaze_3d(tmp_path)
    crop = sorted((tmp_path / "data" / "made").glob("003/*/*.jpg"))[-9]
    crop.write_bytes(b"no image")
    ended = evaluate(arguments, tmp_path / "out", 2)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert ended.stderr.count("is missing or damaged") == 1, ended.stderr
    assert not (tmp_path / "out" / "report.json").exists()
