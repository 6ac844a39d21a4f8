"""The tables of `docs/original_readmes.md`: our commands for the steps of the originals."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "original_readmes.md"


def systems() -> list[str]:
    """The systems that have a table."""
    return re.findall(r"^## (\w+)$", PAGE.read_text(encoding="utf-8"), re.M)


def commands(system: str) -> list[list[str]]:
    """The arguments of each command in a system's table, in order, without `eyeline`."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    (own,) = (part for part in sections if part.startswith(f"{system}\n"))
    rows = [line.split(" | ") for line in own.splitlines() if line.startswith("| ")]
    cells = [command for row in rows for command in re.findall(r"`eyeline ([^`]+)`", row[1])]
    return [shlex.split(cell) for cell in cells]
