"""The command line of eyeline as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 900
SAMPLE = Path(__file__).parents[1] / "eyeline/sample/sample.mp4"


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int | None
    """None where it was stopped at the time limit."""
    out: str
    err: str
    seconds: float


def eyeline(
    *arguments: str | Path, settings: Mapping[str, str] | None = None, limit_s: float = LIMIT_S
) -> Ended:
    """Run a command, for example `eyeline("analyze", video, "-o", folder)`.

    Args:
        arguments: those of the command line.
        settings: variables of the environment; one thread a process if they do not say otherwise.
        limit_s: the process is killed after this time.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | dict(settings or {})
    command = [sys.executable, "-m", "eyeline.cli", *map(os.fspath, arguments)]
    start = time.monotonic()
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=limit_s, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return Ended(None, "", "", time.monotonic() - start)
    out, err = (text.decode("utf-8", "backslashreplace") for text in (done.stdout, done.stderr))
    return Ended(done.returncode, out, err, time.monotonic() - start)
