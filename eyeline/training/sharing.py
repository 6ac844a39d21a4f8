"""Work that several processes share, with the results that one of them would have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from eyeline import pool
from eyeline.errors import DataError, EyelineError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from eyeline.training.devices import Devices

Item = TypeVar("Item")

_TASKS = 100
"""Of an evaluation on Ray, at most: each reads its inputs and sends its results on its own."""


def launched(devices: Devices | None) -> Fabric | None:
    """The processes that were asked for, begun; None: this one alone."""
    if devices is None:
        return None
    fabric = devices.fabric()
    fabric.launch()
    return fabric


def leads(fabric: Fabric | None) -> bool:
    """Whether this process is the one that reports and writes."""
    return fabric is None or fabric.is_global_zero


def place(fabric: Fabric | None, device: str) -> str:
    """The device of this process: its own of several, or else the one named."""
    return device if fabric is None else str(fabric.device)


def end(fabric: Fabric | None) -> None:
    """Wait until all processes are here, so that none tidies up while another still writes."""
    if fabric is not None:
        fabric.barrier()


def shared(
    fabric: Fabric | None, count: int, work: Callable[[range], Iterable[Item]]
) -> Iterator[Item]:
    """Results of pieces of work in their order, no piece done twice.

    All processes get all results and have to go through them to the end. What one process cannot
    do is raised in all of them.

    Args:
        fabric: launched; its processes share the work. None: the tasks of Ray where that is the
            engine of `pool.using`, else this process does all of it.
        count: pieces of work, the same in all processes.
        work: numbers of pieces, ascending, to their results one after the other.

    Raises:
        EyelineError: as of `work`, in whichever process; a file that cannot be read as DataError.
    """
    if fabric is None and pool.is_cluster():
        yield from _on_cluster(count, work)
        return
    rank, world = (fabric.global_rank, fabric.world_size) if fabric else (0, 1)
    own = iter(work(range(rank, count, world)))
    if world == 1:
        yield from own
        return
    for first in range(0, count, world):
        every = _gathered(_attempt(own) if first + rank < count else None, world)
        for result in every[: count - first]:
            if isinstance(result, EyelineError):
                result.everywhere = True
                raise result
            yield result


def _on_cluster(count: int, work: Callable[[range], Iterable[Item]]) -> Iterator[Item]:
    size = max(1, -(-count // _TASKS))
    firsts = range(0, count, size)
    ready: dict[int, list[Item]] = {}
    order = iter(firsts)
    wanted = next(order, None)
    pieces = [(range(first, min(first + size, count)),) for first in firsts]
    for own, results in pool.spread(partial(_pieces, work), pieces):
        ready[own.start] = results
        while wanted in ready:
            yield from ready.pop(wanted)
            wanted = next(order, None)


def _pieces(work: Callable[[range], Iterable[Item]], own: range) -> tuple[range, list[Item]]:
    """In a task: the results of some pieces, with the numbers of these."""
    import torch

    from eyeline.training.devices import for_answers

    with for_answers(torch.get_num_threads()):
        return own, list(work(own))


def _attempt(own: Iterator[Any]) -> Any:
    try:
        return next(own)
    except EyelineError as error:
        return error
    except OSError as error:
        return DataError(f"{error.filename}: {error.strerror or error}")


def _gathered(mine: Any, world: int) -> list[Any]:
    """What each process has, in their order; it goes through pipes between our own processes."""
    import torch.distributed

    every: list[Any] = [None] * world
    torch.distributed.all_gather_object(every, mine)
    return every
