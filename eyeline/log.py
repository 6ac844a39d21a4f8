"""What long work calls with lines of text as it goes."""

from __future__ import annotations

from collections.abc import Callable

Log = Callable[[str], None]
"""Takes a line without its end; prints it, keeps it, or does nothing."""


def prefixed(log: Log | None, prefix: str) -> Log | None:
    """A log whose lines begin with what they are about."""
    return (lambda line: log(f"{prefix}: {line}")) if log else None
