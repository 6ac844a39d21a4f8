"""Builder `csts` against the published way in the same run: forward, training step, memory.

`python -m benchmarks.gaze_anticipation [--device cuda] [--threads 1] [--quick]`, or by name among
all benchmarks. Each pair of figures is measured in turns, so that a busy machine slows both; beside
the time on the clock stands that of the processor, which other work disturbs less.
"""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any, get_args

from benchmarks import command, gaze_anticipation_scores
from benchmarks.pairs import Work, median_ms, pair
from eyeline.processes import most_bytes

if TYPE_CHECKING:
    import torch

SPEC_MS = {"clip": 1810, "clips_4": 8400, "step": 11000}
"""What the published code took on two cores of another machine, milliseconds."""
SPEC_GB = 9.4
"""Its memory in a training step of two clips."""


def run(device: str = "cpu", *, threads: int = 2, quick: bool = False) -> dict[str, object]:
    """All figures; `ratio` is the published way's time over ours.

    Args:
        device: of the networks.
        threads: of torch, for both ways; with fewer free cores than threads all figures are off.
        quick: few repetitions.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    repeat = 2 if quick else 5
    try:
        found: dict[str, object] = {
            "command": "python -m benchmarks gaze_anticipation",
            "device": command.device_name(device), "torch": torch.__version__, "threads": threads,
            "clip": forward(device, 1, repeat), "clips_4": forward(device, 4, repeat),
            "bfloat16": reduced(device, repeat), "training_step": training(device, repeat),
        }  # fmt: skip
    finally:
        torch.set_num_threads(before)
    if device == "cpu":
        found["memory_of_a_step_gb"] = memory(threads)
        found["metric"] = gaze_anticipation_scores.scores(repeat=repeat)
    return found


def forward(device: str, clips: int, repeat: int) -> dict[str, object]:
    """Clips of eight frames with their sound."""
    import torch

    theirs, ours = networks(device)
    given = inputs(clips, device)

    def work(network: Any) -> Work:
        def once() -> None:
            with torch.no_grad():
                _waited(network(*given), device)

        return once

    spec = SPEC_MS["clip" if clips == 1 else "clips_4"]
    return pair(work(theirs), work(ours), repeat, spec_ms=spec)


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
            return _waited(network(*given), device)

    exact, near = (answered(fast).logits for fast in (False, True))
    apart = (heatmaps(near) - heatmaps(exact)).abs().sum((-2, -1)) / 2
    return pair(lambda: answered(False), lambda: answered(True), repeat) | {
        "logits_apart": round(float((near - exact).abs().max()), 4),
        "share_of_map_moved": round(float(apart.mean()), 4),
    }


def training(device: str, repeat: int) -> dict[str, object]:
    """One step on two clips: losses, gradients, clipping, AdamW; ours by each `recompute`."""
    from eyeline.systems.gaze_anticipation.model import economise

    theirs, ours = networks(device)
    repeat = max(2, repeat // 2)
    once = step(economise(ours), device)
    found = pair(step(theirs, device), once, repeat, spec_ms=SPEC_MS["step"])
    for recompute in ("none", "halving"):
        economise(ours, recompute)
        found[f"recompute_{recompute}_ms"] = median_ms(once, repeat)
    return found


def memory(threads: int) -> dict[str, float]:
    """Most memory of a process that makes two training steps; and that of the published code."""
    from eyeline.systems.gaze_anticipation.model import Recomputed

    context = multiprocessing.get_context("spawn")
    found = {"specification": SPEC_GB}
    for name in ("published", *get_args(Recomputed)):
        with context.Pool(1) as pool:
            found[name] = round(pool.apply(_peak_gb, (name, threads)), 2)
    return found


def _peak_gb(name: str, threads: int) -> float:
    import torch

    from eyeline.systems.gaze_anticipation.model import economise

    torch.set_num_threads(threads)
    theirs, ours = networks("cpu")
    once = step(theirs if name == "published" else economise(ours, name), "cpu")
    once()
    once()
    return most_bytes() / 2**30


def step(network: Any, device: str) -> Work:
    """A training step of two clips."""
    import torch

    from eyeline.systems.gaze_anticipation.recipe import read_recipe
    from eyeline.systems.gaze_anticipation.step import Step, optimizers

    network.train()
    plan = read_recipe("ego4d_anticipation")
    optimizer, one = optimizers(plan, network)["main"], Step(plan)
    clip, sound = inputs(2, device)
    label = torch.softmax(torch.randn(2, 8, 64 * 64, device=device) * 4, -1)
    batch = {"clip": clip, "sound": sound, "heatmap": label.view(2, 8, 64, 64)}

    def once() -> None:
        optimizer.zero_grad()
        total = one(network, batch).total
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        _waited(total, device)

    return once


def networks(device: str) -> tuple[Any, Any]:
    """The published way and ours, with the same tensors."""
    import torch

    from benchmarks.gaze_anticipation_published import published
    from eyeline.systems.gaze_anticipation.model import csts

    torch.manual_seed(0)
    ours = csts().eval().to(device)
    return published(ours), ours


def inputs(clips: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Made-up frames and spectrograms."""
    import torch

    generator = torch.Generator().manual_seed(clips)
    clip, sound = (torch.randn(clips, n, 8, 256, 256, generator=generator) for n in (3, 1))
    return clip.to(device), sound.to(device)


def _waited(value: Any, device: str) -> Any:
    """The value, once the device has it."""
    if device != "cpu":
        import torch

        torch.cuda.synchronize()
    return value


if __name__ == "__main__":
    command.main(run, __doc__)
