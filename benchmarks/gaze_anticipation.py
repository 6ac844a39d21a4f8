"""Builder `csts` against the published way in the same run: forward, training step, memory.

Each pair of figures is measured in turns, so that a busy machine slows both; beside
the time on the clock stands that of the processor, which other work disturbs less.
"""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any, get_args

from benchmarks import gaze_anticipation_scores
from benchmarks.pairs import Work, inference, median_ms, pair, waited
from eyeline.processes import most_bytes

if TYPE_CHECKING:
    import torch

SPEC_MS = {"clip": 1810, "clips_4": 8400, "step": 11000}
"""What the published code took on two cores of another machine, milliseconds."""
SPEC_GB = 9.4
"""Its memory in a training step of two clips."""


def run(device: str = "cpu", *, quick: bool = False) -> dict[str, object]:
    """All figures; `ratio` is the published way's time over ours.

    Args:
        device: of the networks.
        quick: few repetitions.
    """
    import torch

    repeat = 2 if quick else 5
    result: dict[str, object] = {
        "clip": forward(device, 1, repeat),
        "clips_4": forward(device, 4, repeat),
        "bfloat16": reduced(device, repeat),
        "training_step": training(device, repeat),
    }
    if device == "cpu":
        result["memory_of_a_step_gb"] = memory(torch.get_num_threads())
        result["metric"] = gaze_anticipation_scores.scores(repeat=repeat)
    return result


def forward(device: str, clips: int, repeat: int) -> dict[str, object]:
    """Clips of eight frames with their audio."""
    given = inputs(clips, device)
    works = [inference(network, device, *given) for network in networks(device)]
    spec = SPEC_MS["clip" if clips == 1 else "clips_4"]
    return pair(works[0], works[1], repeat, spec_ms=spec)


def reduced(device: str, repeat: int) -> dict[str, object]:
    """The option of 16-bit products against our own 32 bits, in place of the published way.

    `logits_apart` and `share_of_map_moved` say how far its answers are off.
    """
    import torch

    from eyeline.systems.gaze_anticipation.model import heatmaps

    _, network = networks(device)
    given = inputs(1, device)

    def answered(fast: bool) -> Any:
        network.precision = "bfloat16" if fast else "float32"
        with torch.no_grad():
            return waited(network(*given), device)

    exact, near = (answered(fast).logits for fast in (False, True))
    apart = (heatmaps(near) - heatmaps(exact)).abs().sum((-2, -1)) / 2
    return pair(lambda: answered(False), lambda: answered(True), repeat) | {
        "logits_apart": round(float((near - exact).abs().max()), 4),
        "share_of_map_moved": round(float(apart.mean()), 4),
    }


def training(device: str, repeat: int) -> dict[str, object]:
    """One step on two clips: losses, gradients, clipping, AdamW; ours by each checkpointing."""
    from eyeline.systems.gaze_anticipation.model import set_gradient_checkpointing

    theirs, ours = networks(device)
    repeat = max(2, repeat // 2)
    once = step(set_gradient_checkpointing(ours), device)
    result = pair(step(theirs, device), once, repeat, spec_ms=SPEC_MS["step"])
    for gradient_checkpointing in ("none", "halving"):
        set_gradient_checkpointing(ours, gradient_checkpointing)
        result[f"gradient_checkpointing_{gradient_checkpointing}_ms"] = median_ms(once, repeat)
    return result


def memory(threads: int) -> dict[str, float]:
    """Most memory of a process that makes two training steps; and that of the published code."""
    from eyeline.systems.gaze_anticipation.model import Checkpointed

    context = multiprocessing.get_context("spawn")
    result = {"specification": SPEC_GB}
    for name in ("published", *get_args(Checkpointed)):
        with context.Pool(1) as pool:
            result[name] = round(pool.apply(_peak_gb, (name, threads)), 2)
    return result


def _peak_gb(name: str, threads: int) -> float:
    import torch

    from eyeline.systems.gaze_anticipation.model import set_gradient_checkpointing

    torch.set_num_threads(threads)
    theirs, ours = networks("cpu")
    once = step(theirs if name == "published" else set_gradient_checkpointing(ours, name), "cpu")
    once()
    once()
    return most_bytes() / 2**30


def step(network: Any, device: str) -> Work:
    """A training step of two clips."""
    import torch

    from eyeline.systems.gaze_anticipation.recipe import read_recipe
    from eyeline.systems.gaze_anticipation.train import Step, optimizers

    network.train()
    plan = read_recipe("ego4d_anticipation")
    optimizer, one = optimizers(plan, network)["main"], Step(plan)
    clip, audio = inputs(2, device)
    label = torch.softmax(torch.randn(2, 8, 64 * 64, device=device) * 4, -1)
    batch = {"clip": clip, "audio": audio, "heatmap": label.view(2, 8, 64, 64)}

    def once() -> None:
        optimizer.zero_grad()
        total = one(network, batch).total
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        waited(total, device)

    return once


def networks(device: str) -> tuple[Any, Any]:
    """The published way and ours, with the same tensors."""
    import torch

    from benchmarks.published.gaze_anticipation import published
    from eyeline.systems.gaze_anticipation.model import csts

    torch.manual_seed(0)
    ours = csts().eval().to(device)
    return published(ours), ours


def inputs(clips: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Synthetic frames and spectrograms."""
    import torch

    generator = torch.Generator().manual_seed(clips)
    clip, audio = (torch.randn(clips, n, 8, 256, 256, generator=generator) for n in (3, 1))
    return clip.to(device), audio.to(device)
