"""Memory that a training step gives back and the next one wants again."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Options of glibc's `mallopt`."""
_USUAL_BYTES = 128 * 1024
_KEPT_BYTES, _LARGEST_BYTES = 2**31 - 1, 2**30


@contextmanager
def keeping_memory(wanted: bool = True) -> Iterator[None]:
    """Let the C library keep freed memory for a while instead of returning it to the system.

    The maps of a step on a processor take gigabytes; fetched anew from the system page by page they
    cost a fifth of the step. The process holds at most what its largest step needed. Does nothing
    where there is no such library.

    Args:
        wanted: False changes nothing.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if wanted else None
    if set_option is None:
        yield
        return
    set_option(_MMAP_THRESHOLD, _LARGEST_BYTES)
    set_option(_TRIM_THRESHOLD, _KEPT_BYTES)
    try:
        yield
    finally:
        set_option(_MMAP_THRESHOLD, _USUAL_BYTES)
        set_option(_TRIM_THRESHOLD, _USUAL_BYTES)
