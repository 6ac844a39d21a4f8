"""The commands of `docs/original_readmes.md`, and running them as a user does."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "original_readmes.md"


def systems() -> list[str]:
    """The systems that have a table."""
    return re.findall(r"^## (\w+)$", PAGE.read_text("utf-8"), re.M)


def commands(system: str) -> list[list[str]]:
    """Arguments of all commands in the second column of a system's table."""
    section = PAGE.read_text("utf-8").partition(f"\n## {system}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [shlex.split(text) for row in rows for text in re.findall(r"`eyeline ([^`]+)`", row[1])]


def run(folder: Path, system: str, smaller: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Run a system's commands one after the other in a folder.

    Args:
        folder: to run in; paths of the page are relative to it.
        system: whose table.
        smaller: options by command that make it quick enough for a test.

    Returns:
        What each printed, by its last output (`-o`).
    """
    printed = {}
    for arguments in commands(system):
        whole = [*arguments, *smaller.get(arguments[0], ())]
        ended = subprocess.run(
            [sys.executable, "-m", "eyeline", *whole], cwd=folder, timeout=600,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True,
        )  # fmt: skip
        assert ended.returncode == 0, f"eyeline {shlex.join(whole)}\n{ended.stderr[-3000:]}"
        printed[arguments[arguments.index("-o") + 1]] = ended.stdout
    return printed
