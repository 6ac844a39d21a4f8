"""Work on many things side by side, in processes of this machine."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from eyeline.errors import EyelineError

Result = TypeVar("Result")


def side_by_side(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    jobs: int,
    begin: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results in the order in which they are finished.

    Ctrl-C is for this process to tell of: those that work do not hear of it, unless `work` says
    otherwise, and what has not been begun is dropped.

    Args:
        work: a function of a module, called once for each of `arguments`.
        arguments: positional ones.
        jobs: how many at the same time.
        begin: called first in each process.

    Raises:
        EyelineError: a process was killed.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        min(jobs, len(arguments)), mp_context=spawn, initializer=_begin, initargs=(begin,)
    )
    try:
        futures = [pool.submit(work, *each) for each in arguments]
        for future in as_completed(futures):
            yield future.result()
    except KeyboardInterrupt:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    except BrokenProcessPool:
        raise EyelineError(
            "a process was killed, mostly for want of memory: use fewer jobs. "
            "The same command goes on from there."
        ) from None
    pool.shutdown()


def deaf() -> None:
    """Let the process in front tell of Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin(more: Callable[[], None] | None) -> None:
    deaf()
    if more:
        more()
