"""Run all benchmarks, or those named: `python -m benchmarks [NAME ...]`."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from benchmarks import (
    analyze,
    discovery,
    ego_social,
    eye_contact,
    gaze_3d,
    gaze_anticipation,
    gaze_anticipation_streaming,
    gaze_following,
    gaze_following_detector,
    irises,
    memory,
    syncnet,
)

BENCHMARKS = {
    "analyze": analyze.run,
    "memory": memory.run,
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
}


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


def main() -> None:
    """Print one JSON object."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    print(
        json.dumps({"machine": machine()} | {name: BENCHMARKS[name]() for name in names}, indent=2)
    )


if __name__ == "__main__":
    main()
