"""What long work calls with lines of text as it goes."""

from __future__ import annotations

from collections.abc import Callable

Log = Callable[[str], None]
"""Takes a line without its end; prints it, keeps it, or does nothing."""
