"""What a trial found out, and the table of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One thing that was tried."""

    subject: str
    expected: str
    outcome: str
    holds: bool
    seconds: float
    ran: bool = True


def skipped(subject: str, reason: str) -> Figure:
    """What cannot be tried here."""
    return Figure(subject, "", f"not run: {reason}", holds=True, seconds=0, ran=False)


def show(trial: str, figures: Iterable[Figure]) -> bool:
    """Print the table of a trial, a row as soon as it is there; True if all holds."""
    print(
        f"\n## {trial}\n\n| subject | expected | outcome | seconds |\n|---|---|---|---:|",
        flush=True,
    )
    rows = []
    for row in figures:
        outcome = row.outcome if row.holds else f"**{row.outcome}**"
        cells = (row.subject, row.expected, outcome)
        print(f"| {' | '.join(map(_cell, cells))} | {row.seconds:.1f} |", flush=True)
        rows.append(row)
    ran = [row for row in rows if row.ran]
    held = sum(row.holds for row in ran)
    skips = f", {len(rows) - len(ran)} not run" if len(ran) < len(rows) else ""
    print(f"\n{trial}: {held} of {len(ran)} as expected{skips}", flush=True)
    return bool(rows) and held == len(ran)


def _cell(text: str) -> str:
    """One line that a terminal and Markdown show as it is."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in plain).replace("|", "\\|")
