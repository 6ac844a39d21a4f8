"""What is wrong with how a command ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from torture.command import Ended
from torture.figures import Figure

_PROGRESS = re.compile(r"\[\d+/\d+\] .*: done\b")
"""A line of a batch in which another recording failed."""
MORE_MB = 500
"""What a refusal may take, beyond a process that has imported everything."""


def judged(
    subject: str,
    ended: Ended,
    *,
    codes: Sequence[int] = (1, 2),
    words: str = "",
    lines: int = 1,
    faults: Iterable[str] = (),
) -> Figure:
    """A figure of a command that is to end with one of these codes, and in few lines.

    Args:
        subject: what was tried.
        ended: how it ended.
        codes: those expected; the first is named in the table.
        words: what its messages are to say.
        lines: how many may be written to standard error where it fails, not counting what is done.
        faults: what else is wrong.
    """
    wrong = [] if ended.code in codes else [f"exit {ended.code}: {ended.last[:120]}"]
    text = ended.err + ended.out
    if "Traceback" in text:
        wrong.append("traceback")
    if words not in text:
        wrong.append(f"does not say {words!r}")
    count = sum(1 for line in ended.err.splitlines() if line.strip() and not _PROGRESS.match(line))
    if ended.code and not 0 < count <= lines:
        wrong.append(f"{count} lines")
    if 0 not in codes and ended.more_mb > MORE_MB:
        wrong.append(f"{ended.more_mb:.0f} MB more")
    wrong += faults
    expected = "done" if 0 in codes and len(codes) == 1 else f"exit {' or '.join(map(str, codes))}"
    outcome = "; ".join(wrong) or (f"exit {ended.code}" if ended.code else "done")
    return Figure(subject, expected, outcome, not wrong, ended.seconds)


def unfinished(out: Path) -> list[str]:
    """Folders in an output folder that are half written or left over."""
    if not out.is_dir():
        return []
    folders = [path for path in sorted(out.iterdir()) if path.is_dir()]
    return [
        f"leaves {path.name}"
        for path in folders
        if path.name.startswith(".eyeline") or not (path / "analysis.json").exists()
    ]
