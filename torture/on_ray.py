"""Batches on Ray: the tables of the local engine, and workers that are killed."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from torture.command import command, eyeline
from torture.figures import Figure, skipped
from torture.kill import VIDEOS, copies, half_written, hashes, visible

KILLS = 2
_WORKER = "ray::attempt"


def trial(work: Path) -> Iterator[Figure]:
    """Compare them with a batch of one process."""
    if importlib.util.find_spec("ray") is None:
        yield skipped("batches on Ray", "ray is not installed (extra `ray`)")
        return
    videos = copies(work, VIDEOS)
    eyeline("analyze", videos, "-o", work / "local", "--no-video")
    reference = hashes(work / "local")
    yield _batch(videos, work / "undisturbed", reference, 0)
    yield _batch(videos, work / "killed", reference, KILLS)


def _batch(videos: Path, out: Path, reference: dict[str, str], kills: int) -> Figure:
    start, killed = time.monotonic(), 0
    line = command("analyze", videos, "-o", out, "--no-video", "--engine", "ray", "--jobs", "2")
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None and killed < kills:
        if len(visible(out)) >= killed and (workers := _workers()):
            time.sleep(1)
            os.kill(workers[0], signal.SIGKILL)
            killed += 1
        time.sleep(0.2)
    errors = process.communicate()[1].decode("utf-8", "replace")
    faults = half_written(out) + ([f"exit {process.returncode}"] if process.returncode else [])
    faults += [] if hashes(out) == reference else ["other bytes"]
    faults += ["traceback"] if "Traceback" in errors else []
    faults += [f"{killed} of {kills} kills"] if killed < kills else []
    outcome = "; ".join(faults) or "the same bytes"
    subject = f"{killed} workers killed"
    return Figure(subject, "the same bytes", outcome, not faults, time.monotonic() - start)


def _workers() -> list[int]:
    """Processes of ours that Ray runs a video in."""
    result = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            ours = path.stat().st_uid == os.geteuid() and path.read_bytes().startswith(
                _WORKER.encode()
            )
        except OSError:
            continue
        if ours:
            result.append(int(path.parent.name))
    return result
