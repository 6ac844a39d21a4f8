"""Work on many things side by side: in processes of this machine, or as tasks of a Ray cluster.

Who starts a command chooses the engine by `using`; what has many things to do asks for `spread` or
`parallel_map`, and need not know which engine that is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from eyeline import processes
from eyeline.errors import UsageError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Engine:
    """What works on many things, and what each of them is given."""

    name: Literal["local", "ray"] = "local"
    cpus: float | None = None
    """Processors that a task of Ray reserves; 1 by default."""
    gpus: float | None = None
    """GPUs, or a fraction of one; 0 by default."""

    def __post_init__(self) -> None:
        """Check the numbers; UsageError for those that no machine can give."""
        for option, number in (("--task-cpus", self.cpus), ("--task-gpus", self.gpus)):
            if number is None:
                continue
            if self.name != "ray":
                raise UsageError(f"{option} is for --engine ray alone; leave it out")
            if not (0 <= number < math.inf and (number < 1 or number == int(number))):
                raise UsageError(
                    f"{option} is {number:g}; must be a whole number, or a fraction below 1"
                )


_LOCAL = Engine()
_engine: ContextVar[Engine] = ContextVar("engine")


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Let an engine do all work for a while; a Ray that is started for it ends with it."""
    from eyeline import on_ray

    connected, token = on_ray.is_connected(), _engine.set(engine)
    try:
        yield
    finally:
        _engine.reset(token)
        if not connected and on_ray.is_connected():
            on_ray.disconnect()


def is_cluster() -> bool:
    """Whether Ray does the work."""
    return _engine.get(_LOCAL).name == "ray"


def spread(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    jobs: int | None = None,
    begin: Callable[[], None] | None = None,
    lost: Callable[..., Result] | None = None,
) -> Iterator[Result]:
    """Results in the order in which they are finished, as of `processes.side_by_side`.

    Args:
        work: as there; Ray takes any function, processes those of a module.
        arguments: as there.
        jobs: as there; of a Ray cluster that exists already all processors work. None: as many as
            this machine has processors.
        begin: as there.
        lost: as there.

    Raises:
        UsageError: ray is not installed, no cluster answers, or none of its machines has what a
            task asks for.
        EyelineError: as there.
    """
    if not is_cluster():
        yield from processes.side_by_side(work, arguments, jobs or processes.cores(), begin, lost)
    elif arguments:
        from eyeline import on_ray

        chosen = _engine.get(_LOCAL)
        needs = on_ray.Needs(1 if chosen.cpus is None else chosen.cpus, chosen.gpus or 0)
        yield from on_ray.spread(work, arguments, needs, jobs, begin, lost)


def parallel_map(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    jobs: int,
    begin: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Results of one job here and in order, of several or of Ray as of `spread`.

    Args:
        work: as there.
        arguments: as there; a single one is worked on here.
        jobs: as there.
        begin: as there; by default each process has one thread of OpenCV's.

    Raises:
        EyelineError: as there.
    """
    if not is_cluster() and (jobs == 1 or len(arguments) < 2):
        yield from (work(*each) for each in arguments)
    else:
        yield from spread(work, arguments, jobs, begin or processes.one_thread)
