"""Run all benchmarks, or those named, and print one JSON object.

`python -m benchmarks [NAME ...] [--device cuda] [--threads 1] [--quick]`. With fewer free cores
than threads all figures are off.
"""

from __future__ import annotations

import argparse
import inspect
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import (
    analyze,
    corpus,
    discovery,
    ego_social,
    eye_contact,
    gaze_3d,
    gaze_anticipation,
    gaze_anticipation_streaming,
    gaze_following,
    gaze_following_detector,
    gpu,
    irises,
    live,
    memory,
    runtimes,
    summary,
    syncnet,
    trainings,
    view,
)

BENCHMARKS = {
    "analyze": analyze.run,
    "memory": memory.run,
    "summary": summary.run,
    "corpus": corpus.run,
    "view": view.run,
    "runtimes": runtimes.run,
    "live": live.run,
    "eye_contact": eye_contact.run,
    "discovery": discovery.run,
    "irises": irises.run,
    "gaze_3d": gaze_3d.run,
    "ego_social": ego_social.run,
    "syncnet": syncnet.run,
    "gaze_following": gaze_following.run,
    "gaze_following_detector": gaze_following_detector.run,
    "gaze_anticipation": gaze_anticipation.run,
    "gaze_anticipation_streaming": gaze_anticipation_streaming.run,
    "trainings": trainings.run,
    "gpu": gpu.run,
}
ON_A_GPU = "gpu"
"""Not among all, as it repeats `trainings`."""


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    import os

    return {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0].partition(":")[2].strip() if names else platform.machine()


def measured(name: str, given: dict[str, Any]) -> dict[str, object]:
    """The figures of a benchmark, by those of the options that it takes, and what it was given."""
    import cv2
    import torch

    from eyeline.training.devices import on_threads

    run: Callable[..., dict[str, object]] = BENCHMARKS[name]
    options = {k: v for k, v in given.items() if k in inspect.signature(run).parameters}
    device, threads = given["device"], given["threads"]
    on_device = device if device == "cpu" else torch.cuda.get_device_name(device)
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        with on_threads(threads):
            return {
                "command": f"python -m benchmarks {name}",
                "device": on_device if "device" in options else "cpu",
                "torch": torch.__version__,
                "threads": threads,
            } | run(**options)
    finally:
        cv2.setNumThreads(before)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller inputs")
    parser.add_argument("--videos", type=int, default=corpus.VIDEOS, help="of corpus")
    parser.add_argument("--lean", action="store_true", help="corpus: index and tables alone")
    given = vars(parser.parse_args())
    names = given.pop("names") or [name for name in BENCHMARKS if name != ON_A_GPU]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if ON_A_GPU in names and given["device"] == "cpu" and not given["quick"]:
        parser.error("gpu takes --device cuda; with --quick it only shows that it runs")
    figures = {name: measured(name, given) for name in names}
    print(json.dumps({"machine": machine()} | figures, indent=2))


if __name__ == "__main__":
    main()
