"""SyncNet over the faces of a minute, against the published way in the same run.

`python -m benchmarks syncnet`. The published way cuts
overlapping clips out of a face's frames, copies twenty of them into a batch, and encodes the audio
anew for each face. Both ways are measured in turns; the time is that of the processor on a CPU,
which other work disturbs less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from eyeline.speech.syncnet.model import SyncNet

SPEC_MS = {"lips": 78.0, "sound": 14.5}
"""What the published code took a clip and a window on two cores of another machine, at best."""
MINUTE = 60 * 25
"""Ticks of which the figures tell; fewer are measured."""


def run(device: str = "cpu", *, threads: int = 2, quick: bool = False) -> dict[str, object]:
    """Seconds for a minute of video; `ratio` is the published way's time over ours.

    Args:
        device: of the network.
        threads: of torch, for both ways.
        quick: few ticks, measured once.
    """
    from eyeline.speech.syncnet.model import syncnet
    from eyeline.training.devices import for_answers

    net = syncnet().eval().to(device)
    ticks, repeat = (40, 1) if quick else (200, 3)
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (ticks + 4, 224, 224, 3), np.uint8)
    rows = (10 * rng.standard_normal((4 * ticks + 16, 13))).astype(np.float32)
    result: dict[str, object] = {"spec_ms": SPEC_MS}
    with for_answers(threads):
        for people in (1, 4):
            result[f"faces_{people}"] = _compared(net, device, faces, rows, people, repeat)
        result["difference"] = _difference(net, device, faces[:24], rows[:96])
    return result


def published(net: SyncNet, device: str, faces: Any, rows: Any) -> tuple[Any, Any]:
    """Features of one face and of its audio, clip by clip."""
    import torch

    frames = np.ascontiguousarray(faces.transpose(3, 0, 1, 2)[None]).astype(np.float32)
    film = torch.from_numpy(frames)
    heard = torch.from_numpy(np.ascontiguousarray(rows.T[None, None]))
    lips, audio = [], []
    count = len(faces) - 4
    for start in range(0, count, 20):
        at = range(start, min(count, start + 20))
        lips.append(net.lips(torch.cat([film[:, :, i : i + 5] for i in at]).to(device)).cpu())
        windows = torch.cat([heard[..., 4 * i : 4 * i + 20] for i in at])
        audio.append(net.sound(windows.to(device)).cpu())
    return torch.cat(lips).numpy(), torch.cat(audio).numpy()


def _compared(
    net: SyncNet, device: str, faces: Any, rows: Any, people: int, repeat: int
) -> dict[str, object]:
    from eyeline.speech.syncnet.features import OverTime

    def ours(precision: Any, every: int) -> Callable[[], object]:
        quick = OverTime(net, precision=precision, device=device)

        def work() -> object:
            seen = [quick.lips(faces, every=every) for _ in range(people)]
            return seen, quick.sound(rows)

        return work

    ways: dict[str, Callable[[], object]] = {
        "published": lambda: [published(net, device, faces, rows) for _ in range(people)],
        "ours": ours("float32", 1),
        "every_second_clip": ours("float32", 2),
        "bfloat16": ours("bfloat16", 1),
        "bfloat16_every_second_clip": ours("bfloat16", 2),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeat):
        for name, work in ways.items():
            best[name] = min(best[name], _seconds(work, device))
    scale = MINUTE / (len(faces) - 4)
    return {
        name: {"s_a_minute": round(s * scale, 2), "ratio": round(best["published"] / s, 2)}
        for name, s in best.items()
    }


def _difference(net: SyncNet, device: str, faces: Any, rows: Any) -> dict[str, object]:
    """Greatest difference from the published features, over the greatest of these."""
    from eyeline.speech.syncnet.features import OverTime, Precision

    lips, audio = published(net, device, faces, rows)
    result: dict[str, object] = {}
    kinds: tuple[Precision, ...] = ("float32", "bfloat16")
    for precision in kinds:
        quick = OverTime(net, precision=precision, device=device)
        result[precision] = {
            "lips": float(np.abs(quick.lips(faces) - lips).max() / np.abs(lips).max()),
            "sound": float(np.abs(quick.sound(rows) - audio).max() / np.abs(audio).max()),
        }
    return result


def _seconds(work: Callable[[], object], device: str) -> float:
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    work()
    return clock() - start
