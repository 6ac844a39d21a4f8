"""Work that several processes share, with the results that one of them would have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from eyeline.errors import DataError, EyelineError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from eyeline.training.devices import Devices

Item = TypeVar("Item")


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
        fabric: launched; its processes share the work. None: this one does all of it.
        count: pieces of work, the same in all processes.
        work: numbers of pieces, ascending, to their results one after the other.

    Raises:
        EyelineError: as of `work`, in whichever process; a file that cannot be read as DataError.
    """
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
