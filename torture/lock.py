"""The lock of a result's folder: several processes take it and give it back as fast as they can."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eyeline.files import locked
from torture.figures import Figure

PROCESSES, SECONDS = 4, 10.0


def trial(work: Path) -> Iterator[Figure]:
    """Count how often the lock had two holders."""
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    arguments = (work, SECONDS, results)
    beside = [context.Process(target=_hold, args=arguments) for _ in range(PROCESSES)]
    start = time.monotonic()
    for process in beside:
        process.start()
    counts = sum((results.get() for _ in beside), Counter())
    for process in beside:
        process.join()
    outcome = ", ".join(f"{word} {counts[word]} times" for word in ("held", "shared", "broken"))
    holds = counts["held"] > 0 and not counts["shared"] and not counts["broken"]
    yield Figure(f"{PROCESSES} processes", "never shared", outcome, holds, time.monotonic() - start)


def _hold(folder: Path, seconds: float, results: Any) -> None:
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with locked(folder / "work/x.lock", tidy=True) as ours:
                counts[_alone(folder / "held") if ours else "refused"] += 1
        except OSError:
            counts["broken"] += 1
    results.put(counts)


def _alone(mark: Path) -> str:
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "shared"
    mark.unlink()
    return "held"
