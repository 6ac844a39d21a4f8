"""Builder `gaze_from_afar` step by step, against the published way in the same run.

`python -m benchmarks.gaze_3d [--device cuda] [--threads 1] [--quick]`, or by name among all
benchmarks. Each pair of figures is measured in turns, so that a busy machine slows both; beside the
time on the clock stands that of the processor, which other work disturbs less.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks import command

if TYPE_CHECKING:
    import torch

SPEC_MS = {"window": 260, "windows_4": 1960, "frame": 31, "step": 720}
"""What the published code took on two cores of another machine, milliseconds."""

Work = Callable[[], object]


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
    repeat = 3 if quick else 9
    try:
        return {
            "command": "python -m benchmarks gaze_3d", "device": command.device_name(device),
            "torch": torch.__version__, "threads": threads,
            "window": forward(device, 1, repeat), "windows_4": forward(device, 4, repeat),
            "streamed_frame": streamed(device, repeat),
            "training_step": training(device, repeat),
            "split_of_a_frame_ms": split(device, repeat),
        }  # fmt: skip
    finally:
        torch.set_num_threads(before)


def forward(device: str, windows: int, repeat: int) -> dict[str, object]:
    """Windows of seven frames from scratch."""
    import torch

    theirs, plain, quick = _networks(device)
    given = _inputs(windows, device)

    def work(network: Any) -> Work:
        def once() -> None:
            with torch.no_grad():
                _waited(network(*given), device)

        return once

    spec = SPEC_MS["window" if windows == 1 else "windows_4"]
    found = _pair(work(theirs), work(quick), repeat, (1, 1), spec)
    unfused = _pair(work(theirs), work(plain), repeat, (1, 1), None)
    return found | {"unfused": unfused}


def streamed(device: str, repeat: int) -> dict[str, object]:
    """A new frame of one person and of four; published: both branches, and a whole window."""
    import torch

    theirs, _, quick = _networks(device)
    one, window = [v[0, :1] for v in _inputs(1, device)], _inputs(1, device)

    def frame() -> None:
        with torch.no_grad():
            _waited(theirs.see(*one), device)

    def whole() -> None:
        with torch.no_grad():
            _waited(theirs(*window), device)

    return {
        "one_person": _pair(frame, _stream(quick, 1), repeat, (1, 1), SPEC_MS["frame"]),
        "four_people_each": _pair(frame, _stream(quick, 4), repeat, (1, 4), SPEC_MS["frame"]),
        "against_a_window_each": _pair(whole, _stream(quick, 1), repeat, (1, 1), SPEC_MS["window"]),
    }


def training(device: str, repeat: int) -> dict[str, object]:
    """One step of the direction loss on one window; memory of ours with what spares it."""
    import torch

    from eyeline.systems.gaze_3d.model import economise, gaze_from_afar

    theirs, plain, _ = _networks(device)
    found = _pair(
        _step(theirs, 1, device), _step(plain, 1, device), max(3, repeat // 2), (1, 1),
        SPEC_MS["step"],
    )  # fmt: skip
    spared: dict[str, dict[str, Any]] = {
        "plain": {}, "recompute": {"recompute": True}, "frozen_3_blocks": {"frozen_blocks": 3},
        "both": {"recompute": True, "frozen_blocks": 3},
    }  # fmt: skip
    memory: dict[str, object] = {}
    for name, options in spared.items():
        torch.manual_seed(0)
        network = economise(gaze_from_afar(), **options).to(device)
        memory[name] = _economy(network, device, max(3, repeat // 3))
    # on a processor this costs accuracy: batch statistics are summed with less care
    last = gaze_from_afar().to(device, memory_format=torch.channels_last)
    memory["channels_last"] = _economy(last, device, max(3, repeat // 3))
    memory["published"] = _economy(theirs, device, max(3, repeat // 3))
    return found | {"memory": memory}


def split(device: str, repeat: int) -> dict[str, float]:
    """Milliseconds of each part of a streamed frame, ours."""
    import torch

    from eyeline.systems.gaze_3d.windows import project, remember

    quick = _networks(device)[2]
    image, mask, motion = (v[0, :1] for v in _inputs(1, device))
    with torch.no_grad():
        shared = quick.stem(image)
        masked = shared * torch.nn.functional.avg_pool2d(mask, 2)
        features = quick.see(image, mask, motion)
        projected = project(quick, features).expand(1, 7, -1).contiguous()
        parts: dict[str, Work] = {"stem": lambda: quick.stem(image)}
        for name, maps in (("head", masked), ("body", shared)):
            parts |= _blocks(getattr(quick, f"{name}_branch"), name, maps)
        parts |= {
            "memory_input": lambda: project(quick, features),
            "memory": lambda: remember(quick, projected),
            "conclusion": lambda: quick.conclude(remember(quick, projected)),
        }
        return {name: _median_ms(work, repeat, device) for name, work in parts.items()}


def _blocks(branch: Any, name: str, maps: torch.Tensor) -> dict[str, Work]:
    """The blocks of a branch that share a size, and what is behind them."""
    import torch

    parts: dict[str, Work] = {}
    given = torch.nn.functional.silu(maps)
    for first, last in ((0, 0), (1, 2), (3, 4), (5, 10), (11, 15)):
        some = branch.blocks[first : last + 1]
        parts[f"{name}_blocks_{first}_{last}"] = lambda s=some, g=given: s(g)
        given = some(given)
    parts[f"{name}_top"] = lambda g=given: branch.top(g).mean((2, 3))
    return parts


def _stream(network: Any, people: int) -> Work:
    """A new frame of each of several people, whose windows are full."""
    from eyeline.systems.gaze_3d.windows import View, WindowStream

    stream, image, mask, motion = WindowStream(network), *(v[0] for v in _inputs(1, "cpu"))
    frame = 0

    def once() -> None:
        nonlocal frame
        views = [View(who, frame, image[who], mask[who], motion[who]) for who in range(people)]
        for window in stream.push(views):
            window.directions.gaze.direction.cpu()
        frame += 1

    for _ in range(network.frames):
        once()
    return once


def _step(network: Any, windows: int, device: str) -> Work:
    import torch

    network.train()
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-4)
    given = _inputs(windows, device)
    label = torch.nn.functional.normalize(torch.ones(3, device=device), dim=0)

    def once() -> None:
        optimizer.zero_grad()
        estimates = network(*given)
        loss = sum((1 - (e.direction * label).sum(-1).clamp(-1, 1)).mean() for e in estimates) / 3
        loss.backward()
        optimizer.step()
        _waited(loss, device)

    return once


def _economy(network: Any, device: str, repeat: int) -> dict[str, float]:
    """Time of a step, and what it holds for the gradient of one window more."""
    import torch

    step = _step(network, 1, device)
    found = {"ms": _median_ms(step, repeat, device)}
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        peak = torch.cuda.max_memory_allocated() - before
        return found | {"peak_mib": round(peak / 2**20)}
    return found | {"held_mib": round(_held(network) / 2**20)}


def _held(network: Any) -> int:
    """Bytes that a forward pass of one window keeps for its gradient, parameters not counted."""
    import torch

    own = {p.untyped_storage().data_ptr() for p in network.parameters()}
    held: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        estimates = network.train()(*_inputs(1, "cpu"))
    size = sum(held.values())
    del estimates
    return size


def _networks(device: str) -> tuple[Any, Any, Any]:
    """The published way, ours, and ours for inference, with the same weights."""
    import torch

    from benchmarks.gaze_3d_published import published
    from eyeline.systems.gaze_3d.fused import fused
    from eyeline.systems.gaze_3d.model import gaze_from_afar

    torch.manual_seed(0)
    ours = gaze_from_afar().eval()
    theirs, quick = published(ours).eval(), fused(ours)
    return theirs.to(device), ours.to(device), quick.to(device)


def _inputs(windows: int, device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    import torch

    generator = torch.Generator().manual_seed(windows)
    clip = torch.randn(windows, 7, 3, 256, 192, generator=generator)
    mask = torch.zeros(windows, 7, 1, 256, 192)
    mask[..., 20:70, 60:110] = 1
    motion = 0.1 * torch.randn(windows, 7, 2, generator=generator)
    return clip.to(device), mask.to(device), motion.to(device)


def _pair(
    theirs: Work, ours: Work, repeat: int, counts: tuple[int, int], spec_ms: float | None
) -> dict[str, object]:
    """Median milliseconds of both, measured in turns, for each of some windows or people."""
    theirs(), ours()
    times = [(_measured(theirs), _measured(ours)) for _ in range(repeat)]
    found: dict[str, object] = {}
    for place, name in enumerate(("", "processor_")):
        mine = [b[place] / counts[1] for _, b in times]
        published = [a[place] / counts[0] for a, _ in times]
        found[f"{name}ms"] = round(statistics.median(mine), 2)
        found[f"published_{name}ms"] = round(statistics.median(published), 2)
        ratios = [a / b for a, b in zip(published, mine, strict=True)]
        found[f"{name}ratio"] = round(statistics.median(ratios), 2)
    return found | ({"specification_ms": spec_ms} if spec_ms else {})


def _measured(work: Work) -> tuple[float, float]:
    """Milliseconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return 1e3 * (time.perf_counter() - clock), 1e3 * (time.process_time() - processor)


def _median_ms(work: Work, repeat: int, device: str) -> float:
    work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        _waited(work(), device)
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times), 2)


def _waited(value: Any, device: str) -> Any:
    """The value, once the device has it."""
    if device != "cpu":
        import torch

        torch.cuda.synchronize()
    return value


if __name__ == "__main__":
    command.main(run, __doc__)
