"""The same video under other circumstances: how far the numbers of its tables differ."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.export.files import TABLES
from eyeline.export.tables import read_table
from torture.command import SAMPLE, eyeline
from torture.figures import Figure
from torture.kernels import KERNELS

FRACTION = 1e-6
"""Of the largest value of a column: what other kernels may change."""
SAME, CLOSE = "the same bytes", f"no value off by more than {FRACTION:g} of its column's largest"
THREADS = {"again": "1", "2 threads": "2", "8 threads": "8"}


def trial(work: Path) -> Iterator[Figure]:
    """Compare tables with those of one thread of this processor."""
    videos = [Path(shutil.copy(SAMPLE, work / name)) for name in ("sample.mp4", "other.mp4")]
    first = work / "first/sample"
    _analyzed("", SAME, first, videos[:1])
    for name, count in THREADS.items():
        out = work / name / "sample"
        yield _analyzed(name, SAME, out, videos[:1], first, {"OMP_NUM_THREADS": count})
    yield _analyzed("two processes", SAME, work / "two/sample", [*videos, "--jobs", "2"], first)
    for name, settings in KERNELS.items():
        expected = CLOSE if "ATEN_CPU_CAPABILITY" in settings else SAME
        yield _analyzed(name, expected, work / name / "sample", videos[:1], first, settings)


def _analyzed(
    subject: str,
    expected: str,
    out: Path,
    arguments: list[Any],
    first: Path | None = None,
    settings: dict[str, str] | Any = None,
) -> Figure:
    ended = eyeline("analyze", *arguments, "-o", out.parent, settings=settings)
    if ended.code != 0:
        return Figure(subject, expected, f"code {ended.code}: {ended.err}", False, ended.seconds)
    result = {name: difference(first or out, out, name) for name in TABLES}
    outcome = ", ".join(f"{name} {by:.1e}" for name, by in result.items() if by != 0) or SAME
    holds = max(result.values()) <= (0 if expected == SAME else FRACTION)
    return Figure(subject, expected, outcome, holds, ended.seconds)


def difference(first: Path, other: Path, name: str) -> float:
    """Greatest difference of a table's columns, each by its largest value.

    Returns:
        0 for the same bytes in Parquet and CSV, infinity for other rows, labels or missing values.
    """
    if all(_same_bytes(first / file, other / file) for file in (f"{name}.parquet", f"{name}.csv")):
        return 0.0
    ours, theirs = read_table(first, name), read_table(other, name)
    if ours.num_rows != theirs.num_rows:
        return np.inf
    columns = zip(ours.columns, theirs.columns, strict=True)
    return max(_off(a, b) for a, b in columns)


def _same_bytes(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def _off(ours: Any, theirs: Any) -> float:
    if str(ours.type) != "double":
        return 0.0 if ours.equals(theirs) else np.inf
    a, b = ours.to_numpy(), theirs.to_numpy()
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    scale = np.nanmax(np.abs(a), initial=0.0)
    off = float(np.nanmax(np.abs(a - b), initial=0.0))
    return off / scale if scale else off
