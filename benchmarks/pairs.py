"""Two ways of doing the same, measured in turns, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

Work = Callable[[], object]


def pair(
    theirs: Work, ours: Work, repeat: int, count: int = 1, *, spec_ms: float | None = None
) -> dict[str, object]:
    """Median milliseconds of both, measured in turns; of ours for each of some faces."""
    theirs(), ours()
    times = [(_measured(theirs), _measured(ours)) for _ in range(repeat)]
    found: dict[str, object] = {}
    for place, name in enumerate(("", "processor_")):
        mine = [b[place] / count for _, b in times]
        published = [a[place] for a, _ in times]
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


def median_ms(work: Work, repeat: int) -> float:
    """Median milliseconds on the clock."""
    work()
    return round(statistics.median(_measured(work)[0] for _ in range(repeat)), 2)
