"""Hostile weights: other people's checkpoints through every reader, and eyeline's own format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from torture import attacks
from torture.attacks import Marks
from torture.cases import Sources
from torture.command import forked
from torture.figures import Figure, skipped
from torture.judged import judged

REFERENCE = Path(__file__).parents[2] / "shared/reference"
"""Names and shapes of the tensors of published checkpoints, where they are at hand."""
SYSTEMS = ("eye_contact", "gaze_3d", "ego_social", "gaze_following", "gaze_anticipation")
SPEAKERS = ("lr_asd", "syncnet")
SPOILED = {
    "eye_contact": ("ecs", "ms_tcn2_11_10_4_64_2048_2"),
    "gaze_3d": ("gafa", "GazeNet(n_frames=7)"),
    "ego_social": ("ego4d_social", "lam_baseline_lstm"),
    "gaze_following": ("vgs", "syncnet"),
}
"""Those small enough to be spoiled in many ways."""
OWN = "systems/eye_contact/weights/landmarks_tcn.safetensors"
LIMIT_S, MEMORY_GB = 120.0, 10.0


def trial(work: Path) -> Iterator[Figure]:
    """Refuse each in one line, quickly and without much memory; run nothing, leave nothing."""
    marks = Marks(work / "marks")
    (work / "results").mkdir()
    (work / "one.mp4").write_bytes(Sources(work / "sources").short)
    for name, data in attacks.checkpoints(marks).items():
        for system in SYSTEMS:
            yield imported(f"{system}: {name}", system, data, work, marks)
        for speaker in SPEAKERS:
            options = ("--speaker", speaker, "--speaker-weights")
            yield _analyzed(f"{speaker}: {name}", options, "y.model", data, work, marks)
        options = ("--detector", "persons", "--detector-weights")
        yield _analyzed(f"persons: {name}", options, "y.model", data, work, marks)
    yield from _spoiled(work, marks)
    own = (Path(str(files("eyeline"))) / OWN).read_bytes()
    for name, data in attacks.own_files(own).items():
        yield _analyzed(f"--weights: {name}", ("--weights",), "w.safetensors", data, work, marks)


def _spoiled(work: Path, marks: Marks) -> Iterator[Figure]:
    if not REFERENCE.is_dir():
        yield skipped("spoiled checkpoints", "the shapes of published checkpoints are not at hand")
        return
    for system, (folder, model) in SPOILED.items():
        whole = state(folder, model)
        for name, spoil in attacks.SPOILED.items():
            content = {k: spoil(v) if v.is_floating_point() else v for k, v in whole.items()}
            subject = f"{system}: tensors {name}"
            yield imported(subject, system, attacks.saved(content), work, marks)


def shapes(folder: str, model: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors of a published checkpoint, by name."""
    entry: Any = json.loads((REFERENCE / folder / "keys.json").read_text("utf-8"))[model]
    for inner in ("keys", "state_dict", "shapes"):
        entry = entry[inner] if isinstance(entry.get(inner), dict) else entry
    return {name: tuple(shape) for name, shape in entry.items() if isinstance(shape, list)}


def state(folder: str, model: str) -> dict[str, torch.Tensor]:
    """Random numbers of these names and shapes, of a size that networks stand."""
    generator = torch.Generator().manual_seed(0)
    return {name: _numbers(name, shape, generator) for name, shape in shapes(folder, model).items()}


def _numbers(name: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    if len(shape) > 1:
        fan_in = max(1, torch.Size(shape[1:]).numel())
        return torch.randn(shape, generator=generator) / fan_in**0.5
    return torch.rand(shape, generator=generator) * 0.2 + name.endswith(("running_var", "weight"))


def imported(subject: str, system: str, data: bytes, work: Path, marks: Marks) -> Figure:
    """A figure of `eyeline import` of this file, which is to be refused."""
    file, out = work / "x.pth", work / "out.safetensors"
    return _refused(subject, ("import", system, file, "-o", out), file, data, work, marks)


def _analyzed(
    subject: str, options: tuple[str, ...], name: str, data: bytes, work: Path, marks: Marks
) -> Figure:
    line = (
        "analyze",
        work / "one.mp4",
        "-o",
        work / "results",
        "--no-video",
        *options,
        work / name,
    )
    return _refused(subject, line, work / name, data, work, marks)


def _refused(
    subject: str, line: tuple[str | Path, ...], file: Path, data: bytes, work: Path, marks: Marks
) -> Figure:
    file.write_bytes(data)
    before = set(work.rglob("*"))
    ended = forked(*line, memory_gb=MEMORY_GB, limit_s=LIMIT_S)
    run = marks.taken()
    left = [f"leaves {p.relative_to(work)}" for p in sorted(set(work.rglob("*")) - before)]
    return judged(subject, ended, faults=[*run, *left])
