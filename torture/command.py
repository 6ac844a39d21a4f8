"""The command line of eyeline as a process of its own."""

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

LIMIT_S = 900
SAMPLE = Path(__file__).parents[1] / "eyeline/sample/sample.mp4"
_LIBRARIES = (
    "av", "cv2", "dlib", "numpy", "onnxruntime", "PIL", "pyarrow.csv", "pyarrow.parquet",
    "pydantic", "safetensors.torch", "scipy", "torch", "yaml", "eyeline.analysis", "eyeline.cli",
    "eyeline.engines", "eyeline.export.report", "eyeline.jobs", "eyeline.people.find",
    "eyeline.speech.voice", "eyeline.video.reader",
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int | None
    """None where it was stopped at the time limit."""
    out: str
    err: str
    seconds: float
    more_mb: float = 0
    """Memory that it took beyond what it began with; of `forked` alone, 0 where it was killed."""

    @property
    def last(self) -> str:
        """The last line that it wrote."""
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else ""


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables for a process: one thread if the settings do not say otherwise."""
    return os.environ | {"OMP_NUM_THREADS": "1"} | dict(settings or {})


def command(*arguments: str | Path) -> list[str]:
    """The command line with these arguments."""
    return [sys.executable, "-m", "eyeline", *map(os.fspath, arguments)]


def eyeline(
    *arguments: str | Path, settings: Mapping[str, str] | None = None, limit_s: float = LIMIT_S
) -> Ended:
    """Run a command, for example `eyeline("analyze", video, "-o", folder)`.

    Args:
        arguments: those of the command line.
        settings: variables of the environment; one thread a process if they do not say otherwise.
        limit_s: the process is killed after this time.
    """
    start = time.monotonic()
    try:
        done = subprocess.run(
            command(*arguments),
            env=environment(settings),
            capture_output=True,
            timeout=limit_s,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Ended(None, "", "", time.monotonic() - start)
    out, err = (text.decode("utf-8", "backslashreplace") for text in (done.stdout, done.stderr))
    return Ended(done.returncode, out, err, time.monotonic() - start)


def forked(
    *arguments: str | Path,
    cwd: Path | None = None,
    memory_gb: float | None = None,
    file_kb: int | None = None,
    limit_s: float = LIMIT_S,
) -> Ended:
    """The same in a fork of a process that has imported everything, for hundreds of commands.

    Args:
        arguments: those of the command line.
        cwd: the folder it runs in.
        memory_gb: address space that it may take.
        file_kb: size of the largest file that it may write.
        limit_s: the process is killed after this time.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        log = Path(name)
        limits = {resource.RLIMIT_AS: memory_gb and int(memory_gb * 2**30)}
        limits[resource.RLIMIT_FSIZE] = file_kb and file_kb * 1024
        given = {kind: size for kind, size in limits.items() if size}
        words = list(map(os.fspath, arguments))
        process = _context().Process(target=_main, args=(words, log, cwd, given))
        process.start()
        process.join(limit_s)
        if (code := process.exitcode) is None:
            process.kill()
            process.join()
        if not (log / "more").exists():
            raise RuntimeError(f"no process could begin for {words}")
        out, err, more = (_text(log / kind) for kind in ("out", "err", "more"))
        return Ended(code, out, err, time.monotonic() - start, float(more or 0))


@cache
def _context() -> ForkServerContext:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LIBRARIES))
    return context


def _text(path: Path) -> str:
    return path.read_text("utf-8", "backslashreplace") if path.exists() else ""


def _main(arguments: list[str], log: Path, cwd: Path | None, limits: dict[int, int]) -> None:
    from eyeline.cli import main
    from eyeline.processes import most_bytes

    _write_into(log)
    os.chdir(cwd or Path.cwd())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["eyeline", *arguments]
    report = (log / "more").open("w")
    before = most_bytes()
    for kind, size in limits.items():
        resource.setrlimit(kind, (size, size))
    try:
        main()
    finally:
        report.write(str((most_bytes() - before) / 2**20))
        report.close()


def _write_into(log: Path) -> None:
    for number, kind in ((1, "out"), (2, "err")):
        os.dup2(os.open(log / kind, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), line_buffering=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), line_buffering=True)
