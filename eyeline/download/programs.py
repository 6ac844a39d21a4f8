"""Programs of others that download for us: found, run, and their last words kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eyeline.errors import UsageError
from eyeline.log import Log

_KEPT_LINES = 40
_BAR = "%|"
"""Of a line that shows progress, over and over."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    lines: tuple[str, ...]
    """The last that it wrote."""

    @property
    def words(self) -> str:
        """The last line that speaks of an error, or else the last one."""
        errors = [line for line in self.lines if "error" in line.lower()]
        last = (errors or list(self.lines) or [f"exit code {self.code}"])[-1]
        return last.strip()[:300]


def find(program: str, extra: str) -> str:
    """The program, on the path or beside this Python; UsageError says how to install it."""
    beside = Path(sys.executable).parent / program
    result = shutil.which(program) or shutil.which(beside)
    if result is None:
        raise UsageError(
            f"{program} is not installed: pip install 'eyeline[{extra}]', or {program} by itself"
        )
    return result


def run(command: Sequence[str | Path], log: Log = lambda _: None) -> Ended:
    """Run a program to its end; it is ended where this process is interrupted.

    Args:
        command: the program and its arguments.
        log: receives each line that it writes.
    """
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            assert process.stdout is not None, "a pipe"
            for line in process.stdout:
                if line.strip() and _BAR not in line:
                    kept.append(line.rstrip())
                    log(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    return Ended(process.returncode, tuple(kept))
