"""Both networks of `ego_social`, their data and their metric, against the published way.

Each pair of figures is measured in turns, so that a busy machine slows both; beside the
time on the clock stands that of the processor, which other work disturbs less.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import ego_social_data
from benchmarks.ego_social_data import QUICK, Sizes
from benchmarks.pairs import Work, inference, median_ms, pair, train_step, waited

if TYPE_CHECKING:
    import torch

    from eyeline.results import Image

SPEC_MS = {
    "window": 105,
    "windows_8": 1170,
    "lam_step": 2770,
    "talk": 587,
    "ttm_step": 3090,
}
"""What the published code took on two cores of another machine, milliseconds."""


def run(
    device: str = "cpu", *, quick: bool = False, sizes: Sizes | None = None
) -> dict[str, object]:
    """All figures; `ratio` is the published way's time over ours.

    Args:
        device: of the networks.
        quick: few repetitions and rows.
        sizes: how much, instead.
    """
    sizes = sizes or (QUICK if quick else Sizes())
    return {
        "window": forward(device, 1, sizes),
        "windows_8": forward(device, 8, sizes),
        "streamed_frame": streamed(device, sizes),
        "talk_31_frames": talk(device, sizes),
        "training_step": training(device, sizes),
        "data": ego_social_data.data(sizes),
        "metric": ego_social_data.metric(sizes),
    }


def forward(device: str, windows: int, sizes: Sizes) -> dict[str, object]:
    """Windows of seven frames from scratch."""
    theirs, ours, quick = _looking(device, sizes)
    clip = _frames(windows * 7, windows).to(device)
    spec = SPEC_MS["window" if windows == 1 else "windows_8"]
    works = [inference(network, device, clip) for network in (theirs, ours, quick)]
    unfused = pair(works[0], works[1], sizes.repeat)
    return pair(works[0], works[2], sizes.repeat, spec_ms=spec) | {"unfused": unfused}


def streamed(device: str, sizes: Sizes) -> dict[str, object]:
    """A new frame of one face and of four; published: a whole window for each."""
    theirs, _, quick = _looking(device, sizes)
    window = inference(theirs, device, _frames(7)[None].to(device))
    spec = SPEC_MS["window"]
    return {
        "one_face": pair(window, _stream(quick, 1), sizes.repeat, spec_ms=spec),
        "four_faces_each": pair(
            window, _stream(quick, 4), sizes.repeat, counts=(1, 4), spec_ms=spec
        ),
        "network_alone_ms": _split(quick, device, sizes.repeat),
    }


def talk(device: str, sizes: Sizes) -> dict[str, object]:
    """A stretch of 31 frames with one second of audio; and what its voice alone takes."""
    theirs, _, quick = _talking(device, sizes)
    given = _frames(31)[None].to(device), _audio(1).to(device)
    works = inference(theirs, device, *given), inference(quick, device, *given)
    result = pair(*works, sizes.repeat, spec_ms=SPEC_MS["talk"])
    voice = median_ms(inference(quick.hear, device, given[1]), sizes.repeat)
    return result | {"voice_alone_ms": voice}


def training(device: str, sizes: Sizes) -> dict[str, object]:
    """A step of eight windows, and one of two stretches of 30 frames."""
    import torch

    from benchmarks.published import ego_social as published
    from eyeline.systems.ego_social.recipe import read_recipe
    from eyeline.systems.ego_social.step import Step, optimizers

    repeat = max(1, sizes.repeat // 2)
    clip, label = _frames(56, 8).to(device), torch.arange(8) % 2
    both, short = _frames(60, 2).to(device), torch.arange(2)
    audio = _audio(2).to(device)
    label, short = label.to(device), short.to(device)
    result: dict[str, object] = {}
    for name, networks, given in (
        ("lam", _looking(device, sizes), {"clip": clip, "label": label}),
        ("ttm", _talking(device, sizes), {"clip": both, "audio": audio, "label": short}),
    ):
        plan = read_recipe(name)
        theirs = partial(published.step(networks[0], plan.class_weights), *given.values())
        step, network = Step(plan), networks[1]
        ours = train_step(
            network,
            optimizers(plan, network)["main"],
            lambda s=step, n=network, g=given: s(n, g).total,  # type: ignore[misc]
            device,
        )
        result[name] = pair(theirs, ours, repeat, spec_ms=SPEC_MS[f"{name}_step"])
    return result


def _looking(device: str, sizes: Sizes) -> tuple[Any, Any, Any]:
    """The published way, ours, and ours for inference, with the same weights."""
    from eyeline.systems.ego_social.model import lam_lstm

    return _three(lam_lstm, device, sizes.networks())


def _talking(device: str, sizes: Sizes) -> tuple[Any, Any, Any]:
    from eyeline.systems.ego_social.ttm_model import ttm

    return _three(ttm, device, {**sizes.networks(), "voice_width": sizes.voice_width})


def _three(builder: Callable[..., Any], device: str, arguments: Any) -> tuple[Any, Any, Any]:
    import torch

    from benchmarks.published.ego_social import published
    from eyeline.training.fused import fused

    torch.manual_seed(0)
    ours = builder(**arguments).eval()
    return published(ours).to(device), ours.to(device), fused(ours).to(device)


def _stream(network: Any, faces: int) -> Work:
    """A new frame of each of several faces, whose windows are full."""
    from eyeline.systems.ego_social.from_video.faces import View
    from eyeline.systems.ego_social.streaming_looks import LookingStream

    stream, crops, frame = LookingStream(network), _crops(faces), 0

    def once() -> None:
        nonlocal frame
        stream.push([View(who, frame, crops[who]) for who in range(faces)])
        frame += 1

    for _ in range(network.frames):
        once()
    return once


def _split(network: Any, device: str, repeat: int) -> dict[str, float]:
    """Milliseconds of each part of a streamed frame."""
    import torch

    from eyeline.systems.ego_social.inputs import normalise

    crop, frame = _crops(1), _frames(1).to(device)
    features = torch.randn(1, network.frames, 256, device=device)
    return {
        "normalise": median_ms(lambda: waited(normalise(crop, device), device), repeat),
        "encoder": median_ms(inference(network.see, device, frame), repeat),
        "memory_and_head": median_ms(inference(network.conclude, device, features), repeat),
    }


def _crops(count: int) -> Image:
    coarse = np.random.default_rng(0).integers(0, 256, (count, 14, 14, 3), dtype=np.uint8)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


def _frames(count: int, clips: int | None = None) -> torch.Tensor:
    """Images `(count, 3, 224, 224)`, or as many in clips."""
    from eyeline.systems.ego_social.inputs import normalise

    frames = normalise(_crops(count))
    return frames if clips is None else frames.reshape(clips, -1, *frames.shape[1:])


def _audio(count: int) -> torch.Tensor:
    import torch

    return 0.1 * torch.randn(count, 16_000, generator=torch.Generator().manual_seed(0))
