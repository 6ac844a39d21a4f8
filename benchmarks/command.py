"""The command line of benchmarks that take a device."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable


def device_name(device: str) -> str:
    """What a device is called in the results."""
    import torch

    return torch.cuda.get_device_name(device) if device != "cpu" else "cpu"


def main(run: Callable[..., dict[str, object]], description: str | None) -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    print(json.dumps(run(given.device, threads=given.threads, quick=given.quick), indent=2))
