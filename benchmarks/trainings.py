"""Training by each recipe: what a loader reads, what a step takes, in each way of computing it.

Data are the synthetic sets, prepared as the published ones are, so that images have the size that
the recipe gives the network. Networks are whole, their weights random. A loader is measured in one
process without workers, by samples a second of one core, so that the workers a device needs follow.
`ecs_pictures` and `voxceleb2` of `eye_contact` train in rounds of their own and are not measured.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Training:
    """A recipe, and how its data come about."""

    module: str
    """Under `eyeline.systems`; holds the `TASK`."""
    commands: tuple[str, ...]
    """Of eyeline, run in an empty folder."""
    data: str
    """The folder that the last of them leaves."""


_EGO_SOCIAL = (
    "synthesize ego_social -o raw",
    "prepare ego_social/ego4d --source raw -o prepared",
)
TRAININGS: dict[str, Training] = {
    "gaze_3d/gafa": Training(
        "gaze_3d.train",
        ("synthesize gaze_3d -o raw", "prepare gaze_3d/gafa --source raw -o prepared"),
        "prepared",
    ),
    "ego_social/lam": Training("ego_social.train", _EGO_SOCIAL, "prepared"),
    "ego_social/ttm": Training("ego_social.train", _EGO_SOCIAL, "prepared"),
    "gaze_following/mask_rcnn_hs": Training(
        "gaze_following.detector.train", ("synthesize gaze_following -o raw",), "raw"
    ),
    "gaze_anticipation/ego4d_anticipation": Training(
        "gaze_anticipation.train",
        (
            "synthesize gaze_anticipation -o raw",
            "prepare gaze_anticipation/ego4d --source raw -o prepared",
        ),
        "prepared",
    ),
}
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "float32": ("32-true", ()),
    "channels_last": ("32-true", ("training.channels_last=true",)),
    "compile": ("32-true", ("training.compile=true",)),
    "bfloat16": ("bf16-mixed", ()),
    "bfloat16_channels_last": ("bf16-mixed", ("training.channels_last=true",)),
    "bfloat16_compile": ("bf16-mixed", ("training.compile=true",)),
}
"""Precision, and changes of the recipe."""


def run(device: str = "cpu", *, quick: bool = False, until: float = float("inf")) -> dict[str, Any]:
    """By recipe: `loader` and, for each of `WAYS`, `step`.

    Args:
        device: where the network is trained.
        quick: `gaze_3d` alone, in float32 and bfloat16.
        until: of `time.monotonic`; what is left then is named in `left_out`.
    """
    names = ["gaze_3d/gafa"] if quick else list(TRAININGS)
    ways = ["float32", "bfloat16"] if quick else list(WAYS)
    figures: dict[str, Any] = {}
    left_out: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            if time.monotonic() > until:
                left_out.append(name)
                continue
            root = prepared(TRAININGS[name], Path(folder) / name.partition("/")[0])
            here: dict[str, Any] = {"loader": loader(name, root, 2.0 if quick else 5.0), "step": {}}
            for way in ways:
                if time.monotonic() > until:
                    left_out.append(f"{name} {way}")
                    continue
                here["step"][way] = step(name, root, way, device, steps=3 if quick else 7)
            figures[name] = here
    return figures | ({"left_out": left_out} if left_out else {})


def prepared(training: Training, folder: Path) -> Path:
    """The data of a recipe; those that lie there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / training.data).exists():
        for command in training.commands:
            eyeline = [sys.executable, "-m", "eyeline", *command.split()]
            subprocess.run(eyeline, cwd=folder, check=True, capture_output=True, text=True)
    return folder / training.data


def loader(name: str, root: Path, seconds: float) -> dict[str, float]:
    """Samples read one by one, over and over, for so long."""
    task, plan = _plan(name, "training.batch_size=1", "data.workers=0")
    train, _ = task.open_data(plan, root)
    clock, processor, count = time.perf_counter(), time.process_time(), 0
    for batch in _endless(task, plan, train):
        count += _samples(batch)
        if time.perf_counter() - clock > seconds:
            break
    spent = time.process_time() - processor
    return {"samples": count, "samples_a_core_second": round(count / spent, 1)}


def step(name: str, root: Path, way: str, device: str, steps: int) -> dict[str, Any]:
    """Forward, backward, optimiser: the median of all steps behind the second.

    The batch is the recipe's on a GPU, one sample on a processor; it is the same in each step.
    """
    import torch

    from eyeline.errors import TrainingError
    from eyeline.training import loop
    from eyeline.training.devices import Devices

    precision, changes = WAYS[way]
    one = ("training.batch_size=1",) if device == "cpu" else ()
    task, plan = _plan(name, "data.workers=0", *one, *changes)
    train, _ = task.open_data(plan, root)
    fabric = Devices(device, precision=precision).fabric()
    fabric.launch()
    stamps: list[float] = []
    with task.around(fabric.device):
        network, _ = task.init_network(plan, None, fabric.device)
        run = task.new_run(plan, network, train)
        batch = max(islice(_endless(task, plan, train), 3), key=_bytes)

        def again(_: loop.Epoch) -> Iterator[Any]:
            for _ in range(steps):
                stamps.append(_now(device))
                yield batch

        run.batches, run.epochs = again, 1
        if device != "cpu":
            torch.cuda.reset_peak_memory_stats(fabric.device)
        try:
            loop.fit(run, fabric)
        except (TrainingError, torch.OutOfMemoryError) as error:
            return {"failed": str(error).partition("\n")[0]}
    stamps.append(_now(device))
    taken = [b - a for a, b in pairwise(stamps)]
    size = _samples(batch)
    figures: dict[str, Any] = {
        "batch": size,
        "ms": round(1e3 * median(taken[2:]), 1),
        "samples_a_second": round(size / median(taken[2:]), 2),
        "first_step_s": round(taken[0], 1),
    }
    if device != "cpu":
        figures["peak_mib"] = round(torch.cuda.max_memory_allocated(fabric.device) / 2**20)
    return figures


def _plan(name: str, *changes: str) -> tuple[Any, Any]:
    """Task and recipe."""
    task = importlib.import_module(f"eyeline.systems.{TRAININGS[name].module}").TASK
    return task, task.read_recipe(name.partition("/")[2], changes)


def _endless(task: Any, plan: Any, train: Any) -> Iterator[Any]:
    """Batches of one epoch after the other."""
    from eyeline.training.loop import Epoch

    number = 0
    while True:
        yield from task.batches(plan, train, Epoch(number, number), plan.training.batch_size)
        number += 1


def _bytes(batch: Any) -> int:
    """Of all tensors in it, to leave out the last, smaller batch of an epoch."""
    return sum(tensor.nbytes for tensor in _tensors(batch))


def _samples(batch: Any) -> int:
    """The first axis of its first tensor: `ego_social/ttm` makes batches by their length."""
    return int(next(_tensors(batch)).shape[0])


def _tensors(batch: Any) -> Iterator[Any]:
    import torch

    if isinstance(batch, torch.Tensor):
        yield batch
    elif isinstance(batch, Mapping | list | tuple):
        for part in batch.values() if isinstance(batch, Mapping) else batch:
            yield from _tensors(part)
    elif hasattr(batch, "__dict__"):
        yield from _tensors(vars(batch))


def _now(device: str) -> float:
    import torch

    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()
