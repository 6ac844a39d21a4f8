"""Work on many things side by side, in processes of this machine; and the memory of one."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from eyeline.errors import EyelineError

Result = TypeVar("Result")


def most_bytes() -> int:
    """Most memory that this process has held at once."""
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage tells of a spawned process begins at its parent's
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


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
            "a process was killed, mostly for want of memory: use fewer jobs. The same command "
            "goes on from there. A script of your own that asks for several jobs begins its work "
            "below if __name__ == '__main__':"
        ) from None
    pool.shutdown()


def here_or_beside(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    jobs: int,
    begin: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results of one job here and in order, of several as of `side_by_side`.

    Args:
        work: as there.
        arguments: as there; a single one is worked on here.
        jobs: as there.
        begin: as there; by default each process has one thread of OpenCV's.

    Raises:
        EyelineError: as there.
    """
    if jobs == 1 or len(arguments) < 2:
        yield from (work(*each) for each in arguments)
    else:
        yield from side_by_side(work, arguments, jobs, begin or one_thread)


def one_thread() -> None:
    """Let OpenCV use one thread in this process."""
    import cv2

    cv2.setNumThreads(1)


def deaf() -> None:
    """Let the process in front tell of Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin(more: Callable[[], None] | None) -> None:
    deaf()
    if more:
        more()
