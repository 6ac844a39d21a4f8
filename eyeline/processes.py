"""Work on many things side by side, in processes of this machine; and the memory of one."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import PickleError
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from eyeline.errors import EyelineError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Result = TypeVar("Result")

RETRIES = 2
"""How often something is begun anew after the process that worked on it has died."""
STOP_S = 1.5
"""Time that work gets to clean up after Ctrl-C."""

_NOT_BEGUN = (
    "processes for several jobs cannot begin. A script of your own that asks for them is a file, "
    "not read from standard input, and begins its work below if __name__ == '__main__':"
)


def death(how: str) -> EyelineError:
    """The error of work that every process died of."""
    return EyelineError(
        f"whatever worked on it died {RETRIES + 1} times ({how}), perhaps for want of memory; "
        "fewer --jobs take less. The same command resumes"
    )


def cores() -> int:
    """Processors of this machine."""
    return os.cpu_count() or 1


def most_bytes() -> int | None:
    """Most memory that this process has held at once; None where nothing here can say so."""
    if sys.platform == "linux":  # what getrusage says of a spawned process begins at its parent's
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def side_by_side(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    jobs: int,
    begin: Callable[[], None] | None = None,
    lost: Callable[..., Result] | None = None,
) -> Iterator[Result]:
    """Results in the order in which they are finished.

    No more than `jobs` are begun at a time. One whose process dies is begun anew, `RETRIES` times.
    Ctrl-C is for this process to report: it raises KeyboardInterrupt in `work`, which gets `STOP_S`
    to clean up, and results that are complete by then are still given. Processes end with this
    one, however it ends.

    Args:
        work: a function of a module, called once for each of `arguments`.
        arguments: positional ones.
        jobs: how many at the same time.
        begin: called first in each process.
        lost: the result for arguments whose process died each time; called here, with the error
            and them. Without it that is an error.

    Raises:
        EyelineError: a process cannot begin, or died each time and `lost` is not given.
    """
    waiting = deque((each, 0) for each in arguments)
    beside = [_Worker[Result](work, begin) for _ in range(min(jobs, len(waiting)))]
    try:
        while waiting or any(worker.busy for worker in beside):
            for worker in beside:
                if waiting and not worker.busy:
                    worker.give(*waiting.popleft())
            for worker in _reporting(beside):
                report = worker.report()
                if report is None and not worker.alive:
                    beside[beside.index(worker)] = _Worker[Result](work, begin)
                    if worker.deaths <= RETRIES:
                        waiting.append((worker.arguments, worker.deaths))
                    elif lost is None:
                        raise death("its process was killed")
                    else:
                        yield lost(death("its process was killed"), *worker.arguments)
                elif report is not None:
                    yield report.result()
    except KeyboardInterrupt:
        yield from _interrupted(beside)
        raise
    finally:
        _end(beside)


@dataclass(frozen=True)
class Report(Generic[Result]):
    """How a piece of work ended."""

    value: Result | None
    error: Exception | None = None

    def result(self) -> Result:
        """What came of it; its error is raised."""
        if self.error is not None:
            raise self.error
        return cast(Result, self.value)


class _Worker(Generic[Result]):
    """A process that works on one thing after another."""

    def __init__(self, work: Callable[..., Result], begin: Callable[[], None] | None) -> None:
        import multiprocessing

        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, work, begin), daemon=True)
        with _without_interrupts():
            self._process.start()
        theirs.close()
        self._begun = False
        self.busy = False
        self.alive = True
        self.deaths = 0
        self.arguments: tuple[Any, ...] = ()

    def give(self, arguments: tuple[Any, ...], deaths: int) -> None:
        """Let it work on something that processes have died of so many times."""
        self.arguments, self.deaths, self.busy = arguments, deaths, True
        with suppress(OSError):  # one that is dead is noticed where its report is awaited
            self.pipe.send(arguments)

    def report(self) -> Report[Result] | None:
        """What it sends; None where it has only just begun, or has died.

        Raises:
            EyelineError: it could not begin.
        """
        try:
            report: Report[Result] | None = self.pipe.recv()
        except (EOFError, OSError):
            self.end(STOP_S)
            if not self._begun and (self._process.exitcode or 0) > 0:
                raise EyelineError(_NOT_BEGUN) from None
            self.deaths += 1
            return None
        self._begun = True
        self.busy = report is None
        return report

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in what it works on."""
        if self.busy and self._process.is_alive() and os.name == "posix":
            os.kill(self._process.pid or 0, signal.SIGINT)

    def end(self, wait_s: float) -> None:
        """Wait until it has ended, and kill it if that takes longer."""
        self._process.join(wait_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pipe.close()
        self.alive, self.busy = False, False


def _reporting(beside: Sequence[_Worker[Result]], wait_s: float | None = None) -> list[Any]:
    """Workers that have something to report, or have died, as soon as there are any."""
    from multiprocessing.connection import wait

    ready = wait([worker.pipe for worker in beside if worker.busy], wait_s)
    return [worker for worker in beside if worker.busy and worker.pipe in ready]


def _interrupted(beside: Sequence[_Worker[Result]]) -> Iterator[Result]:
    """Interrupt all; what was complete before that."""
    until = time.monotonic() + STOP_S
    for worker in beside:
        worker.interrupt()
    while ready := _reporting(beside, max(0.0, until - time.monotonic())):
        for worker in ready:
            with suppress(EyelineError):
                report = worker.report()
                if report is not None and report.error is None:
                    yield report.result()
    for worker in beside:
        worker.end(0)


def _end(beside: Sequence[_Worker[Result]]) -> None:
    """End all workers: those that wait for work at once, others as by Ctrl-C."""
    until = time.monotonic() + STOP_S
    for worker in beside:
        worker.interrupt()
    for worker in beside:
        worker.end(max(0.0, until - time.monotonic()) if worker.busy else 0)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C waits, here and in processes started meanwhile, until they are ready to ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it would end the waiting
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _serve(pipe: Connection, work: Callable[..., Any], begin: Callable[[], None] | None) -> None:
    """In a worker: work on what comes through the pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin:
        begin()
    with suppress(EOFError, OSError, KeyboardInterrupt):
        pipe.send(None)
        while True:
            arguments = pipe.recv()
            report = _attempt(work, arguments)
            try:
                pipe.send(report)
            except (TypeError, AttributeError, PickleError) as error:
                pipe.send(Report(None, EyelineError(f"a result cannot be sent: {error}")))
    os._exit(0)  # threads of what was interrupted may not hear of it


def _attempt(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Report[Any]:
    """Only what is at work hears of Ctrl-C; what is complete is sent in any case."""
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        return completed(work, arguments)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def completed(work: Callable[..., Result], arguments: tuple[Any, ...]) -> Report[Result]:
    """The report of work that is done here, for the process that asked for it."""
    try:
        return Report(work(*arguments))
    except Exception as error:  # noqa: BLE001 raised again in the process in front
        if not isinstance(error, EyelineError):
            error.add_note(traceback.format_exc())
        return Report(None, error)


def _interrupt_once(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Let what is at work clean up, then end, once the process in front has ended."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(STOP_S)
    os._exit(1)


def one_thread() -> None:
    """Let OpenCV use one thread in this process."""
    import cv2

    cv2.setNumThreads(1)
