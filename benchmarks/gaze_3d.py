"""Builder `gaze_from_afar` step by step, against the published way in the same run.

Each pair of figures is measured in turns, so that a busy machine slows both; beside the
time on the clock stands that of the processor, which other work disturbs less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.pairs import Work, inference, median_ms, pair, train_step

if TYPE_CHECKING:
    import torch

SPEC_MS = {"window": 260, "windows_4": 1960, "frame": 31, "step": 720}
"""What the published code took on two cores of another machine, milliseconds."""


def run(device: str = "cpu", *, quick: bool = False) -> dict[str, object]:
    """All figures; `ratio` is the published way's time over ours.

    Args:
        device: of the networks.
        quick: few repetitions.
    """
    repeat = 3 if quick else 9
    return {
        "window": forward(device, 1, repeat),
        "windows_4": forward(device, 4, repeat),
        "streamed_frame": streamed(device, repeat),
        "training_step": training(device, repeat),
        "split_of_a_frame_ms": split(device, repeat),
    }


def forward(device: str, windows: int, repeat: int) -> dict[str, object]:
    """Windows of seven frames from scratch."""
    given = _inputs(windows, device)
    theirs, plain, quick = (inference(net, device, *given) for net in _networks(device))
    spec = SPEC_MS["window" if windows == 1 else "windows_4"]
    result = pair(theirs, quick, repeat, spec_ms=spec)
    return result | {"unfused": pair(theirs, plain, repeat)}


def streamed(device: str, repeat: int) -> dict[str, object]:
    """A new frame of one person and of four; published: both branches, and a whole window."""
    theirs, _, quick = _networks(device)
    window = _inputs(1, device)
    frame = inference(theirs.see, device, *(v[0, :1] for v in window))
    whole, one, four = inference(theirs, device, *window), _stream(quick, 1), _stream(quick, 4)
    spec = SPEC_MS["frame"]
    return {
        "one_person": pair(frame, one, repeat, spec_ms=spec),
        "four_people_each": pair(frame, four, repeat, counts=(1, 4), spec_ms=spec),
        "against_a_window_each": pair(whole, one, repeat, spec_ms=SPEC_MS["window"]),
    }


def training(device: str, repeat: int) -> dict[str, object]:
    """One step of the direction loss on one window; memory of ours with what spares it."""
    import torch

    from eyeline.systems.gaze_3d.model import gaze_from_afar, set_gradient_checkpointing

    theirs, plain, _ = _networks(device)
    works = _step(theirs, 1, device), _step(plain, 1, device)
    result = pair(*works, max(3, repeat // 2), spec_ms=SPEC_MS["step"])
    spared: dict[str, dict[str, Any]] = {
        "plain": {},
        "gradient_checkpointing": {"gradient_checkpointing": True},
        "frozen_3_blocks": {"frozen_blocks": 3},
        "both": {"gradient_checkpointing": True, "frozen_blocks": 3},
    }
    memory: dict[str, object] = {}
    for name, options in spared.items():
        torch.manual_seed(0)
        network = set_gradient_checkpointing(gaze_from_afar(), **options).to(device)
        memory[name] = _economy(network, device, max(3, repeat // 3))
    # on a processor this costs accuracy: batch statistics are summed with less care
    last = gaze_from_afar().to(device, memory_format=torch.channels_last)
    memory["channels_last"] = _economy(last, device, max(3, repeat // 3))
    memory["published"] = _economy(theirs, device, max(3, repeat // 3))
    return result | {"memory": memory}


def split(device: str, repeat: int) -> dict[str, float]:
    """Milliseconds of each part of a streamed frame, ours."""
    import torch

    quick = _networks(device)[2]
    image, mask, motion = (v[0, :1] for v in _inputs(1, device))
    with torch.no_grad():
        shared = quick.stem(image)
        masked = shared * torch.nn.functional.avg_pool2d(mask, 2)
        window = quick.see(image, mask, motion).expand(1, 7, -1).contiguous()
        parts: dict[str, Work] = {"stem": lambda: quick.stem(image)}
        for name, maps in (("head", masked), ("body", shared)):
            parts |= _blocks(getattr(quick, f"{name}_branch"), name, maps)
        parts |= {
            "memory": lambda: quick.memory(window),
            "conclusion": lambda: quick.directions(window),
        }
        return {name: median_ms(work, repeat) for name, work in parts.items()}


def _blocks(branch: Any, name: str, maps: torch.Tensor) -> dict[str, Work]:
    """The blocks of a branch that share a size, and what is behind them."""
    import torch

    parts: dict[str, Work] = {}
    given = torch.nn.functional.silu(maps)
    for first, last in ((0, 0), (1, 2), (3, 4), (5, 10), (11, 15)):
        some = torch.nn.Sequential(*branch.blocks[first : last + 1])
        parts[f"{name}_blocks_{first}_{last}"] = lambda s=some, g=given: s(g)
        given = some(given)
    parts[f"{name}_top"] = lambda g=given: torch.nn.functional.silu(branch.top(g)).mean((2, 3))
    return parts


def _stream(network: Any, people: int) -> Work:
    """A new frame of each of several people, whose windows are full."""
    from eyeline.systems.gaze_3d.windows import View, WindowStream

    stream, image, mask, motion = WindowStream(network), *(v[0].numpy() for v in _inputs(1, "cpu"))
    frame = 0

    def once() -> None:
        nonlocal frame
        views = [View(who, frame, image[who], mask[who], motion[who]) for who in range(people)]
        stream.push(views)
        frame += 1

    for _ in range(network.frames):
        once()
    return once


def _step(network: Any, windows: int, device: str) -> Work:
    import torch

    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-4)
    given = _inputs(windows, device)
    label = torch.nn.functional.normalize(torch.ones(3, device=device), dim=0)

    def loss() -> Any:
        cosines = [(e.direction * label).sum(-1).clamp(-1, 1) for e in network(*given)]
        return sum((1 - cosine).mean() for cosine in cosines) / 3

    return train_step(network, optimizer, loss, device)


def _economy(network: Any, device: str, repeat: int) -> dict[str, float]:
    """Time of a step, and what it holds for the gradient of one window more."""
    import torch

    step = _step(network, 1, device)
    result = {"ms": median_ms(step, repeat)}
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        peak = torch.cuda.max_memory_allocated() - before
        return result | {"peak_mib": round(peak / 2**20)}
    return result | {"held_mib": round(_held(network) / 2**20)}


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

    from benchmarks.published.gaze_3d import published
    from eyeline.systems.gaze_3d.model import gaze_from_afar
    from eyeline.training.fused import fused

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
