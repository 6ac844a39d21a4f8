"""How the networks are run for answers: without gradients, on few threads, in whole float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

THREADS = 2
"""Threads of a network unless told otherwise."""


@contextmanager
def for_answers(threads: int = THREADS) -> Iterator[None]:
    """No gradients, so many threads, and no shortened products on CUDA; then all as it was."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)
