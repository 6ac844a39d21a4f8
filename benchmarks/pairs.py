"""Two ways of doing the same, measured in turns, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[], object]


def pair(
    theirs: Work,
    ours: Work,
    repeat: int,
    *,
    counts: tuple[int, int] = (1, 1),
    spec_ms: float | None = None,
) -> dict[str, object]:
    """Median milliseconds of both, measured in turns, and their ratio.

    Args:
        theirs: the published way.
        ours: our way.
        repeat: times that each is measured.
        counts: how many faces, windows or people each of them takes at once; figures are of one.
        spec_ms: what the specification says the published code took.
    """
    theirs(), ours()
    times = [(_measured(theirs), _measured(ours)) for _ in range(repeat)]
    result: dict[str, object] = {}
    for place, name in enumerate(("", "processor_")):
        mine = [b[place] / counts[1] for _, b in times]
        published = [a[place] / counts[0] for a, _ in times]
        result[f"{name}ms"] = round(statistics.median(mine), 3)
        result[f"published_{name}ms"] = round(statistics.median(published), 3)
        ratios = [a / b for a, b in zip(published, mine, strict=True)]
        result[f"{name}ratio"] = round(statistics.median(ratios), 2)
    return result | ({"specification_ms": spec_ms} if spec_ms else {})


def _measured(work: Work) -> tuple[float, float]:
    """Milliseconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return 1e3 * (time.perf_counter() - clock), 1e3 * (time.process_time() - processor)


def median_ms(work: Work, repeat: int) -> float:
    """Median milliseconds on the clock."""
    work()
    return round(statistics.median(_measured(work)[0] for _ in range(repeat)), 2)


def waited(value: Any, device: str) -> Any:
    """The value, once the device has it."""
    if device != "cpu":
        import torch

        torch.cuda.synchronize()
    return value


def inference(network: Any, device: str, *given: Any) -> Work:
    """The outputs of a network for some inputs."""
    import torch

    def once() -> Any:
        with torch.inference_mode():
            return waited(network(*given), device)

    return once


def train_step(network: Any, optimizer: Any, loss: Callable[[], Any], device: str) -> Work:
    """A step of an optimizer; gives the loss before it."""
    network.train()

    def once() -> Any:
        optimizer.zero_grad()
        total = loss()
        total.backward()
        optimizer.step()
        return waited(total, device)

    return once
